//! Reports that come late, or from the wrong time.

use super::*;

#[test]
fn an_old_report_that_comes_late_does_not_bring_a_failure_back() {
    let mut story = Story::new();
    story.say(failed_at(1, 10)).say(running_at(1, 5)).say(failed_at(1, 10));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_failure_stamped_a_moment_before_the_last_sign_of_life_is_told() {
    let mut story = Story::new();
    story.say(running_at(1, 5)).say(Observation { updated_at: Some(at(4)), ..failed_at(1, 4) });
    assert_eq!(story.told, [Kind::Failed]);
    // One that is known, and run again within that moment, is neither told twice nor ends the new one.
    let mut again = Story::new();
    again.say(failed_at(1, 10)).say(running_at(1, 11)).say(failed_at(1, 10));
    assert_eq!(again.told, [Kind::Failed]);
    assert!(again.known.as_ref().is_some_and(super::super::Known::is_open));
}

#[test]
fn a_failed_attempt_reported_after_the_next_one_is_put_on_record_and_not_told() {
    let mut story = Story::new();
    story.say(running_at(2, 20)).say(failed_at(1, 10)).say(failed_at(1, 10)).say(failed_at(2, 30));
    assert_eq!(story.told, [Kind::Failed]);
    assert_eq!(story.reasons()[0], &Reason::Superseded { attempt: Some(1) });
}

#[test]
fn a_change_from_the_far_future_does_not_make_what_follows_late() {
    let mut story = Story::new();
    let future = Some("2099-01-01T00:00:00Z".parse().expect("a time"));
    story.say(Observation { updated_at: future, ..seen(RunStatus::Running) }).say(failed_at(1, 10));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_failure_that_is_older_than_a_known_completion_is_not_told() {
    let mut story = Story::new();
    let ended = |end: i64, status| Observation { completed_at: Some(at(end)), ..seen(status) };
    story.say(ended(600, RunStatus::Completed)).say(ended(420, RunStatus::Failed));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons(), [&Reason::Superseded { attempt: None }]);
}

#[test]
fn history_is_known_and_not_told_but_its_rerun_is() {
    let mut story = Story::new();
    story.say_in(failed_at(1, 10), &Context { history: true, ..Context::default() });
    story.say(failed_at(1, 10));
    assert!(story.told.is_empty());
    story.say(running_at(2, 20)).say(failed_at(2, 30));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_retry_that_is_reported_after_the_second_of_two_uncounted_ends_holds_nothing() {
    let mut story = Story::new();
    let end = |second| Observation {
        attempt: None,
        started_at: None,
        updated_at: None,
        completed_at: Some(at(second)),
        ..seen(RunStatus::Completed)
    };
    let late = Observation { attempt: None, started_at: Some(at(200)), updated_at: None, ..retrying(1) };
    story.say(end(100)).say(end(300)).say(late).wait(3600);
    assert_eq!((story.told.len(), story.reasons().len()), (0, 0));
}
