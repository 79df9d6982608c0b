//! Notifications of every kind, as they come: what templates are tried out on, what a test message could look like, and what the
//! tests of the receivers begin with. Made of the engine's types alone; it knows no receiver and no message.

pub(crate) mod incidents;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::engine::{DailyNote, Kind, Notification, NotificationId, OwnTrouble, Severity, Subject};
use crate::run::{Progress, StepError, Workflow};
use crate::triage::{Card, Cause, Class, ClassReason, Consequences, Fingerprint, RetryLevel, Retrying, RunFacts};

/// Every kind of thing that can be said, by name.
pub(crate) fn all() -> Vec<(String, Notification)> {
    let mut all: Vec<(String, Notification)> =
        of_runs().into_iter().chain(incidents::samples()).map(|(name, said)| (name.to_owned(), said)).collect();
    all.extend(incidents::more());
    all
}

/// One of each that is about no incident.
pub(crate) fn of_runs() -> Vec<(&'static str, Notification)> {
    let nothing = Card { cause: Cause::Nothing, class: Class::Unknown, decided_by: ClassReason::Nothing, ..card() };
    vec![
        ("failed_step", of_card(card())),
        ("before_any_step", of_card(before_any_step())),
        ("nothing_recorded", of_card(nothing)),
        ("still_retrying", still_retrying()),
        ("trouble", trouble(Kind::Trouble)),
        ("test", trouble(Kind::Test)),
        ("daily", daily()),
    ]
}

/// A time that is written here: those that are not are found by the tests.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_default()
}

pub(crate) fn notification(kind: Kind, subject: Subject) -> Notification {
    Notification {
        id: NotificationId::of_parts(&["a", kind.as_str()]),
        kind,
        severity: Severity::Critical,
        rule: Some("billing".to_owned()),
        runbook: Some("https://runbooks.example.com/billing-sync".to_owned()),
        decided_at: at("2026-11-22T10:14:02Z"),
        incident: None,
        owner: None,
        subject,
    }
}

pub(crate) fn of_card(card: Card) -> Notification {
    notification(Kind::Failed, Subject::Run(Box::new(card)))
}

/// The card of the mock-ups.
pub(crate) fn card() -> Card {
    Card {
        source: "prod".to_owned(),
        run: RunFacts {
            id: "run_8f3c21".to_owned(),
            attempt: Some(1),
            max_attempts: None,
            replay_of: None,
            workspace: "acme".to_owned(),
            workflow: Workflow { id: Some("wf_12".to_owned()), name: Some("billing-sync".to_owned()), version: None },
            trigger: Some("schedule".to_owned()),
            url: Some("https://flows.example.com/runs/run_8f3c21".to_owned()),
            started_at: Some(at("2026-11-22T10:13:48.600Z")),
            completed_at: Some(at("2026-11-22T10:14:01Z")),
            labels: BTreeMap::from([("env".to_owned(), "prod".to_owned()), ("owner".to_owned(), "growth".to_owned())]),
        },
        cause: Cause::Step {
            number: Some(4),
            title: "charge-card".to_owned(),
            kind: Some("http.request".to_owned()),
            attempt: Some(3),
            max_attempts: Some(3),
            failed_at: Some(at("2026-11-22T10:14:01Z")),
            url: None,
            error: Some(StepError {
                code: "CARD_DECLINED".to_owned(),
                message: "Your card was declined.".to_owned(),
                provider_status: Some(402),
                retryable: Some(false),
                detail: Some("{\"decline_code\":\"insufficient_funds\",\"note\":\"<!channel> & <b>\"}".to_owned()),
            }),
            run_error: None,
        },
        class: Class::Configuration,
        decided_by: ClassReason::ProviderStatus { status: 402 },
        advice: "Correct what the step sends, then run it again.".to_owned(),
        fingerprint: Fingerprint("v1:00112233445566778899aabbccddeeff".to_owned()),
        progress: Some(Progress { completed: 3, total: Some(7) }),
        consequences: Consequences { tolerated: 1, skipped: 3, later: 0 },
        retrying: None,
        provider: None,
        missed: None,
        redacted: 0,
    }
}

pub(crate) fn before_any_step() -> Card {
    let error = StepError {
        code: "ScriptError".to_owned(),
        message: "Flow could not be retrieved from deployment.\nNo module named 'flows'".to_owned(),
        ..StepError::default()
    };
    Card {
        cause: Cause::Run { before_any_step: true, error },
        class: Class::Unknown,
        decided_by: ClassReason::Nothing,
        progress: None,
        consequences: Consequences::default(),
        ..card()
    }
}

pub(crate) fn still_retrying() -> Notification {
    let mut card = card();
    if let Cause::Step { error: Some(error), attempt, max_attempts, .. } = &mut card.cause {
        (error.code, error.provider_status, error.retryable) = ("PROVIDER_TIMEOUT".to_owned(), Some(504), Some(true));
        "The provider did not answer within 30 s.".clone_into(&mut error.message);
        error.detail = None;
        (*attempt, *max_attempts) = (Some(4), Some(10));
    }
    (card.class, card.decided_by) = (Class::Transient, ClassReason::EngineRetryable);
    card.run.completed_at = None;
    card.retrying = Some(Retrying {
        level: RetryLevel::Step,
        step: Some("charge-card".to_owned()),
        attempt: Some(4),
        of: Some(10),
        next_at: Some(at("2026-11-22T10:19:00Z")),
    });
    notification(Kind::StillRetrying, Subject::Run(Box::new(card)))
}

fn trouble(kind: Kind) -> Notification {
    let trouble = OwnTrouble {
        what: "receiver oncall".to_owned(),
        summary: "Slack answers no_service: the webhook was deleted.".to_owned(),
        detail: Some("HTTP 404: no_service".to_owned()),
        advice: "Make a new webhook and put it into [receivers.oncall].".to_owned(),
        since: at("2026-11-22T09:58:00Z"),
    };
    Notification { rule: None, runbook: None, ..notification(kind, Subject::Own(trouble)) }
}

fn daily() -> Notification {
    let note = DailyNote {
        date: jiff::civil::date(2026, 11, 22),
        since: at("2026-11-21T08:00:00Z"),
        until: at("2026-11-22T08:00:00Z"),
        runs: 1_204,
        failed: 9,
        told: 7,
        held: 2,
        nobody: 0,
        open: 3,
        unread: Vec::new(),
        silent: vec!["events".to_owned()],
        broken: Vec::new(),
    };
    let said = notification(Kind::Daily, Subject::Daily(Box::new(note)));
    Notification { rule: None, runbook: None, severity: Severity::Info, ..said }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_of_notification_is_among_them_at_a_time_of_its_own() {
        let all = all();
        let kinds: BTreeSet<Kind> = all.iter().map(|(_, said)| said.kind).collect();
        // A new kind is a new number here, and a new sample above.
        assert_eq!(kinds.len(), 15, "{kinds:?}");
        let names: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for (name, said) in &all {
            let json = serde_json::to_string(said).expect("JSON");
            assert!(!json.contains("1970-"), "{name} holds a time that can't be read");
        }
    }
}
