//! What is missed is an incident like any other.

use super::*;

#[test]
fn a_silence_withholds_it_and_it_speaks_when_the_silence_ends() {
    let mut story = story(vec![daily("billing")]);
    let silence = Silence {
        id: "s_1".to_owned(),
        when: Matcher { workflow: patterns(&["billing"]), ..Matcher::default() },
        from: None,
        until: at(30 * HOUR),
        by: None,
        comment: None,
        unless_new: false,
    };
    story.board.silence_on(at(0), silence).unwrap();
    story.run("r1", RunStatus::Completed).until(29 * HOUR);
    assert!(story.said().is_empty() && story.incident().is_open());
    story.until(31 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn it_is_reminded_of_until_somebody_acknowledges() {
    let mut story = story(vec![daily("billing")]);
    story.policy.rhythm.remind = Some(minutes(4 * HOUR));
    story.run("r1", RunStatus::Completed).until(30 * HOUR);
    assert_eq!(story.said(), [Kind::Missed, Kind::StillOpen]);
    let id = story.incident().id.as_str().to_owned();
    story.board.acknowledge(story.now, &id, "ada").unwrap();
    story.until(9 * DAY);
    assert!(story.said().is_empty());
}

#[test]
fn only_who_may_see_the_workspace_is_told() {
    let mut story =
        story(vec![Expectation { notify: vec!["oncall".to_owned(), "data".to_owned()], ..daily("billing") }]);
    let globex = Audience { workspaces: Some(["globex".to_owned()].into()), ..audience() };
    story.policy.receivers.insert("data".to_owned(), globex);
    story.run("r1", RunStatus::Completed).until(2 * DAY);
    assert_eq!(story.told[0].receivers, ["oncall"]);
}

#[test]
fn a_receiver_that_is_gone_is_replaced_by_whom_the_expectation_names_now() {
    let mut story = story(vec![daily("billing")]);
    story.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::testing::rule("all", Matcher::default())]);
    story.run("r1", RunStatus::Completed).until(2 * DAY);
    story.board.incidents.values_mut().next().unwrap().ears.values_mut().for_each(|ear| ear.knows = false);
    story.told.clear();
    story.policy.receivers.remove("oncall");
    story.policy.expectations[0].notify = vec!["data".to_owned()];
    story.adopt();
    assert_eq!(story.told[0].receivers, ["data"]);
}

#[test]
fn missed_again_soon_after_it_was_over_it_is_the_same_problem() {
    let every = minutes(30);
    let mut story = story(vec![expectation("often", "billing", Expected::Success { every })]);
    story.run("r1", RunStatus::Completed).until(31).run("r2", RunStatus::Completed).until(62);
    assert_eq!(story.said(), [Kind::Missed, Kind::Resolved, Kind::Reopened]);
    assert_eq!(story.board.incidents.len(), 1);
    assert!(matches!(&story.incident().what, What::Missed { expectation, .. } if expectation == "often"));
}

#[test]
fn ten_thousand_workflows_with_twenty_expectations_cost_little() {
    let every = |hours: i64| Expected::Success { every: minutes(hours * HOUR) };
    let expectations = (0..20).map(|index| expectation(&format!("e{index}"), "*", every(25 + index))).collect();
    let mut story = story(expectations);
    story.policy.receivers.clear();
    for workflow in 0..2_000 {
        let mut seen = seen("r", RunStatus::Completed);
        seen.key.workflow = format!("w{workflow}");
        story.see(seen);
    }
    assert_eq!(story.board.watch.dues(), 2_000, "one deadline for each workflow");
    for round in 0..5 {
        let mut seen = seen(&format!("again{round}"), RunStatus::Completed);
        seen.key.workflow = "w7".to_owned();
        story.see(seen);
    }
    assert_eq!(story.board.watch.dues(), 2_000);
}
