//! The same service failing several workflows.

use super::*;
use crate::engine::{Pattern, Proof, ProviderGate, Silence};
use crate::run::StepError;
use crate::triage::{Cause, Class};

fn gated() -> Bed {
    let mut policy = policy(vec![rule("all", Matcher::default())]);
    policy.providers = ProviderGate::default();
    Bed::under(policy)
}

fn down(workflow: &str, status: u16) -> Card {
    let mut card = card(workflow, "call", "HTTP_ERROR");
    card.class = Class::Transient;
    card.provider = Some("api.example.com".to_owned());
    if let Cause::Step { error, .. } = &mut card.cause {
        *error =
            Some(StepError { provider_status: Some(status), code: "HTTP_ERROR".to_owned(), ..StepError::default() });
    }
    card
}

#[test]
fn three_workflows_that_one_service_fails_are_its_trouble_and_the_next_ones_join_it() {
    let mut bed = gated();
    for workflow in ["a", "b", "c", "d", "e"] {
        bed.fail_with("r", down(workflow, 503));
    }
    let said = bed.said();
    assert_eq!(said, ["0 failed oncall", "0 failed oncall", "0 provider-trouble oncall"]);
    bed.until(900);
    let note = bed.note();
    let provider = note.provider.expect("a service");
    assert_eq!(
        (provider.provider.as_str(), provider.status, provider.members.len()),
        ("api.example.com", Some(503), 5)
    );
    assert_eq!((note.failures, note.workflows), (5, 5));
    assert_eq!(bed.said(), ["900 updated oncall"]);
}

#[test]
fn what_somebody_silenced_is_no_part_of_a_services_trouble_and_makes_none() {
    let mut bed = gated();
    let silence = Silence {
        id: "s1".to_owned(),
        when: Matcher { workflow: vec![Pattern::parse("a").expect("a pattern")], ..Matcher::default() },
        from: Some(at(0)),
        until: at(36_000),
        by: Some("ada".to_owned()),
        comment: None,
        unless_new: false,
    };
    bed.board.silence_on(at(0), silence).expect("a silence");
    for workflow in ["a", "b", "c"] {
        bed.fail_with("r", down(workflow, 503));
    }
    assert_eq!(
        bed.said(),
        ["0 failed oncall", "0 failed oncall"],
        "two that anybody may hear of are no trouble of three"
    );
    bed.fail_with("r", down("d", 503));
    let note = bed.note();
    assert_eq!(note.provider.map(|provider| provider.members.len()), Some(3));
    assert_eq!((note.failures, note.workflows), (3, 3));
}

#[test]
fn it_is_over_when_every_workflow_is_and_that_is_told_once() {
    let mut bed = gated();
    for workflow in ["a", "b", "c"] {
        bed.fail_with("r", down(workflow, 503));
    }
    bed.said();
    bed.until(60).complete("a", "2").until(61).complete("b", "2");
    assert!(bed.said().is_empty());
    bed.until(62).complete("c", "2");
    assert!(matches!(bed.note().resolution.expect("an end").proof, Proof::Members));
    assert_eq!(bed.said(), ["62 resolved oncall"]);
    bed.until(3_600 * 50);
    assert!(bed.said().is_empty());
    assert_eq!(bed.board.incidents().count(), 0);
}

#[test]
fn another_status_another_time_or_another_workspace_is_no_link() {
    let mut bed = gated();
    bed.fail_with("r", down("a", 503)).fail_with("r", down("b", 429)).fail_with("r", down("c", 500));
    bed.until(1_000).fail_with("r", down("d", 503)).until(2_000).fail_with("r", down("e", 503));
    let mut other = down("f", 503);
    other.run.workspace = "globex".to_owned();
    bed.fail_with("r", other);
    assert!(bed.said().iter().all(|said| !said.contains("provider")));
}

#[test]
fn a_workflow_that_fails_again_after_the_services_trouble_is_over_speaks_for_itself() {
    let mut bed = gated();
    for workflow in ["a", "b", "c"] {
        bed.fail_with("r", down(workflow, 503));
    }
    bed.until(60).complete("a", "2").complete("b", "2").complete("c", "2");
    let end = bed.note().resolution.expect("an end");
    assert_eq!(end.not_again_count, 3);
    bed.said();
    bed.until(700).fail_with("r3", down("a", 503));
    assert_eq!(bed.said(), ["700 reopened oncall"]);
}

#[test]
fn what_waited_for_the_budget_and_became_part_of_a_services_trouble_is_counted_once() {
    let mut bed = gated();
    if let Some(oncall) = bed.policy.receivers.get_mut("oncall") {
        oncall.budget = Some(crate::engine::Budget { messages: 1, within: jiff::SignedDuration::from_mins(20) });
    }
    bed.bill("r").fail_with("r", down("d", 503));
    bed.until(700).fail_with("r", down("a", 503)).fail_with("r", down("b", 503)).fail_with("r", down("c", 503));
    bed.until(710).fail_with("r2", down("d", 503)).until(1_200);
    let note = bed.note();
    assert_eq!((note.failures, note.provider.map(|provider| provider.members.len())), (5, Some(4)));
    assert_eq!(
        bed.said(),
        ["0 failed oncall", "1200 provider-trouble oncall"],
        "and no summary that counts one of them again"
    );
}

#[test]
fn a_services_trouble_whose_receiver_is_gone_has_no_heirs_and_its_members_have() {
    let mut bed = gated();
    for workflow in ["a", "b", "c"] {
        bed.fail_with("r", down(workflow, 503));
    }
    bed.until(30).fail_with("r2", down("a", 503)).until(60).said();
    bed.policy.receivers.remove("oncall");
    bed.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::Rule {
        notify: vec!["data".to_owned()],
        ..rule("all", Matcher::default())
    }]);
    bed.board.adopt(at(60), &bed.policy);
    bed.until(60);
    assert_eq!(bed.said(), ["60 failed data", "60 failed data"], "two members have something that was not told");
    bed.until(1_000).fail_with("r2", down("c", 503));
    assert_eq!(bed.note().failures, 2);
    assert_eq!(bed.said(), ["1000 updated data"]);
}
