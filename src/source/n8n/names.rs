//! The names of workflows, which only runs with their data tell. It must not know what they are needed for.

use std::collections::BTreeMap;

use super::api::{Api, Fault, FaultKind, Transport};
use super::wire::{Execution, Row};

/// The most names that are kept.
const KEPT: usize = 10_000;
/// The most runs that are read in one poll for their name alone.
const ASKED: usize = 5;

/// Names by id; `None` for a workflow whose name could not be had.
#[derive(Debug, Default)]
pub(super) struct Directory(BTreeMap<String, Option<String>>);

impl Directory {
    /// The name of a run's workflow.
    pub(super) fn of(&self, row: &Row) -> Option<&str> {
        self.0.get(row.workflow_id.as_deref()?)?.as_deref()
    }

    /// Takes the name that a run tells: workflows are renamed.
    pub(super) fn note(&mut self, execution: &Execution) {
        let name = execution.workflow.as_ref().and_then(|workflow| workflow.name.clone());
        if let (Some(id), Some(name)) = (&execution.row.workflow_id, name) {
            self.0.insert(id.clone(), Some(name));
        }
    }

    /// Learns the names that these runs need, some of them; `asked` counts over one poll. A run is told without: its workflow's id is enough to know it by.
    ///
    /// # Errors
    /// When the server is down.
    pub(super) async fn learn<T: Transport>(
        &mut self,
        api: &Api<T>,
        rows: &[Row],
        asked: &mut usize,
    ) -> Result<(), Fault> {
        if self.0.len() > KEPT {
            self.0.clear();
        }
        for row in rows {
            let Some(id) = row.workflow_id.as_ref().filter(|id| !self.0.contains_key(*id)) else { continue };
            if *asked >= ASKED {
                return Ok(());
            }
            *asked += 1;
            match api.detail(row.id).await {
                Ok(Some(execution)) => {
                    self.0.insert(id.clone(), None);
                    self.note(&execution);
                }
                Ok(None) => {}
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                Err(fault) => {
                    if fault.kind == FaultKind::Slow {
                        *asked = ASKED;
                    }
                    self.0.insert(id.clone(), None);
                }
            }
        }
        Ok(())
    }
}
