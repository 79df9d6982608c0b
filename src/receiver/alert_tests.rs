//! Tests of what all on-call tools are told.

use super::Action::{Acknowledge, Resolve, Trigger};
use super::*;
use crate::receiver::draft::Composer;
use crate::receiver::test_oncall::{all, assert_clean, delivered, hostile_ones, sample};
use crate::receiver::test_support::delivery;

fn alert(name: &str) -> Alert {
    Alert::of(&Composer::default().draft(&delivered(name)), Budget::FULL)
}

#[test]
fn from_opened_to_opened_again_it_is_one_alert_that_changes_its_state() {
    let names = ["opened", "updated", "still_open", "acknowledged", "escalated", "resolved", "reopened"];
    let alerts = names.map(alert);
    assert!(alerts.iter().all(|alert| alert.key == alerts[0].key));
    let actions: Vec<_> = alerts.iter().map(|alert| alert.action).collect();
    assert_eq!(actions, [Trigger, Trigger, Trigger, Acknowledge, Trigger, Resolve, Trigger]);
}

#[test]
fn what_nobody_took_up_becomes_critical_and_what_is_no_failure_wakes_nobody() {
    let mut escalated = sample("escalated");
    escalated.severity = Severity::Warning;
    assert_eq!(severity(&escalated), Severity::Critical);
    assert_eq!(severity(&sample("test")), Severity::Info);
    let mut over = sample("summary_quiet");
    if let Subject::Summary(summary) = &mut over.subject {
        summary.resolved = summary.incidents;
    }
    assert_eq!((severity(&sample("summary_quiet")), severity(&over)), (Severity::Critical, Severity::Info));
}

#[test]
fn an_alert_that_nobody_closes_says_so() {
    for (name, notification) in all() {
        let alert = alert(name);
        let says = alert.text.contains("firstred does not close");
        assert_eq!(says, is_left_open(&notification), "{name}");
        let delivery = delivered(name);
        let plain = Alert::plain(&Composer::default().draft(&delivery)).text.contains("firstred does not close");
        assert_eq!(says, plain, "{name}");
        assert_eq!(says, alert.facts.iter().any(|(fact, _)| fact == "ending"), "{name}");
    }
}

#[test]
fn the_facts_are_as_they_were() {
    for name in
        ["opened", "updated", "resolved_with_runs_left", "missed", "provider_trouble", "summary_storm", "trouble"]
    {
        let lines: Vec<String> = alert(name).facts.iter().map(|(fact, said)| format!("{fact}: {said}")).collect();
        insta::assert_snapshot!(format!("facts_{name}"), lines.join("\n"));
    }
}

#[test]
fn a_summary_is_one_short_line_without_a_sign() {
    for (name, _) in all() {
        let said = alert(name).summary;
        assert!(!said.is_empty() && text::length(&said) <= 120 && !said.contains('\n'), "{said}");
        assert!(said.starts_with(|c: char| c.is_alphanumeric()) || name == "hostile", "{said}");
    }
}

#[test]
fn hostile_facts_are_clean_and_few() {
    for notification in hostile_ones() {
        let delivery = delivery(notification);
        let composer = Composer::default();
        let draft = composer.draft(&delivery);
        for alert in [Alert::of(&draft, Budget::FULL), Alert::plain(&draft)] {
            assert_clean(&serde_json::Value::Object(alert.map()));
            assert!(alert.key.len() <= 255 && alert.facts.len() <= 40, "{}", alert.facts.len());
            assert!(text::length(&alert.summary) <= 120 && !alert.summary.trim().is_empty());
            assert!(alert.facts.iter().all(|(_, said)| text::length(said) <= 2_000));
        }
    }
}
