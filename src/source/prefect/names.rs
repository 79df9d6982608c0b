//! The names of flows and deployments, asked for once. It must not know runs beyond their ids.

use std::collections::BTreeMap;

use super::api::{Api, Fault, FaultKind, Transport};
use super::ask::PAGE;
use super::mapping::Names;
use super::wire::FlowRun;

/// The most names that are kept.
const KEPT: usize = 10_000;

/// Names by id; `None` for an id that Prefect does not know any more.
#[derive(Debug, Default)]
pub(super) struct Directory {
    flows: BTreeMap<String, Option<String>>,
    deployments: BTreeMap<String, Option<String>>,
}

impl Directory {
    /// Learns the names that these runs need.
    ///
    /// # Errors
    /// When they can't be had: a run without its name would be routed wrongly, so it waits.
    pub(super) async fn learn<T: Transport>(&mut self, api: &Api<T>, runs: &[FlowRun]) -> Result<(), Fault> {
        let flows = runs.iter().filter_map(|run| run.flow_id.as_deref()).collect();
        fill(api, "flows", &mut self.flows, flows).await?;
        let deployments = runs.iter().filter_map(|run| run.deployment_id.as_deref()).collect();
        match fill(api, "deployments", &mut self.deployments, deployments).await {
            // Not allowed to see deployments: their ids stand in for their names.
            Err(fault) if matches!(fault.kind, FaultKind::Refused(403 | 404)) => Ok(()),
            filled => filled,
        }
    }

    /// The names of one run.
    pub(super) fn of(&self, run: &FlowRun) -> Names<'_> {
        Names {
            flow: run.flow_id.as_ref().and_then(|id| self.flows.get(id)?.as_deref()),
            deployment: run.deployment_id.as_ref().and_then(|id| self.deployments.get(id)?.as_deref()),
        }
    }
}

async fn fill<T: Transport>(
    api: &Api<T>,
    what: &str,
    names: &mut BTreeMap<String, Option<String>>,
    mut wanted: Vec<&str>,
) -> Result<(), Fault> {
    if names.len() > KEPT {
        names.clear();
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted.retain(|id| !names.contains_key(*id));
    for ids in wanted.chunks(PAGE) {
        let found = api.names(what, ids).await?;
        names.extend(ids.iter().map(|id| ((*id).to_owned(), None)));
        names.extend(found.into_iter().map(|named| (named.id, Some(named.name).filter(|name| !name.is_empty()))));
    }
    Ok(())
}
