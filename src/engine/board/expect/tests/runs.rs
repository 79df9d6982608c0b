//! A run is expected to end, or to go on.

use super::*;

fn two_hours() -> Expectation {
    let expected = Expected::Running { at_most: Some(minutes(2 * HOUR)), times_usual: None };
    expectation("two hours", "billing", expected)
}

#[test]
fn a_run_that_goes_on_for_too_long_is_told_with_its_link_and_its_end_ends_it() {
    let mut story = story(vec![two_hours()]);
    let running = Observation { started_at: Some(at(-30)), ..seen("r1", RunStatus::Running) };
    story.see(running).until(90 - 1);
    assert!(story.said().is_empty());
    story.until(9 * HOUR);
    let card = story.cards().remove(0);
    assert_eq!(card.missed, Some(Missed::End { started: at(-30), at_most: minutes(2 * HOUR), usual: None }));
    assert_eq!((card.run.id.as_str(), card.run.url.as_deref()), ("r1", Some("https://engine.example.com/r1")));
    assert_eq!(story.said(), [Kind::Missed]);
    story.run("r1", RunStatus::Cancelled);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
}

#[test]
fn a_run_that_has_not_begun_or_waits_does_not_go_on() {
    let mut story = story(vec![two_hours()]);
    story.run("r1", RunStatus::Pending).run("r2", RunStatus::Waiting).until(DAY);
    assert!(story.said().is_empty());
    story.run("r1", RunStatus::Running).until(DAY + 2 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    story.run("r1", RunStatus::Paused);
    assert_eq!(story.said(), [Kind::Resolved]);
}

#[test]
fn a_polled_run_must_still_be_open_after_the_deadline() {
    let mut story = story(vec![two_hours()]);
    story.polled("r1", RunStatus::Running).until(3 * HOUR);
    assert!(story.said().is_empty());
    story.polled("r1", RunStatus::Running);
    assert_eq!(story.said(), [Kind::Missed], "seen again: that is look enough");
    story.polled("r2", RunStatus::Running).until(6 * HOUR).polled("r2", RunStatus::Completed).read(6 * HOUR);
    assert!(story.said().is_empty(), "it had ended by then");
}

#[test]
fn an_open_run_is_still_measured_after_a_start() {
    let mut story = story(vec![two_hours()]);
    story.run("r1", RunStatus::Running).polled("r2", RunStatus::Running).until(HOUR).restart();
    assert_eq!(story.board.going(), 2);
    story.until(3 * HOUR);
    assert_eq!(story.said(), [Kind::Missed], "the other one waits for a read");
    story.restart().read(3 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    story.restart();
    assert!(story.said().is_empty());
}

#[test]
fn a_run_that_ended_while_firstred_was_away_ends_what_was_missed() {
    let mut story = story(vec![two_hours()]);
    story.run("r1", RunStatus::Running).until(3 * HOUR);
    story.told.clear();
    story.restart().forget("r1");
    assert_eq!(story.said(), [Kind::Resolved]);
    assert_eq!(story.board.going(), 0);
}

/// Ten runs that took `took` minutes each, and one more that goes on.
fn usual_runs(story: &mut Story, from: i64, took: i64) {
    for run in 0..10 {
        let start = from + run * took;
        story.until(start + took);
        let (started_at, completed_at) = (Some(at(start)), Some(at(start + took)));
        story.see(Observation { started_at, completed_at, ..seen(&format!("u{from}-{run}"), RunStatus::Completed) });
    }
}

fn three_times() -> Expectation {
    expectation("usual", "billing", Expected::Running { at_most: None, times_usual: Some(3.0) })
}

#[test]
fn a_run_is_measured_by_three_times_what_is_usual() {
    let mut story = story(vec![three_times()]);
    usual_runs(&mut story, 0, 10);
    story.see(Observation { started_at: Some(at(100)), ..seen("r1", RunStatus::Running) }).until(129);
    assert!(story.said().is_empty());
    story.until(131);
    let missed = Missed::End { started: at(100), at_most: minutes(30), usual: Some(minutes(10)) };
    assert_eq!(story.missed(), [missed]);
}

#[test]
fn nothing_is_usual_before_ten_runs_and_then_it_is_for_those_that_go_on() {
    let mut story = story(vec![three_times()]);
    story.see(Observation { started_at: Some(at(0)), ..seen("r1", RunStatus::Running) });
    story.until(99);
    assert!(story.said().is_empty());
    usual_runs(&mut story, 99, 10);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn whichever_limit_comes_first_counts() {
    let expected = Expected::Running { at_most: Some(minutes(2 * HOUR)), times_usual: Some(3.0) };
    let mut story = story(vec![expectation("both", "billing", expected)]);
    story.see(Observation { started_at: Some(at(0)), ..seen("r0", RunStatus::Running) }).until(2 * HOUR);
    assert_eq!(story.missed(), [Missed::End { started: at(0), at_most: minutes(2 * HOUR), usual: None }]);
    usual_runs(&mut story, 2 * HOUR, 50);
    story.told.clear();
    story.see(Observation { started_at: Some(at(DAY)), ..seen("r1", RunStatus::Running) }).until(DAY + 2 * HOUR);
    assert_eq!(story.missed(), [Missed::End { started: at(DAY), at_most: minutes(2 * HOUR), usual: None }]);
}

#[test]
fn a_run_that_waits_or_is_paused_for_too_long_is_told_and_going_on_ends_it() {
    let mut story = story(vec![expectation("a day", "billing", Expected::Waiting { at_most: minutes(DAY) })]);
    story.run("r1", RunStatus::Running).until(HOUR).run("r1", RunStatus::Paused).until(DAY + HOUR);
    assert_eq!(story.missed(), [Missed::Progress { since: at(HOUR), at_most: minutes(DAY), paused: true }]);
    assert_eq!(story.said(), [Kind::Missed]);
    story.run("r1", RunStatus::Running);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
}
