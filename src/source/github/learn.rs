//! What a run needs before it can be told: its jobs, and what those that may have made it fail said. It must not know which runs.

use super::api::{Api, Fault, FaultKind, Transport};
use super::job::{Notes, suspects};
use super::mapping::Evidence;
use super::wire::RunRow;

/// How to ask about a run.
#[derive(Debug)]
pub(super) struct Manner<'a> {
    /// Whether annotations can be read: false once GitHub has refused them.
    pub readable: &'a mut bool,
    /// It was tried for long enough: what GitHub refuses to give is left out.
    pub last: bool,
    /// It was tried for so long that also what is never answered is left out.
    pub hopeless: bool,
}

/// Everything about a run that ended badly.
///
/// # Errors
/// When a part of it can't be read now.
pub(super) async fn learn<T: Transport>(
    api: &Api<T>,
    repository: &str,
    row: RunRow,
    manner: &mut Manner<'_>,
) -> Result<Evidence, Fault> {
    let jobs = match api.jobs(repository, row.id, row.attempt()).await {
        Ok(jobs) => jobs,
        // Gone since it was listed: what the list said is all there is.
        Err(fault) if is_gone(&fault) || manner.gives_up(&fault) => return Ok(Evidence::of(repository, row)),
        Err(fault) => return Err(fault),
    };
    let mut notes = Notes::new();
    for job in suspects(row.end(), &jobs) {
        if !*manner.readable {
            break;
        }
        match api.annotations(repository, job.check_run()).await {
            Ok(said) => drop(notes.insert(job.id, said)),
            Err(fault) if fault.kind == FaultKind::Refused(403) => *manner.readable = false,
            // The step is known, and to tell that without its words is better than not to tell it.
            Err(fault) if is_gone(&fault) || manner.gives_up(&fault) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Evidence { jobs: Some(jobs), notes, ..Evidence::of(repository, row) })
}

impl Manner<'_> {
    fn gives_up(&self, fault: &Fault) -> bool {
        let long_enough = if fault.kind == FaultKind::Down { self.hopeless } else { self.last };
        long_enough && !is_for_all(fault)
    }
}

/// A pause that GitHub asks for, and a token that it takes no more, are of no run: no other question would be answered either.
pub(super) fn is_for_all(fault: &Fault) -> bool {
    fault.error.retry_after.is_some() || fault.status == Some(401)
}

fn is_gone(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Refused(404 | 410))
}
