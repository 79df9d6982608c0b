//! A success is expected.

use super::*;

#[test]
fn a_workflow_that_does_not_succeed_in_time_is_told_once_and_its_success_ends_it() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(25 * HOUR - 1);
    assert!(story.said().is_empty());
    story.until(3 * DAY);
    assert_eq!(story.missed(), [Missed::Success { last: Some(at(0)), every: minutes(25 * HOUR) }]);
    assert_eq!(story.said(), [Kind::Missed]);
    let note = story.incident();
    assert_eq!(
        (note.opened_at, note.severity, note.rule.as_deref()),
        (at(25 * HOUR), Severity::Warning, Some("daily"))
    );
    story.run("r2", RunStatus::Running);
    assert!(story.said().is_empty(), "a run is no success");
    story.run("r2", RunStatus::Completed);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
    story.until(3 * DAY + 26 * HOUR);
    assert_eq!(story.said(), [Kind::Missed], "the next one is missed anew");
}

#[test]
fn each_success_moves_the_deadline_on() {
    let mut story = story(vec![daily("billing")]);
    for day in 0..7 {
        story.until(day * DAY).run(&format!("r{day}"), RunStatus::Completed);
    }
    assert!(story.said().is_empty());
    story.until(6 * DAY + 26 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn a_late_report_of_an_old_success_proves_nothing() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(2 * DAY);
    story.told.clear();
    story.see(Observation { completed_at: Some(at(10 * HOUR)), ..seen("r2", RunStatus::Completed) });
    assert!(story.said().is_empty() && story.incident().is_open());
}

#[test]
fn a_workflow_that_never_succeeded_counts_from_when_it_was_first_seen() {
    let mut story = story(vec![daily("billing")]);
    story.until(5 * HOUR);
    let old = Observation { completed_at: Some(at(-30 * DAY)), ..seen("r0", RunStatus::Completed) };
    story.see(old).until(30 * HOUR - 1);
    assert!(story.said().is_empty(), "what was missing before the first start is history");
    story.until(30 * HOUR);
    assert_eq!(story.missed(), [Missed::Success { last: Some(at(-30 * DAY)), every: minutes(25 * HOUR) }]);
}

#[test]
fn a_success_before_the_first_start_counts_where_it_was_not_overdue() {
    let mut story = story(vec![daily("billing")]);
    let before = Observation { completed_at: Some(at(-20 * HOUR)), ..seen("r0", RunStatus::Completed) };
    story.see(before).until(5 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn a_polled_source_must_have_been_read_after_the_deadline() {
    let mut story = story(vec![daily("billing")]);
    story.polled("r1", RunStatus::Completed).until(26 * HOUR).read(25 * HOUR - 1);
    assert!(story.said().is_empty(), "that read began before the deadline");
    let unread: Vec<(String, String)> =
        story.board.unread().map(|(source, space, _)| (source.to_owned(), space.to_owned())).collect();
    assert_eq!(unread, [("prod".to_owned(), "acme".to_owned())]);
    story.until(40 * HOUR);
    assert!(story.said().is_empty(), "the source is blind: that is told as firstred's own trouble");
    story.read(40 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    assert_eq!(
        story.incident().lines[0].reason,
        crate::engine::Reason::Missed { due: at(25 * HOUR), read_at: Some(at(40 * HOUR)) }
    );
}

#[test]
fn what_the_read_brings_is_not_told_as_missed() {
    let mut story = story(vec![daily("billing")]);
    story.polled("r1", RunStatus::Completed).until(26 * HOUR).polled("r2", RunStatus::Completed).read(26 * HOUR);
    assert!(story.said().is_empty());
    story.until(52 * HOUR).read(52 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn a_start_waits_for_a_read_of_its_own() {
    let mut story = story(vec![daily("billing")]);
    story.polled("r1", RunStatus::Completed).until(26 * HOUR).restart();
    assert!(story.said().is_empty());
    story.until(27 * HOUR).polled("r2", RunStatus::Completed).read(27 * HOUR);
    assert!(story.said().is_empty(), "it succeeded while firstred was away");
}

#[test]
fn what_was_told_is_not_told_again_after_a_start_and_still_ends() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(26 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    story.restart().until(30 * DAY);
    assert!(story.said().is_empty(), "no time ends it either");
    story.run("r2", RunStatus::Completed);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
}
