//! What another run, the engine or the rules have to say about a failure.

use super::*;

#[test]
fn a_child_is_left_to_its_open_parent() {
    let mut story = Story::new();
    let child = Observation { parent: Some("p".to_owned()), ..seen(RunStatus::Failed) };
    story.say_in(child.clone(), &Context { parent_open: true, ..Context::default() });
    assert!(story.told.is_empty());
    let mut orphan = Story::new();
    orphan.say(child);
    assert_eq!(orphan.told, [Kind::Failed]);
    let mut own = Story::new();
    let rooted = Observation { parent: Some(key().run), ..seen(RunStatus::Failed) };
    own.say_in(rooted, &Context { parent_open: true, ..Context::default() });
    assert_eq!(own.told, [Kind::Failed], "a run that names itself as its parent silences itself");
}

#[test]
fn a_child_whose_parent_does_not_speak_in_time_is_told_by_itself() {
    let child = || Observation { parent: Some("p".to_owned()), ..seen(RunStatus::Failed) };
    let open = Context { parent_open: true, ..Context::default() };
    for (parent, told) in [
        (Some(Standing::Open), vec![Kind::Failed]),
        (Some(Standing::Cancelled), vec![Kind::Failed]),
        (None, vec![Kind::Failed]),
        (Some(Standing::Failed), vec![]),
        (Some(Standing::Completed), vec![]),
    ] {
        let mut story = Story::new();
        story.say_in(child(), &open);
        story.parent = parent;
        story.wait(3600).wait(3600);
        assert_eq!(story.told, told, "parent {parent:?}");
    }
}

#[test]
fn a_failure_that_is_completed_by_the_engine_is_put_on_record() {
    let mut story = Story::new();
    story.say(failed_at(1, 10)).say(Observation {
        attempt: Some(1),
        updated_at: Some(at(40)),
        ..seen(RunStatus::Completed)
    });
    assert_eq!(story.told, [Kind::Failed]);
    assert_eq!(story.reasons().last(), Some(&&Reason::CompletedAfterFailure));
}

#[test]
fn a_completed_run_that_is_forced_to_failed_is_told() {
    let mut story = Story::new();
    story.say(Observation { updated_at: Some(at(10)), ..seen(RunStatus::Completed) });
    story.say(Observation { completed_at: Some(at(10)), updated_at: Some(at(50)), ..seen(RunStatus::Failed) });
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn no_workspace_reaches_a_receiver_that_is_bound_to_another() {
    let mut story = Story::new();
    for audience in story.policy.receivers.values_mut() {
        audience.workspaces = Some(["other".to_owned()].into());
    }
    story.say(seen(RunStatus::Failed));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons(), [&Reason::NobodyMaySee { receivers: vec!["oncall".to_owned()] }]);
}

#[test]
fn an_unmatched_failure_goes_to_the_defaults_or_says_that_no_rule_matched() {
    let mut story = Story::new();
    story.policy.rules = crate::engine::RuleSet::default();
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.reasons(), [&Reason::NoRule]);
    story.known = None;
    story.policy.default_notify = vec!["data".to_owned()];
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed]);
}

fn in_place_of(by: &str) -> Observation {
    let status = RunStatus::Failed;
    Observation { standing: Standing::Cancelled, card: None, retried_as: Some(by.to_owned()), ..seen(status) }
}

fn announced() -> Observation {
    Observation { status: RunStatus::Failed, completed_at: Some(at(5)), updated_at: Some(at(5)), ..retrying(1) }
}

#[test]
fn a_failed_run_in_whose_place_the_engine_started_another_has_no_word() {
    let mut story = Story::new();
    story.say(announced()).say(in_place_of("run-2")).wait(3600).say(in_place_of("run-2"));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons().last(), Some(&&Reason::RetriedAs { by: "run-2".to_owned() }));
    assert!(!story.known.as_ref().is_some_and(Known::is_open));
}

#[test]
fn a_retry_that_was_announced_and_never_came_is_told_once() {
    let mut story = Story::new();
    story.say(announced()).wait(3600).say(announced()).wait(3600);
    assert_eq!(story.told, [Kind::Failed]);
}
