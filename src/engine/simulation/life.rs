//! The true life of made-up runs: what an engine would report, second by second, if nothing went wrong on the way.

use jiff::Timestamp;

use super::chance::Chance;
use crate::engine::testing::card;
use crate::run::{RunKey, RunStatus};
use crate::triage::{Observation, RetryLevel, Retrying, Standing};

/// Something that the engine reports at a second of the simulation.
pub(super) struct Report {
    pub(super) second: i64,
    pub(super) run: u64,
    pub(super) observation: Observation,
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_342_441 + second).expect("a time")
}

pub(super) fn key(run: u64) -> RunKey {
    RunKey { workspace: "acme".to_owned(), workflow: "billing".to_owned(), run: format!("run-{run}") }
}

/// One run: some attempts, each of which may retry a step before it ends well, badly, or by a decision.
pub(super) fn live(run: u64, chance: &mut Chance) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut second = i64::try_from(chance.below(300)).expect("small");
    let attempts = 1 + chance.below(3);
    for attempt in 1..=u32::try_from(attempts).expect("few") {
        let start = second;
        let mut push = |second: i64, status, standing, retry: Option<u32>| {
            let failed = matches!(standing, Standing::Failed | Standing::Retrying);
            let card = failed.then(|| {
                let mut card = card("billing", "charge", "TIMEOUT");
                card.retrying = retry.map(|tried| Retrying {
                    level: RetryLevel::Step,
                    step: Some("charge".to_owned()),
                    attempt: Some(tried),
                    of: Some(5),
                    next_at: None,
                });
                Box::new(card)
            });
            let ended = matches!(status, RunStatus::Failed | RunStatus::Completed | RunStatus::Cancelled);
            reports.push(Report {
                second,
                run,
                observation: Observation {
                    key: key(run),
                    workflow_name: None,
                    source: "events".to_owned(),
                    attempt: Some(attempt),
                    status,
                    standing,
                    started_at: Some(at(start)),
                    completed_at: ended.then(|| at(second)),
                    updated_at: Some(at(second)),
                    parent: None,
                    replay_of: None,
                    version: None,
                    url: None,
                    passed: crate::triage::Passed::default(),
                    card,
                },
            });
        };
        push(second, RunStatus::Running, Standing::Open, None);
        for tried in 1..=u32::try_from(chance.below(4)).expect("few") {
            second += 5 + i64::try_from(chance.below(60)).expect("small");
            push(second, RunStatus::Running, Standing::Retrying, Some(tried));
        }
        second += 5 + i64::try_from(chance.below(60)).expect("small");
        match chance.below(10) {
            0 => push(second, RunStatus::Cancelled, Standing::Cancelled, None),
            1..4 => push(second, RunStatus::Completed, Standing::Completed, None),
            _ => push(second, RunStatus::Failed, Standing::Failed, None),
        }
        second += 30 + i64::try_from(chance.below(60)).expect("small");
    }
    reports
}
