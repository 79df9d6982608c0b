//! Other rules come into force while problems go on.

use super::*;
use crate::engine::testing::audience;
use crate::engine::{Pattern, Rhythm, Schedule, Silence, Window};
use jiff::SignedDuration;

fn silence(until: i64) -> Silence {
    Silence {
        id: "planned".to_owned(),
        when: Matcher { workflow: vec![Pattern::parse("billing").expect("a pattern")], ..Matcher::default() },
        from: None,
        until: at(until),
        by: None,
        comment: None,
        unless_new: true,
    }
}

/// Adopts the rules in force, and does what is due then.
fn adopt(bed: &mut Bed) {
    bed.board.adopt(at(bed.second), &bed.policy);
    let second = bed.second;
    bed.until(second);
}

#[test]
fn a_silence_that_ended_for_a_new_error_holds_again_once_it_is_written_with_another_end() {
    let mut bed = Bed::new();
    bed.policy.silences = vec![silence(36_000)];
    bed.bill("r1");
    assert_eq!(bed.said(), ["0 failed oncall"], "it is new, and ends the silence");
    bed.until(60);
    adopt(&mut bed);
    bed.until(1_000).bill("r2");
    assert_eq!(bed.said(), ["1000 updated oncall"], "the same silence is over, whatever else was changed");
    bed.policy.silences = vec![silence(40_000)];
    adopt(&mut bed);
    bed.until(3_000).bill("r3");
    assert!(bed.said().is_empty(), "this is another silence, and the error is not new");
}

#[test]
fn an_heir_hears_of_a_problem_that_the_new_rules_end_at_once() {
    let mut bed = Bed::new();
    bed.board
        .silence_on(at(0), Silence { by: Some("ann".to_owned()), unless_new: false, ..silence(600) })
        .expect("made");
    bed.bill("r1").until(100);
    bed.policy.receivers.remove("oncall");
    bed.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::Rule {
        notify: vec!["data".to_owned()],
        ..rule("all", Matcher::default())
    }]);
    bed.policy.rhythm = Rhythm { resolve_after: SignedDuration::from_secs(50), ..Rhythm::default() };
    adopt(&mut bed);
    assert!(bed.said().is_empty(), "the silence holds for the heir, too");
    bed.until(600);
    assert_eq!((bed.summary().failures, bed.summary().resolved), (1, 1));
    assert_eq!(bed.said(), ["600 summary data"]);
}

#[test]
fn an_heir_that_nothing_holds_back_hears_that_it_failed_and_that_it_is_over() {
    let mut bed = Bed::new();
    let days = jiff::civil::Weekday::Monday.cycle_forward().take(7).collect();
    let (from, to) = (jiff::civil::time(11, 0, 0, 0), jiff::civil::time(12, 0, 0, 0));
    let nights = Schedule { zone: jiff::tz::TimeZone::UTC, windows: vec![Window { days, from, to }] };
    bed.policy.schedules.insert("nights".to_owned(), nights);
    bed.policy
        .receivers
        .insert("oncall".to_owned(), crate::engine::Audience { quiet: Some("nights".to_owned()), ..audience() });
    bed.bill("r1").until(100);
    assert!(bed.said().is_empty(), "quiet hours");
    bed.policy.receivers.remove("oncall");
    bed.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::Rule {
        notify: vec!["data".to_owned()],
        ..rule("all", Matcher::default())
    }]);
    bed.policy.rhythm = Rhythm { resolve_after: SignedDuration::from_secs(50), ..Rhythm::default() };
    adopt(&mut bed);
    assert_eq!(bed.said(), ["100 failed data", "100 resolved data"]);
}
