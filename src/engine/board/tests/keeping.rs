//! Receivers that keep state: an alert, a message that is edited. What stands there is kept right, whatever withholds what calls people.

use super::*;
use crate::engine::testing::audience;
use crate::engine::{Audience, Budget, Manner, Pattern, ProviderGate, Silence};
use crate::run::StepError;
use crate::triage::{Cause, Class};
use jiff::SignedDuration;

/// `oncall` is this.
fn keeper(manner: Manner, budget: Option<Budget>) -> Bed {
    let mut policy = policy(vec![rule("all", Matcher::default())]);
    policy.receivers.insert("oncall".to_owned(), Audience { budget, manner, ..audience() });
    Bed::under(policy)
}

const TWO: Budget = Budget { messages: 2, within: SignedDuration::from_mins(5) };

fn silence(bed: &mut Bed, until: i64) {
    let silence = Silence {
        id: "s1".to_owned(),
        when: Matcher { workflow: vec![Pattern::parse("billing").expect("a pattern")], ..Matcher::default() },
        from: None,
        until: at(until),
        by: Some("ann".to_owned()),
        comment: None,
        unless_new: false,
    };
    bed.board.silence_on(at(bed.second), silence).expect("a silence");
}

/// Ann acknowledges the first problem on the board.
fn acknowledge(bed: &mut Bed) {
    let id = bed.board.incidents().next().expect("an incident").1.id.as_str().to_owned();
    bed.board.acknowledge(at(bed.second), &id, "ann").expect("acknowledged");
    let second = bed.second;
    bed.until(second);
}

#[test]
fn an_alert_is_closed_behind_a_silence_and_a_post_waits() {
    for (manner, end) in [(Manner::Alert, "120 resolved oncall"), (Manner::Posts, "3600 resolved oncall")] {
        let mut bed = keeper(manner, None);
        bed.bill("r1").until(60);
        silence(&mut bed, 3_600);
        bed.until(120).complete("billing", "ok").until(3_600);
        assert_eq!(bed.said(), ["0 failed oncall", end]);
    }
}

#[test]
fn an_acknowledgement_is_told_once_also_behind_a_silence_and_what_waits_there_goes_on_waiting() {
    let mut bed = keeper(Manner::Alert, None);
    bed.bill("r1").until(60);
    silence(&mut bed, 3_600);
    bed.until(1_000).bill("r2");
    bed.said();
    acknowledge(&mut bed);
    assert_eq!(bed.note().acknowledged.expect("somebody").by, "ann");
    bed.restart().until(3_600);
    assert_eq!(bed.note().more, 1, "the second failure is told when the silence ends");
    assert_eq!(bed.said(), ["1000 acknowledged oncall", "3600 updated oncall"]);
}

#[test]
fn a_post_is_not_told_of_an_acknowledgement() {
    let mut bed = keeper(Manner::Posts, None);
    bed.bill("r1").until(60);
    acknowledge(&mut bed);
    bed.until(900);
    assert_eq!(bed.said(), ["0 failed oncall"]);
}

#[test]
fn an_alert_that_is_raised_after_somebody_acknowledged_is_acknowledged_at_once() {
    let mut bed = keeper(Manner::Alert, None);
    silence(&mut bed, 3_600);
    bed.bill("r1").until(60);
    acknowledge(&mut bed);
    assert!(bed.said().is_empty());
    bed.until(3_600);
    assert_eq!(bed.said(), ["3600 failed oncall", "3600 acknowledged oncall"]);
}

#[test]
fn a_message_is_edited_once_a_minute_and_that_costs_no_budget() {
    let mut bed = keeper(Manner::Edits, Some(TWO));
    bed.bill("r1").until(10).bill("r2").until(20).bill("r3").until(60).until(70).bill("r4").until(130).bill("r5");
    assert_eq!(
        bed.said(),
        ["0 failed oncall", "60 updated oncall", "120 updated oncall"],
        "and the fifth waits for its minute"
    );
    bed.until(150).fail("other", "o1", "load", "OOM").until(200).complete("billing", "ok");
    assert_eq!(bed.said()[2..], ["200 resolved oncall"], "the budget's last message is kept for a summary");
}

#[test]
fn what_was_only_told_in_a_summary_is_no_alert_and_its_first_word_counts_like_any_other() {
    let mut bed = keeper(Manner::Alert, Some(TWO));
    bed.fail("a", "r", "s", "X").fail("b", "r", "s", "X").fail("c", "r", "s", "X").until(30);
    assert_eq!(bed.said(), ["0 failed oncall", "30 summary oncall"], "b and c");
    bed.until(40);
    let ids: Vec<String> = bed.board.incidents().map(|(_, incident)| incident.id.as_str().to_owned()).collect();
    for id in ids {
        bed.board.acknowledge(at(40), &id, "ann").expect("acknowledged");
    }
    bed.until(50);
    assert_eq!(bed.said(), ["40 acknowledged oncall"], "only the first has an alert");
    bed.until(1_000).fail("b", "r2", "s", "X").fail("c", "r2", "s", "X");
    assert_eq!(bed.said(), ["1000 updated oncall"], "the other is withheld by the budget");
}

#[test]
fn the_alert_of_a_problem_that_became_part_of_a_services_trouble_is_closed_when_that_problem_is_over() {
    let mut bed = keeper(Manner::Alert, None);
    bed.policy.providers = ProviderGate::default();
    for workflow in ["a", "b", "c"] {
        let mut card = card(workflow, "call", "HTTP_ERROR");
        card.class = Class::Transient;
        card.provider = Some("api.example.com".to_owned());
        if let Cause::Step { error, .. } = &mut card.cause {
            let code = "HTTP_ERROR".to_owned();
            *error = Some(StepError { provider_status: Some(503), code, ..StepError::default() });
        }
        bed.fail_with("r", card);
    }
    assert_eq!(bed.said(), ["0 failed oncall", "0 failed oncall", "0 provider-trouble oncall"]);
    bed.until(60).complete("a", "2").until(61).complete("c", "2");
    assert_eq!(bed.said(), ["60 resolved oncall"], "c never had an alert of its own");
    bed.until(62).complete("b", "2");
    assert_eq!(bed.said(), ["62 resolved oncall", "62 resolved oncall"], "b, and the service");
}
