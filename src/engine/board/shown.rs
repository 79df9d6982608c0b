//! What a run is known by, as it may be said. The engine keeps ids and names as they are, for it compares them and asks by them; a
//! message says them without what looks like a secret.

use crate::engine::incident::{Proof, Resolution, RunRef};
use crate::triage::redact::redact;

/// An id or a name.
pub(super) fn name(known: &str) -> String {
    redact(known).text.into_owned()
}

pub(super) fn run(run: &RunRef) -> RunRef {
    RunRef { id: name(&run.id), workflow: name(&run.workflow), ..run.clone() }
}

pub(super) fn resolution(resolution: &Resolution) -> Resolution {
    let mut shown = resolution.clone();
    match &mut shown.proof {
        Proof::LaterRun { run: proof, .. } | Proof::SameRun { run: proof } | Proof::Cancelled { run: proof } => {
            *proof = run(proof);
        }
        Proof::Happened | Proof::Moot | Proof::Members | Proof::Quiet { .. } => {}
    }
    for left in &mut shown.not_again {
        *left = run(left);
    }
    shown
}
