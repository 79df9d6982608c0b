//! Samples about incidents: what is said of one from its opening to its end, of misses, of a service's trouble, and in summaries. It
//! knows no receiver.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{at, before_any_step, card, notification, of_card, still_retrying};
use crate::engine::{
    Acknowledged, IncidentId, IncidentNote, Kind, LastSuccess, Notification, Novelty, OwnerNote, Proof, ProviderNote,
    Resolution, RunRef, Subject, Summary, SummaryLine, Tallies, Withheld,
};
use crate::run::Workflow;
use crate::triage::{Card, Cause, Class, ClassReason, Missed, MissedRun, missed_card};

pub(crate) fn run_ref(id: &str) -> RunRef {
    RunRef {
        id: id.to_owned(),
        workflow: "billing-sync".to_owned(),
        url: Some(format!("https://flows.example.com/runs/{id}")),
        at: at("2026-11-22T10:32:11Z"),
    }
}

/// The incident that the card of the mock-ups opens.
pub(crate) fn note() -> IncidentNote {
    IncidentNote {
        id: IncidentId::of_parts(&["billing"]),
        group: [("workflow", "wf_12"), ("step", "charge-card"), ("code", "CARD_DECLINED")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        opened_at: at("2026-11-22T10:14:01Z"),
        failures: 1,
        runs: 1,
        workflows: 1,
        more: 1,
        last_failed_at: Some(at("2026-11-22T10:14:01Z")),
        last_run: Some(run_ref("run_8f3c21")),
        reopened: 0,
        novelty: Novelty {
            new_error: true,
            in_last_hour: Some((3, at("2026-11-22T09:58:00Z"))),
            last_success: Some(LastSuccess { at: at("2026-11-22T01:52:00Z"), version: Some("14".to_owned()) }),
            version_since: Some(("15".to_owned(), at("2026-11-22T02:01:00Z"))),
        },
        acknowledged: None,
        withheld: None,
        resolution: None,
        provider: None,
    }
}

/// The same after 14 runs have failed.
pub(crate) fn grown() -> IncidentNote {
    IncidentNote {
        failures: 14,
        runs: 14,
        more: 12,
        last_failed_at: Some(at("2026-11-22T10:31:40Z")),
        last_run: Some(run_ref("run_8f3f99")),
        ..note()
    }
}

/// `kind` is said of `card` and `note` at `now`.
pub(crate) fn said(kind: Kind, card: Card, note: IncidentNote, now: &str) -> Notification {
    Notification {
        decided_at: at(now),
        incident: Some(Box::new(note)),
        owner: Some(OwnerNote { name: "growth".to_owned(), mention: Some("<!subteam^S012ABC>".to_owned()) }),
        ..notification(kind, Subject::Run(Box::new(card)))
    }
}

/// The incident is over by `proof`; `left` of its failed runs were not run again.
pub(crate) fn resolved(proof: Proof, left: u32) -> Notification {
    let names = (0..left.min(10)).map(|number| run_ref(&format!("run_8f3c{number:02}"))).collect();
    let resolution = Resolution { at: at("2026-11-22T10:32:11Z"), proof, not_again: names, not_again_count: left };
    let note = IncidentNote { resolution: Some(resolution), failures: 15, ..grown() };
    said(Kind::Resolved, card(), note, "2026-11-22T10:32:12Z")
}

fn later(step_seen: bool) -> Proof {
    Proof::LaterRun { run: run_ref("run_8f40aa"), step_seen }
}

pub(crate) fn summary_line(workflow: &str, failures: u32, resolved: bool) -> SummaryLine {
    SummaryLine {
        incident: IncidentId::of_parts(&[workflow]),
        workflow: workflow.to_owned(),
        step: Some("charge-card".to_owned()),
        code: Some("PROVIDER_TIMEOUT".to_owned()),
        status: Some(504),
        class: Class::Transient,
        failures,
        resolved,
        run: RunRef { workflow: workflow.to_owned(), ..run_ref("run_8f3c21") },
    }
}

pub(crate) fn tallies(counts: &[(&str, u64)], more_names: u32, more_count: u64) -> Tallies {
    let top = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    Tallies { top, more_names, more_count }
}

pub(crate) fn summary(cause: Withheld) -> Summary {
    Summary {
        cause,
        workspaces: BTreeSet::from(["acme".to_owned()]),
        since: at("2026-11-22T10:04:00Z"),
        until: at("2026-11-22T10:14:00Z"),
        failures: 1_217,
        runs: 1_204,
        incidents: 7,
        resolved: 1,
        lines: ["billing-sync", "crm-export", "invoice-mail", "lead-sync", "nightly-export", "stock", "tax"]
            .iter()
            .zip([900, 300, 9, 3, 2, 2, 1])
            .map(|(name, failures)| summary_line(name, failures, *name == "crm-export"))
            .collect(),
        workflows: tallies(
            &[
                ("billing-sync", 900),
                ("crm-export", 300),
                ("invoice-mail", 9),
                ("lead-sync", 3),
                ("stock", 2),
                ("tax", 1),
            ],
            1,
            2,
        ),
        codes: tallies(&[("PROVIDER_TIMEOUT", 1_200), ("RATE_LIMITED", 17)], 0, 0),
        providers: tallies(&[("api.example.com", 1_200)], 0, 0),
    }
}

pub(crate) fn of_summary(summary: Summary) -> Notification {
    Notification { rule: None, runbook: None, ..notification(Kind::Summary, Subject::Summary(Box::new(summary))) }
}

pub(crate) fn provider_note() -> ProviderNote {
    ProviderNote {
        provider: "api.example.com".to_owned(),
        class: Class::Transient,
        status: Some(503),
        members: ["billing-sync", "crm-export", "invoice-mail", "lead-sync", "stock", "tax"]
            .iter()
            .map(|name| summary_line(name, 3, false))
            .collect(),
        more_members: 8,
    }
}

fn of_provider(kind: Kind, resolution: Option<Resolution>) -> Notification {
    let note = IncidentNote {
        id: IncidentId::of_parts(&["api.example.com"]),
        group: vec![("provider".to_owned(), "api.example.com".to_owned())],
        workflows: 14,
        provider: Some(provider_note()),
        resolution,
        ..grown()
    };
    said(kind, card(), note, "2026-11-22T10:32:12Z")
}

pub(crate) fn of_missed(kind: Kind, missed: Missed, resolution: Option<Resolution>) -> Notification {
    let workflow = Workflow { id: Some("wf_9".to_owned()), name: Some("nightly-export".to_owned()), version: None };
    let run = MissedRun {
        id: "run_7e0001".to_owned(),
        url: Some("https://flows.example.com/runs/run_7e0001".to_owned()),
        started_at: Some(at("2026-11-21T07:30:00Z")),
    };
    let card = missed_card("prod", "acme", &workflow, Some(&run), missed);
    let note = IncidentNote {
        id: IncidentId::of_parts(&["nightly-export"]),
        group: vec![("workflow".to_owned(), "wf_9".to_owned())],
        failures: 0,
        runs: 0,
        more: 0,
        last_failed_at: None,
        last_run: None,
        novelty: Novelty::default(),
        resolution,
        ..note()
    };
    said(kind, card, note, "2026-11-22T10:14:02Z")
}

/// Every way to miss something.
pub(crate) fn misses() -> Vec<Missed> {
    let (since, hours) = (at("2026-11-21T08:12:00Z"), SignedDuration::from_hours);
    vec![
        Missed::Success { last: Some(since), every: hours(25) },
        Missed::Success { last: None, every: hours(25) },
        Missed::Start { since, every: hours(24) },
        Missed::End { started: since, at_most: hours(2), usual: Some(SignedDuration::from_mins(40)) },
        Missed::Progress { since, at_most: hours(24), paused: false },
        Missed::Progress { since, at_most: hours(24), paused: true },
        Missed::Authorization { parked: 1, since },
        Missed::Authorization { parked: 7, since },
    ]
}

/// Every proof.
pub(crate) fn proofs() -> Vec<Proof> {
    let run = || run_ref("run_8f40aa");
    let since = at("2026-11-22T10:02:11Z");
    vec![
        later(true),
        later(false),
        Proof::SameRun { run: run() },
        Proof::Cancelled { run: run() },
        Proof::Happened,
        Proof::Moot,
        Proof::Members,
        Proof::Quiet { since },
    ]
}

/// Each thing that can be said of an incident, by name.
pub(crate) fn samples() -> Vec<(&'static str, Notification)> {
    let until = at("2026-11-22T07:00:00Z");
    let quiet = Withheld::Quiet { schedule: "nights".to_owned(), until };
    let now = "2026-11-22T10:31:45Z";
    let over =
        |proof| Some(Resolution { at: at("2026-11-22T10:30:00Z"), proof, not_again: Vec::new(), not_again_count: 0 });
    let ended = over(later(true));
    let acknowledged = Some(Acknowledged { by: "anna".to_owned(), at: at("2026-11-22T10:20:00Z") });
    let success = || misses().remove(0);
    vec![
        ("opened", said(Kind::Failed, card(), note(), "2026-11-22T10:14:02Z")),
        (
            "opened_late",
            said(Kind::Failed, card(), IncidentNote { withheld: Some(quiet.clone()), more: 14, ..grown() }, now),
        ),
        ("updated", said(Kind::Updated, card(), grown(), now)),
        ("still_open", said(Kind::StillOpen, card(), IncidentNote { more: 0, ..grown() }, "2026-11-22T14:14:05Z")),
        (
            "still_open_acknowledged",
            said(Kind::StillOpen, card(), IncidentNote { more: 0, acknowledged, ..grown() }, "2026-11-22T14:14:05Z"),
        ),
        (
            "reopened",
            said(
                Kind::Reopened,
                card(),
                IncidentNote { reopened: 2, resolution: ended, ..grown() },
                "2026-11-22T10:42:00Z",
            ),
        ),
        ("escalated", said(Kind::Escalated, card(), grown(), "2026-11-22T10:44:03Z")),
        ("resolved", resolved(later(true), 0)),
        ("resolved_with_runs_left", resolved(later(false), 13)),
        ("resolved_quiet", resolved(Proof::Quiet { since: at("2026-11-22T10:02:11Z") }, 1)),
        ("missed", of_missed(Kind::Missed, success(), None)),
        ("missed_over", of_missed(Kind::Resolved, success(), over(Proof::Happened))),
        ("provider_trouble", of_provider(Kind::ProviderTrouble, None)),
        ("provider_over", of_provider(Kind::Resolved, over(Proof::Members))),
        ("summary_storm", of_summary(summary(Withheld::Budget { messages: 20, within: SignedDuration::from_mins(5) }))),
        ("summary_quiet", of_summary(summary(quiet))),
    ]
}

/// What is said less often: every proof, every miss, an acknowledgement, a run that vanished, an incident without a failing step.
pub(crate) fn more() -> Vec<(String, Notification)> {
    let now = "2026-11-22T10:31:45Z";
    let vanished = Notification { kind: Kind::Vanished, ..still_retrying() };
    let acknowledged = Some(Acknowledged { by: "anna".to_owned(), at: at("2026-11-22T10:20:00Z") });
    let acknowledged = IncidentNote { acknowledged, ..grown() };
    let mut more = vec![
        ("vanished".to_owned(), vanished),
        ("acknowledged".to_owned(), said(Kind::Acknowledged, card(), acknowledged, now)),
        ("opened_before_any_step".to_owned(), said(Kind::Failed, before_any_step(), note(), now)),
        ("long_texts".to_owned(), of_card(with_long_texts())),
        ("opened_with_all_facts".to_owned(), said(Kind::Failed, with_all_facts(), note(), now)),
    ];
    more.extend(proofs().into_iter().map(|proof| (format!("resolved_{}", name(&proof)), resolved(proof, 2))));
    let misses = misses().into_iter().enumerate();
    more.extend(
        misses.map(|(number, missed)| (format!("missed_{}", number + 1), of_missed(Kind::Missed, missed, None))),
    );
    more
}

fn name(proof: &Proof) -> &'static str {
    match proof {
        Proof::LaterRun { step_seen: true, .. } => "by_a_later_run",
        Proof::LaterRun { .. } => "by_a_later_run_elsewhere",
        Proof::SameRun { .. } => "by_the_same_run",
        Proof::Cancelled { .. } => "cancelled",
        Proof::Happened => "happened",
        Proof::Moot => "moot",
        Proof::Members => "members",
        Proof::Quiet { .. } => "by_silence",
    }
}

/// The card with everything that a card may have.
fn with_all_facts() -> Card {
    let mut card = card();
    card.run.workflow.version = Some("15".to_owned());
    (card.run.max_attempts, card.run.replay_of) = (Some(2), Some("run_8f3b00".to_owned()));
    card.provider = Some("api.example.com".to_owned());
    card.decided_by = ClassReason::Override { code: "CARD_*".to_owned() };
    if let Cause::Step { url, error, run_error, .. } = &mut card.cause {
        *url = Some("https://flows.example.com/runs/run_8f3c21/steps/4".to_owned());
        run_error.clone_from(error);
    }
    card
}

/// The card with an error that is as long as errors get.
fn with_long_texts() -> Card {
    let mut card = card();
    if let Cause::Step { error: Some(error), .. } = &mut card.cause {
        error.message = "Payment provider refused. ".repeat(150);
        error.detail = Some("  File \"x.py\", line 1\n".repeat(300));
    }
    card
}
