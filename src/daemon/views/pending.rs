//! What is held or withheld, since when, why, and when it is told.

use jiff::Timestamp;
use serde::Serialize;

use super::IncidentView;
use crate::engine::{Board, Known, Policy, Withheld};
use crate::run::RunKey;

/// Something that somebody is not told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum PendingView {
    /// A run that a retry may still repair.
    Held {
        /// The engine's id.
        run: String,
        /// What was executed.
        workflow: String,
        /// The tenant.
        #[serde(skip_serializing_if = "String::is_empty")]
        workspace: String,
        /// Since when.
        since: Timestamp,
        /// The step that is retried.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        /// The parent run that is expected to tell, where it waits for that.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
        /// When it is told at the latest.
        until: Timestamp,
    },
    /// An incident of which a receiver is not told.
    Withheld {
        /// How it stands.
        incident: Box<IncidentView>,
        /// Who is not told.
        receiver: String,
        /// Why.
        why: Withheld,
        /// When it is told, where time decides that; absent where something else has to happen.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
}

/// The runs that are held, the first to be told first.
#[must_use]
pub fn held(runs: &[(RunKey, Known)]) -> Vec<PendingView> {
    let mut held: Vec<(Timestamp, PendingView)> = runs
        .iter()
        .filter_map(|(key, known)| {
            let hold = known.hold.as_ref()?;
            let until = hold.until?;
            let parent = known.parent.clone().filter(|_| hold.state == crate::engine::HoldState::Parent);
            let (run, workspace) = (key.run.clone(), key.workspace.clone());
            let named = known.card.as_ref().and_then(|card| card.run.workflow.name.clone());
            let workflow = named.unwrap_or_else(|| key.workflow.clone());
            let step = hold.step.clone();
            Some((until, PendingView::Held { run, workflow, workspace, since: hold.since, step, parent, until }))
        })
        .collect();
    held.sort_by_key(|(until, _)| *until);
    held.into_iter().map(|(_, held)| held).collect()
}

/// What is withheld of the incidents on the board.
#[must_use]
pub fn withheld(now: Timestamp, board: &Board, policy: &Policy) -> Vec<PendingView> {
    let mut all = Vec::new();
    for pending in board.pending() {
        let Some(incident) = board.incident(pending.number) else {
            continue;
        };
        let view = IncidentView::of(now, incident, policy);
        for waiting in pending.waiting {
            let until = board.released_at(now, &waiting.receiver, pending.number, &waiting.why, policy);
            let (incident, receiver, why) = (Box::new(view.clone()), waiting.receiver, waiting.why);
            all.push(PendingView::Withheld { incident, receiver, why, until });
        }
    }
    all
}
