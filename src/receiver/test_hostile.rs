//! What is said of incidents whose every text wants to be something else. It knows no receiver.

use jiff::SignedDuration;

use super::samples::incidents::{
    grown, misses, note as plain_note, of_summary, provider_note, said as plainly_said, summary, summary_line,
};
use super::test_support::{HOSTILE, at, card_with, hostile_with};
use crate::engine::{
    Acknowledged, IncidentId, IncidentNote, Kind, LastSuccess, Notification, Novelty, OwnerNote, Proof, ProviderNote,
    Resolution, RunRef, Subject, Summary, SummaryLine, Tallies, Withheld,
};
use crate::triage::{Card, Cause};

/// One of each whose every text is `text`.
pub(crate) fn hostile(text: &str) -> Vec<Notification> {
    let own = || text.to_owned();
    let run = || RunRef { id: own(), workflow: own(), url: Some(own()), at: at("2026-11-22T10:32:11Z") };
    let line = |_| SummaryLine {
        workflow: own(),
        step: Some(own()),
        code: Some(own()),
        run: run(),
        ..summary_line("", 9, false)
    };
    let lines = || (0..20).map(line).collect::<Vec<_>>();
    let counts = || Tallies { top: (0..10).map(|_| (own(), 3)).collect(), more_names: 3, more_count: 9 };
    let note = |provider: bool, resolution: Option<Proof>| IncidentNote {
        group: vec![
            ("workflow".to_owned(), own()),
            ("step".to_owned(), own()),
            ("code".to_owned(), own()),
            (own(), own()),
        ],
        last_run: Some(run()),
        novelty: Novelty {
            last_success: Some(LastSuccess { at: at("2026-11-22T01:52:00Z"), version: Some(own()) }),
            version_since: Some((own(), at("2026-11-22T02:01:00Z"))),
            ..plain_note().novelty
        },
        acknowledged: Some(Acknowledged { by: own(), at: at("2026-11-22T10:20:00Z") }),
        withheld: Some(Withheld::Inhibited { inhibition: own(), by: IncidentId::of_parts(&["x"]) }),
        resolution: resolution.map(|proof| Resolution {
            at: at("2026-11-22T10:30:00Z"),
            proof,
            not_again: (0..10).map(|_| run()).collect(),
            not_again_count: 999_999,
        }),
        provider: provider.then(|| ProviderNote { provider: own(), members: lines(), ..provider_note() }),
        ..grown()
    };
    let said = |kind, note| Notification {
        rule: Some(own()),
        runbook: Some(own()),
        owner: Some(OwnerNote { name: own(), mention: Some(own()) }),
        ..plainly_said(kind, card_with(text), note, "2026-11-22T10:31:45Z")
    };
    let summary = Summary {
        cause: Withheld::Silence { id: own(), until: at("2026-11-22T07:00:00Z") },
        workspaces: (0..50).map(|number| format!("{text}{number}")).collect(),
        lines: lines(),
        workflows: counts(),
        codes: counts(),
        providers: counts(),
        ..summary(Withheld::Budget { messages: 1, within: SignedDuration::from_mins(5) })
    };
    let kinds = [Kind::Failed, Kind::Updated, Kind::StillOpen, Kind::Reopened, Kind::Escalated];
    let mut all: Vec<Notification> = kinds.into_iter().map(|kind| said(kind, note(false, None))).collect();
    all.extend([Kind::ProviderTrouble, Kind::StillOpen].map(|kind| said(kind, note(true, None))));
    all.extend(
        [
            Proof::LaterRun { run: run(), step_seen: true },
            Proof::SameRun { run: run() },
            Proof::Cancelled { run: run() },
        ]
        .map(|proof| said(Kind::Resolved, note(false, Some(proof)))),
    );
    let without_step = Card { cause: Cause::Nothing, missed: Some(misses().remove(3)), ..card_with(text) };
    all.push(Notification { subject: Subject::Run(Box::new(without_step)), ..said(Kind::Missed, note(false, None)) });
    all.push(Notification { rule: Some(own()), runbook: Some(own()), ..of_summary(summary) });
    all
}

/// All of them: every text that wants to be something else, and huge ones, in a run and in what is said of an incident. Each text is in a
/// quarter of what can be said of one, and each of those has every fourth text: all of both together would take minutes.
pub(crate) fn everything() -> Vec<Notification> {
    let huge = ["&".repeat(100_000), "\"\\".repeat(20_000), "漢字\n".repeat(10_000), "`".repeat(20_000)];
    let long = ["&<>".repeat(700), "\u{301}".repeat(2_000), "*_[漢字](x)\n".repeat(200), "🔴".repeat(900)];
    let small = HOSTILE.map(str::to_owned).into_iter().chain(long);
    let incidents = small.clone().enumerate().flat_map(|(at, text)| hostile(&text).into_iter().skip(at % 4).step_by(4));
    let runs = small.chain(huge).map(|text| hostile_with(&text));
    runs.chain(incidents).collect()
}
