//! Every reason in its words.

use super::*;
use crate::engine::{Condition, NotificationId, Proof, RunRef, Withheld};
use crate::run::RunStatus;

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().expect("a time")
}

fn id(name: &str) -> IncidentId {
    IncidentId::of_parts(&[name])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn hour() -> SignedDuration {
    SignedDuration::from_hours(1)
}

fn withheld_reasons() -> Vec<Withheld> {
    vec![
        Withheld::Condition { condition: Condition::Failures { failures: 3, within: hour() }, have: 2 },
        Withheld::Condition { condition: Condition::Consecutive { consecutive: 3 }, have: 1 },
        Withheld::Condition { condition: Condition::Rate { rate: 0.2, of_last: 50 }, have: 4 },
        Withheld::Silence { id: "s_12345678".to_owned(), until: at("07:00:00") },
        Withheld::Inhibited { inhibition: "engine down".to_owned(), by: id("engine") },
        Withheld::Quiet { schedule: "nights".to_owned(), until: "2026-11-24T07:00:00Z".parse().expect("a time") },
        Withheld::Budget { messages: 20, within: SignedDuration::from_mins(5) },
        Withheld::Provider { incident: id("provider"), provider: "api.example.com".to_owned() },
        Withheld::Rhythm { until: at("02:22:30") },
    ]
}

fn reasons() -> Vec<Reason> {
    let run = || RunRef { id: "r9".to_owned(), workflow: "pay".to_owned(), url: None, at: at("03:00:00") };
    let told = |kind, failure, rules: &[&str]| Reason::Told {
        kind,
        failure,
        rules: names(rules),
        receivers: names(&["oncall", "data"]),
        incident: Some(id("one")),
    };
    let kinds = [
        Kind::Failed,
        Kind::StillRetrying,
        Kind::Vanished,
        Kind::Missed,
        Kind::ProviderTrouble,
        Kind::Updated,
        Kind::StillOpen,
        Kind::Reopened,
        Kind::Escalated,
        Kind::Resolved,
        Kind::Summary,
    ];
    let mut reasons: Vec<Reason> = kinds.into_iter().map(|kind| told(kind, 1, &["payments"])).collect();
    reasons.push(told(Kind::Failed, 2, &[]));
    reasons.extend(withheld_reasons().into_iter().map(|why| Reason::Withheld {
        incident: id("one"),
        kind: Kind::Failed,
        rule: Some("payments".to_owned()),
        receivers: names(&["oncall"]),
        why,
    }));
    let why = || Withheld::Silence { id: "nightly work".to_owned(), until: at("01:30:00") };
    let proofs = [
        Proof::LaterRun { run: run(), step_seen: true },
        Proof::LaterRun { run: run(), step_seen: false },
        Proof::SameRun { run: run() },
        Proof::Cancelled { run: run() },
        Proof::Happened,
        Proof::Members,
        Proof::Quiet { since: at("01:00:00") },
    ];
    reasons.extend(proofs.into_iter().map(|proof| Reason::Resolved { proof }));
    reasons.extend([
        Reason::Withheld {
            incident: id("one"),
            kind: Kind::StillOpen,
            rule: None,
            receivers: names(&["oncall"]),
            why: why(),
        },
        Reason::SummedUp { receiver: "oncall".to_owned(), notification: NotificationId::of_parts(&["s"]), why: why() },
        Reason::NotEnough { condition: Condition::Consecutive { consecutive: 3 }, have: 1 },
        Reason::Reopened,
        Reason::Acknowledged { by: "ada".to_owned() },
        Reason::Escalated { receivers: names(&["lead"]) },
        Reason::ReceiverGone { receiver: "old".to_owned(), instead: Vec::new() },
        Reason::ReceiverGone { receiver: "old".to_owned(), instead: names(&["oncall"]) },
        Reason::NoRule,
        Reason::NobodyMaySee { receivers: names(&["acme"]) },
        Reason::NobodyToTell { rules: names(&["mute"]) },
        Reason::Superseded { attempt: Some(2) },
        Reason::Superseded { attempt: None },
        Reason::History,
        Reason::Held { until: at("02:22:00"), rule: Some("patient".to_owned()) },
        Reason::Held { until: at("02:22:05"), rule: None },
        Reason::Recovered,
        Reason::CompletedAfterFailure,
        Reason::RunsAgain { attempt: Some(2) },
        Reason::RunsAgain { attempt: None },
        Reason::RetriedAs { by: "r2".to_owned() },
        Reason::Cancelled,
        Reason::ParentTells { parent: "r0".to_owned(), until: at("02:22:00") },
        Reason::ParentDone { parent: "r0".to_owned() },
        Reason::Forgotten { last: RunStatus::Running },
    ]);
    reasons
}

#[test]
fn every_reason_has_words() {
    let now = at("02:07:00");
    let said: Vec<String> = reasons().iter().map(|reason| words(reason, now, Of::Run)).collect();
    assert!(said.iter().all(|words| !words.is_empty()));
    insta::assert_snapshot!("reasons", said.join("\n"));
}

#[test]
fn an_incident_does_not_name_itself() {
    let now = at("02:07:00");
    for reason in reasons() {
        let said = words(&reason, now, Of::Incident);
        assert!(!said.is_empty() && !said.contains(id("one").as_str()), "{said}");
    }
}

#[test]
fn a_moment_leaves_out_what_is_the_same() {
    let now = at("02:07:00");
    assert_eq!(moment(at("07:00:00"), now), "07:00 UTC");
    assert_eq!(moment(at("07:00:05"), now), "07:00:05 UTC");
    assert_eq!(moment("2026-11-24T07:00:00Z".parse().expect("a time"), now), "2026-11-24 07:00 UTC");
}

#[test]
fn a_while_ago_is_said_as_people_say_it() {
    let since = |seconds| ago(at("02:07:00"), at("02:07:00") + SignedDuration::from_secs(seconds));
    assert_eq!([since(0), since(59), since(185), since(7_260), since(400_000)], ["0s", "59s", "3m", "2h", "4 days"]);
}
