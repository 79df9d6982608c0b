//! Which reports are one failed attempt, and which are another.

use super::*;

#[test]
fn a_failed_run_is_told_once_however_often_it_is_seen() {
    let mut story = Story::new();
    for _ in 0..5 {
        story.say(seen(RunStatus::Failed));
    }
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn cancelled_paused_and_waiting_are_not_failures() {
    let mut story = Story::new();
    story.say(seen(RunStatus::Paused)).say(seen(RunStatus::Waiting)).say(seen(RunStatus::Cancelled));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons(), [&Reason::Cancelled]);
}

#[test]
fn a_rerun_under_the_same_id_that_fails_again_is_a_new_failure() {
    let mut story = Story::new();
    story.say(seen(RunStatus::Failed)).say(seen(RunStatus::Running)).say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);

    let mut counted = Story::new();
    counted.say(failed_at(1, 10)).say(running_at(2, 20)).say(failed_at(2, 30));
    assert_eq!(counted.told, [Kind::Failed, Kind::Failed]);

    // The engine doesn't count, and nobody saw it running in between.
    let mut unseen = Story::new();
    let uncounted = |second| Observation { attempt: None, ..failed_at(1, second) };
    unseen.say(uncounted(10)).say(uncounted(300));
    assert_eq!(unseen.told, [Kind::Failed, Kind::Failed]);
}

#[test]
fn two_reports_of_one_end_that_differ_by_a_fraction_are_one_failure() {
    let mut story = Story::new();
    let exact = Some("2026-11-22T02:07:09.731Z".parse().expect("a time"));
    let cut = Some("2026-11-22T02:07:09Z".parse().expect("a time"));
    story.say(Observation { completed_at: exact, ..seen(RunStatus::Failed) });
    story.say(Observation { completed_at: cut, source: "poll".to_owned(), ..seen(RunStatus::Failed) });
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn an_end_that_is_reported_with_fewer_digits_than_the_start_is_an_end() {
    let mut story = Story::new();
    let exact = Some("2026-11-22T02:07:00.900Z".parse().expect("a time"));
    let cut = Some("2026-11-22T02:07:00Z".parse().expect("a time"));
    story.say(Observation { updated_at: exact, ..seen(RunStatus::Running) });
    story.say(Observation { updated_at: cut, completed_at: cut, ..seen(RunStatus::Failed) });
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_quick_rerun_that_was_seen_running_is_a_new_failure() {
    let mut story = Story::new();
    let uncounted = |end: i64| Observation { completed_at: Some(at(end)), ..seen(RunStatus::Failed) };
    story.say(uncounted(0)).say(seen(RunStatus::Running)).say(uncounted(2));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);
}

#[test]
fn a_later_start_is_another_attempt_and_the_same_start_is_the_same() {
    let started = |start: i64, status| Observation { started_at: Some(at(start)), ..seen(status) };
    let mut story = Story::new();
    story.say(started(0, RunStatus::Failed)).say(started(3600, RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);
    let mut late = Story::new();
    late.say(started(0, RunStatus::Failed)).say(started(0, RunStatus::Running)).say(started(0, RunStatus::Failed));
    assert_eq!(late.told, [Kind::Failed]);
}

#[test]
fn two_sources_that_differ_by_seconds_about_the_end_of_one_counted_attempt_tell_one_failure() {
    let mut story = Story::new();
    let counted = |end: i64| Observation { attempt: Some(1), completed_at: Some(at(end)), ..seen(RunStatus::Failed) };
    story.say(counted(10)).say(counted(15));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn an_engine_that_begins_its_count_anew_is_believed_when_its_change_is_newer() {
    let mut story = Story::new();
    story.say(failed_at(3, 10)).say(running_at(1, 100)).say(failed_at(1, 130));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);
}
