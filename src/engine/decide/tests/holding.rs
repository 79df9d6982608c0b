//! Retries that are held, and what becomes of them.

use super::*;

#[test]
fn a_run_that_recovers_on_a_retry_is_never_told_and_the_ledger_says_so() {
    let mut story = Story::new();
    story.say(retrying(1)).say(seen(RunStatus::Running)).say(retrying(2)).say(seen(RunStatus::Completed)).wait(3600);
    assert!(story.told.is_empty());
    assert_eq!(story.reasons().last(), Some(&&Reason::Recovered));
}

#[test]
fn a_hold_that_ends_says_still_retrying_once_and_the_failure_follows() {
    let mut story = Story::new();
    story.say(retrying(1)).wait(600).wait(600).say(retrying(2)).say(retrying(3)).wait(9000);
    assert_eq!(story.told, [Kind::StillRetrying]);
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::StillRetrying, Kind::Failed]);
}

/// A retry whose reason nobody knows yet.
fn unexplained(attempt: u32) -> Observation {
    let mut seen = retrying(attempt);
    if let Some(Cause::Step { error, .. }) = seen.card.as_mut().map(|card| &mut card.cause) {
        *error = None;
    }
    seen
}

#[test]
fn the_reason_of_a_retry_is_taken_in_when_it_comes_later_and_is_not_lost_again() {
    let mut story = Story::new();
    story.say(unexplained(1)).say(retrying(1)).say(unexplained(1));
    let code = |story: &Story| Some(story.known.as_ref()?.card.as_ref()?.cause.error()?.code.clone());
    assert_eq!(code(&story).as_deref(), Some("TIMEOUT"));
    // While the next try runs, the last reason that is known is better than none.
    story.say(unexplained(2));
    assert_eq!(code(&story).as_deref(), Some("TIMEOUT"));
}

#[test]
fn a_hold_follows_the_rule_that_fits_once_the_reason_is_known() {
    let on_timeout = Matcher { code: vec![Pattern::parse("TIMEOUT").expect("a pattern")], ..Matcher::default() };
    let mut impatient = rule("impatient", on_timeout);
    impatient.hold = Some(SignedDuration::from_secs(60));
    for rules in [vec![impatient.clone()], vec![impatient, rule("all", Matcher::default())]] {
        let mut story = Story { policy: policy(rules), ..Story::new() };
        story.say(unexplained(1)).say(retrying(1)).wait(57);
        assert!(story.told.is_empty());
        story.wait(2);
        assert_eq!(story.told, [Kind::StillRetrying]);
    }
}

#[test]
fn a_hold_that_ends_between_two_retries_speaks_at_the_next_one() {
    let mut story = Story::new();
    story.say(retrying(1)).say(seen(RunStatus::Running)).wait(3600);
    assert!(story.told.is_empty());
    story.say(retrying(2));
    assert_eq!(story.told, [Kind::StillRetrying]);
}

fn other_step(attempt: u32) -> Observation {
    let mut other = retrying(attempt);
    if let Some(retrying) = other.card.as_mut().and_then(|card| card.retrying.as_mut()) {
        retrying.step = Some("refund".to_owned());
    }
    other
}

#[test]
fn another_step_that_retries_later_begins_another_hold_and_is_told_for_itself() {
    let mut story = Story::new();
    story.say(retrying(1)).wait(3600).say(seen(RunStatus::Running)).say(other_step(1));
    assert_eq!(story.told, [Kind::StillRetrying]);
    story.wait(3600);
    assert_eq!(story.told, [Kind::StillRetrying, Kind::StillRetrying]);
}

#[test]
fn two_steps_that_retry_side_by_side_are_one_silence_with_one_end() {
    let mut story = Story::new();
    for attempt in 1..40 {
        story.say(retrying(attempt)).wait(20).say(seen(RunStatus::Running)).say(other_step(attempt)).wait(20);
    }
    assert_eq!(story.told.first(), Some(&Kind::StillRetrying), "the deadline moved with every retry");
}

#[test]
fn a_retry_that_was_announced_for_a_failed_run_and_never_comes_is_a_failure() {
    let mut story = Story::new();
    let announced = Observation { status: RunStatus::Failed, ..retrying(1) };
    story.say(announced).wait(3600);
    assert_eq!(story.told, [Kind::Failed]);
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_run_that_is_forgotten_while_it_retries_is_said_to_have_vanished() {
    let mut story = Story::new();
    story.say(retrying(2));
    let changes = forget(at(60), &key(), story.known.take().expect("a run"), &story.policy);
    story.take(changes);
    assert_eq!(story.told, [Kind::Vanished]);
    assert!(!story.known.as_ref().is_some_and(Known::is_open));
    let mut quiet = Story::new();
    quiet.say(seen(RunStatus::Running));
    let changes = forget(at(60), &key(), quiet.known.take().expect("a run"), &quiet.policy);
    quiet.take(changes);
    assert!(quiet.told.is_empty());
    assert_eq!(quiet.reasons(), [&Reason::Forgotten { last: RunStatus::Running }]);
}
