//! Sub-workflows: the way down from a failed run to the one in which it failed, and the way up from a failed child to whom it is told
//! for. It must not know what is told.

use super::api::{Api, Fault, FaultKind, Transport};
use super::ends::{is_child, is_open};
use super::mapping::{DEPTH, Evidence};
use super::wire::{Execution, Parent, Row};

/// What comes of a failed run.
#[derive(Debug)]
pub(super) enum Role {
    /// It is told.
    Own(Box<Evidence>),
    /// It shows in its parent, or its parent put up with it.
    Folded,
    /// It shows in its parent, once that has ended, unless n8n keeps nothing of it then.
    Waits(u64),
}

impl<T: Transport> Api<T> {
    /// The run, and the runs of sub-workflows in which it failed, down to the last.
    ///
    /// # Errors
    /// When a run can't be asked for.
    pub(super) async fn follow_down(&self, execution: Execution) -> Result<Evidence, Fault> {
        let mut chain = vec![Evidence::of(execution)];
        while chain.len() <= DEPTH
            && let Some(child) = chain.last().and_then(Evidence::wants_child)
            && chain.iter().all(|above| above.execution.row.id != child)
        {
            match self.detail(child).await {
                Ok(Some(execution)) => chain.push(Evidence::of(execution)),
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                // What the parent says of it has to do.
                Ok(None) | Err(_) => break,
            }
        }
        let mut below: Option<Box<Evidence>> = None;
        while let Some(mut evidence) = chain.pop() {
            evidence.child = below.take();
            below = Some(Box::new(evidence));
        }
        below.map(|root| *root).ok_or_else(|| Fault::new(FaultKind::Shape, "asking for a run", "nothing to ask about"))
    }

    /// Whether a failed run is told, or somebody above it is.
    ///
    /// # Errors
    /// When a run can't be asked for.
    pub(super) async fn role(&self, execution: Execution) -> Result<Role, Fault> {
        let waits_for_it = execution.parent.filter(|parent| is_child(&execution.row) && parent.waits != Some(false));
        let Some(parent) = waits_for_it else { return self.own(execution).await };
        match self.row(parent.id).await? {
            // It was not kept: then this is all that is left of the failure.
            None => self.own(execution).await,
            Some(row) if is_open(&row.status) => Ok(Role::Waits(parent.id)),
            Some(row) if row.status == "success" && !self.put_up_with(parent, &row).await? => self.own(execution).await,
            Some(_) => Ok(Role::Folded),
        }
    }

    async fn own(&self, execution: Execution) -> Result<Role, Fault> {
        Ok(Role::Own(Box::new(self.follow_down(execution).await?)))
    }

    /// Whether a parent that ended well had waited for its child. Older versions don't say; then a node that goes on after an error, or
    /// tries again, has put up with it.
    async fn put_up_with(&self, parent: Parent, row: &Row) -> Result<bool, Fault> {
        if parent.waits.is_some() {
            return Ok(true);
        }
        let detail = self.detail(row.id).await?;
        let workflow = detail.and_then(|execution| execution.workflow).unwrap_or_default();
        Ok(workflow.nodes.iter().any(|node| node.goes_on() || node.retry_on_fail))
    }
}
