//! What firstred does in one transaction, done on a board by the real core.

use firstred::engine::{Board, Context, Known, Policy, Subject, Told};
use firstred::triage::Standing;

use super::ledger::Ledger;
use super::plan::Plan;
use super::spec::Name;
use super::wording::{key, observation, silence};

/// Something that firstred does in one transaction.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Observe(usize, usize),
    HoldEnd(usize),
    Forget(usize),
    Tick,
    Ack(String),
    SilenceOn(super::spec::SilenceSpec),
    SilenceOff(Name),
    Adopt,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) told: Vec<Told>,
    pub(super) known: Option<(usize, Known)>,
    pub(super) done: bool,
}

/// What was said, comparable between a firstred and its twin.
pub(super) fn twins(outcome: &Outcome) -> Vec<(String, Vec<String>, String)> {
    let mut said: Vec<_> = outcome
        .told
        .iter()
        .map(|told| {
            let text = match &told.notification.incident {
                Some(note) => format!("{:?}", (&note.id, note.failures, note.runs, note.more, &note.resolution)),
                // Since when it waited may differ: a start asks about all that waits, and it may wait for something else since then.
                None => match &told.notification.subject {
                    Subject::Summary(of) => {
                        format!("{:?}", (of.failures, of.runs, of.incidents, of.resolved, &of.lines))
                    }
                    other => format!("{other:?}"),
                },
            };
            (told.notification.kind.as_str().to_owned(), told.receivers.clone(), text)
        })
        .collect();
    said.sort();
    said
}

/// Does it on a board. The ledger is what it was before.
pub(super) fn perform(
    board: &mut Board,
    ledger: &Ledger,
    op: &Op,
    now: jiff::Timestamp,
    policy: &Policy,
    plan: &Plan,
) -> Outcome {
    let standing = |run: usize| -> Option<Standing> {
        let parent = plan.lives[run].parent.as_ref()?;
        let parent = plan.lives.iter().position(|life| life.id == *parent)?;
        ledger.runs.get(&parent).map(|known| known.standing)
    };
    let of_run = |run: usize, changes: firstred::engine::Changes| Outcome {
        told: changes.told,
        known: (!changes.unchanged).then_some((run, changes.known)),
        done: !changes.unchanged,
    };
    match op {
        Op::Observe(run, report) => {
            let life = &plan.lives[*run];
            let parent_open = matches!(standing(*run), Some(Standing::Open | Standing::Retrying));
            let context = Context { parent_open, ..Context::default() };
            let known = ledger.runs.get(run).cloned();
            let seen = observation(life, &life.reports[*report]);
            of_run(*run, board.observe(now, known, seen, context, policy))
        }
        Op::HoldEnd(run) => {
            let known = ledger.runs[run].clone();
            of_run(*run, board.hold_ended(now, &key(&plan.lives[*run]), known, standing(*run), policy))
        }
        Op::Forget(run) => match ledger.runs.get(run) {
            Some(known) => of_run(*run, board.forget_run(now, &key(&plan.lives[*run]), known.clone(), policy)),
            None => Outcome { told: Vec::new(), known: None, done: false },
        },
        Op::Tick => Outcome { told: board.tick(now, policy), known: None, done: true },
        Op::Ack(id) => command(board.acknowledge(now, id, "ann").is_ok(), board, now, policy),
        Op::SilenceOn(spec) => command(board.silence_on(now, silence(spec, Some("ann"))).is_ok(), board, now, policy),
        Op::SilenceOff(id) => command(board.silence_off(now, id).is_ok(), board, now, policy),
        Op::Adopt => {
            board.adopt(now, policy);
            Outcome { told: Vec::new(), known: None, done: true }
        }
    }
}

fn command(done: bool, board: &mut Board, now: jiff::Timestamp, policy: &Policy) -> Outcome {
    Outcome { told: board.tick(now, policy), known: None, done }
}
