//! A connection is expected to be authorized.

use super::*;

fn authorized() -> Expectation {
    expectation("connections", "*", Expected::Reauthorization)
}

#[test]
fn a_connection_that_must_be_authorized_again_is_one_problem_with_the_number_of_runs_behind_it() {
    let mut story = story(vec![authorized()]);
    story.see(parked("r1", "api.example.com"));
    assert_eq!(story.missed(), [Missed::Authorization { parked: 1, since: at(0) }]);
    assert_eq!(story.cards()[0].provider.as_deref(), Some("api.example.com"));
    story.told.clear();
    story.until(1).see(parked("r2", "api.example.com")).see(parked("r3", "api.example.com"));
    assert!(story.said().is_empty(), "not one message for each run");
    assert_eq!(story.incident().runs, 3);
    story.run("r1", RunStatus::Running);
    assert_eq!(story.incident().runs, 2);
    story.until(15);
    assert_eq!(story.missed(), [Missed::Authorization { parked: 2, since: at(1) }], "exact when it is said");
    assert_eq!(story.said(), [Kind::Updated]);
    story.run("r2", RunStatus::Running);
    assert!(story.said().is_empty());
    story.forget("r3");
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
    let resolution = story.incident().resolution.clone().unwrap();
    assert_eq!(resolution.not_again_count, 0, "no run failed: none has to be run again");
}

#[test]
fn another_connection_is_another_problem_and_other_obstacles_are_none() {
    let mut story = story(vec![authorized()]);
    story.see(parked("r1", "api.example.com")).see(parked("r2", "crm.example.com"));
    let mut throttled = parked("r3", "api.example.com");
    throttled.parked.as_mut().unwrap().class = Class::Transient;
    story.see(throttled).run("r4", RunStatus::Paused);
    assert_eq!(story.said(), [Kind::Missed, Kind::Missed]);
    story.see(parked("r2", "api.example.com"));
    let counts: Vec<u32> = story.board.incidents.values().map(|incident| incident.runs).collect();
    assert_eq!(counts, [2, 0], "it waits for the other one now");
    assert_eq!(story.said(), [Kind::Resolved]);
}

#[test]
fn parked_runs_are_counted_anew_after_a_start_and_other_rules() {
    let mut story = story(vec![authorized()]);
    story.see(parked("r1", "api.example.com")).see(parked("r2", "api.example.com"));
    story.told.clear();
    story.restart();
    assert_eq!((story.said(), story.incident().runs), (Vec::new(), 2));
    story.see(parked("r3", "api.example.com"));
    assert_eq!(story.incident().runs, 3);
    story.policy.expectations = vec![Expectation { name: "other".to_owned(), ..authorized() }];
    story.adopt();
    let said: Vec<(Kind, Option<String>)> =
        story.told.iter().map(|told| (told.notification.kind, told.notification.rule.clone())).collect();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(said, [(Kind::Resolved, named("connections")), (Kind::Missed, named("other"))]);
    assert_eq!(story.missed()[1], Missed::Authorization { parked: 3, since: at(0) });
}
