//! What waits: silences, quiet hours, what is above.

use super::*;
use crate::engine::{Inhibition, Pattern, Schedule, Severity, Silence, Window, Withheld};

fn pattern(text: &str) -> Vec<Pattern> {
    vec![Pattern::parse(text).expect("a pattern")]
}

fn silence(until: i64, unless_new: bool) -> Silence {
    Silence {
        id: "s1".to_owned(),
        when: Matcher { workflow: pattern("billing"), ..Matcher::default() },
        from: Some(at(0)),
        until: at(until),
        by: Some("ann".to_owned()),
        comment: None,
        unless_new,
    }
}

#[test]
fn what_a_silence_withheld_is_summed_up_when_it_ends() {
    let mut bed = Bed::new();
    bed.board.silence_on(at(0), silence(3_600, false)).expect("a silence");
    bed.bill("r1")
        .until(60)
        .fail("billing", "r2", "mail", "SMTP")
        .until(120)
        .bill("r3")
        .until(130)
        .complete("billing", "ok");
    assert!(bed.said().is_empty());
    assert_eq!(bed.board.pending().len(), 2);
    bed.until(3_600);
    let summary = bed.summary();
    assert_eq!((summary.failures, summary.incidents, summary.resolved), (3, 2, 2));
    assert_eq!(bed.said(), ["3600 summary oncall"]);
}

#[test]
fn one_problem_that_still_goes_on_when_a_silence_ends_is_told_by_itself_and_says_why_so_late() {
    let mut bed = Bed::new();
    bed.board.silence_on(at(0), silence(3_600, false)).expect("a silence");
    bed.bill("r1").until(60).bill("r2").until(3_600);
    let note = bed.note();
    assert!(matches!(note.withheld, Some(Withheld::Silence { .. })));
    assert_eq!(note.failures, 2);
    assert_eq!(bed.said(), ["3600 failed oncall"]);
}

#[test]
fn a_silence_that_is_ended_early_ends_what_waited_for_it() {
    let mut bed = Bed::new();
    bed.board.silence_on(at(0), silence(36_000, false)).expect("a silence");
    bed.bill("r1").until(60);
    bed.board.silence_off(at(60), "s1").expect("ended");
    let told = bed.board.tick(at(60), &bed.policy);
    bed.hear(told);
    assert_eq!(bed.said(), ["60 failed oncall"]);
}

#[test]
fn a_new_error_ends_a_silence_that_asks_for_it() {
    let mut bed = Bed::new();
    bed.fail("other", "r0", "load", "OOM").bill("old").until(10).complete("billing", "ok");
    bed.said();
    bed.until(5_000);
    let mut quiet = silence(36_000, true);
    quiet.from = None;
    bed.board.silence_on(at(5_000), quiet).expect("a silence");
    bed.bill("r1");
    assert_eq!(bed.said(), Vec::<String>::new(), "this error is not new");
    let mut new = card("billing", "mail", "SMTP");
    new.fingerprint = crate::triage::Fingerprint("v1:new".to_owned());
    bed.until(5_010).fail_with("r2", new);
    assert_eq!(bed.said(), ["5010 failed oncall"]);
    bed.until(5_011);
    assert_eq!(bed.said(), ["5010 failed oncall"], "what the silence had withheld is told too");
}

fn nights() -> Schedule {
    // 1,795,000,000 is 2026-11-18 11:06:40 UTC.
    Schedule {
        zone: jiff::tz::TimeZone::UTC,
        windows: vec![Window {
            days: jiff::civil::Weekday::Monday.cycle_forward().take(7).collect(),
            from: jiff::civil::time(11, 0, 0, 0),
            to: jiff::civil::time(12, 6, 40, 0),
        }],
    }
}

fn quiet() -> Bed {
    let mut policy = policy(vec![rule("all", Matcher::default())]);
    policy.schedules.insert("nights".to_owned(), nights());
    if let Some(oncall) = policy.receivers.get_mut("oncall") {
        oncall.quiet = Some("nights".to_owned());
    }
    Bed::under(policy)
}

#[test]
fn quiet_hours_delay_and_end_with_a_summary() {
    let mut bed = quiet();
    bed.bill("r1").until(60).fail("other", "r2", "load", "OOM").until(3_600);
    assert_eq!(bed.summary().incidents, 2);
    assert_eq!(bed.said(), ["3600 summary oncall"]);
}

#[test]
fn what_is_critical_passes_quiet_hours() {
    let mut bed = quiet();
    bed.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::Rule {
        severity: Severity::Critical,
        ..rule("all", Matcher::default())
    }]);
    bed.bill("r1");
    assert_eq!(bed.said(), ["0 failed oncall"]);
}

#[test]
fn what_is_below_waits_while_what_is_above_is_open() {
    let mut policy = policy(vec![rule("all", Matcher::default())]);
    policy.inhibitions.push(Inhibition {
        name: "engine".to_owned(),
        source: Matcher { code: pattern("ENGINE_DOWN"), ..Matcher::default() },
        target: Matcher { workflow: pattern("wf*"), ..Matcher::default() },
        equal: vec![crate::engine::rule::Field::Source],
    });
    let mut bed = Bed::under(policy);
    bed.fail("health", "h1", "ping", "ENGINE_DOWN").fail("wf1", "r1", "s", "X").fail("wf2", "r2", "s", "X");
    assert_eq!(bed.said(), ["0 failed oncall"]);
    bed.until(60).complete("wf2", "r3");
    assert!(bed.said().is_empty());
    bed.until(90).complete("health", "h2");
    let summary = bed.summary();
    assert_eq!((summary.incidents, summary.resolved), (2, 1));
    assert_eq!(bed.said(), ["90 resolved oncall", "90 summary oncall"]);
}

#[test]
fn a_problem_that_ended_while_it_waited_is_counted_also_when_the_same_comes_again_later() {
    let mut bed = Bed::new();
    bed.board.silence_on(at(0), silence(36_000, false)).expect("a silence");
    bed.bill("r1").until(60).complete("billing", "ok").until(10_000).bill("r2").until(36_000);
    let summary = bed.summary();
    assert_eq!((summary.failures, summary.incidents, summary.resolved), (2, 2, 1));
}

#[test]
fn an_error_that_was_only_met_in_retries_ends_no_silence_when_time_asks_about_it() {
    let mut policy = policy(vec![rule("all", Matcher::default())]);
    policy.silences = vec![Silence { id: "planned".to_owned(), by: None, from: None, ..silence(7_200, false) }];
    let mut bed = Bed::under(policy);
    let mut retries = observation("billing", "r1", RunStatus::Running);
    let again = crate::triage::Retrying {
        level: crate::triage::RetryLevel::Step,
        step: Some("charge".to_owned()),
        attempt: Some(1),
        of: None,
        next_at: None,
    };
    let mut held = card("billing", "charge", "TIMEOUT");
    held.fingerprint = crate::triage::Fingerprint("v1:retried".to_owned());
    held.retrying = Some(again);
    (retries.standing, retries.card) = (Standing::Retrying, Some(Box::new(held)));
    let key = retries.key.clone();
    bed.see(retries).until(1_000);
    let known = bed.runs["billing r1"].clone();
    let told = bed.board.hold_ended(at(1_000), &key, known, None, &bed.policy).told;
    assert!(told.is_empty());
    assert_eq!(bed.board.pending().len(), 1, "the hold is over, and the silence withholds it");
    let mut later = silence(36_000, true);
    (later.id, later.from) = ("later".to_owned(), None);
    bed.board.silence_on(at(1_000), later).expect("a silence");
    bed.until(2_000).restart().until(7_300);
    assert!(bed.said().is_empty(), "the error was met before the second silence began");
    bed.until(36_000);
    assert_eq!(bed.said().len(), 1);
}

#[test]
fn who_waits_for_one_silence_does_not_wait_for_a_later_one_because_of_a_start() {
    let summary = |restarts: bool| {
        let mut policy = policy(vec![rule("all", Matcher::default())]);
        let planned = silence(9_000, false);
        policy.silences = vec![Silence { id: "planned".to_owned(), by: None, from: Some(at(100)), ..planned }];
        let mut bed = Bed::under(policy);
        bed.board.silence_on(at(0), silence(3_600, false)).expect("a silence");
        bed.bill("r1").until(200);
        if restarts {
            bed.restart();
        }
        bed.until(300).complete("billing", "ok").until(10_000);
        bed.said()
    };
    assert_eq!(summary(false), ["3600 summary oncall"]);
    assert_eq!(summary(true), summary(false));
}
