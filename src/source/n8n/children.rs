//! What comes of failed sub-workflows when the parents that they waited for have ended. It must not know how these were told.

use super::super::{Intake, PollError};
use super::api::{Fault, FaultKind, Transport};
use super::checkpoint::Checkpoint;
use super::ends::is_failure;
use super::family::Role;
use super::look::Round;
use super::mapping::Evidence;
use super::poll::Watcher;
use super::tell::Pass;
use super::wire::Execution;

/// The most that are asked for in one poll.
const CHILDREN: usize = 50;

impl<T: Transport> Watcher<T> {
    /// Failed sub-workflows whose parents were open: they show in these, unless n8n has kept nothing of them.
    pub(super) async fn children<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        pass: &mut Pass,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let over = round.mark.children.iter().filter(|(_, parent)| !round.mark.open.contains_key(*parent));
        let mut over: Vec<(u64, u64)> = over.map(|(child, parent)| (*child, *parent)).collect();
        over.sort_by_key(|(child, _)| (self.tried.get(child).map(|tried| tried.times), *child));
        round.more |= over.len() > CHILDREN;
        for (child, parent) in over.into_iter().take(CHILDREN) {
            if pass.stopped {
                return Ok(());
            }
            let role = match self.api.detail(child).await {
                Ok(Some(execution)) => self.api.role(execution).await,
                Ok(None) => Ok(Role::Folded),
                Err(fault) => Err(fault),
            };
            let role = match role {
                Ok(role) => {
                    pass.silent = 0;
                    self.tried.remove(&child);
                    role
                }
                Err(fault) => {
                    let enough = self.stumble(pass, child, &fault);
                    round.faults.push(fault);
                    if !enough {
                        continue;
                    }
                    match self.role_by_rows(child, parent).await {
                        Ok(role) => role,
                        Err(fault) => {
                            pass.stopped |= fault.kind == FaultKind::Down;
                            round.faults.push(fault);
                            continue;
                        }
                    }
                }
            };
            match role {
                Role::Own(evidence) => {
                    round.mark.children.remove(&child);
                    self.pass_on(intake, round, pass, &mut vec![*evidence], before).await?;
                }
                Role::Folded => drop(round.mark.children.remove(&child)),
                Role::Waits(parent) => drop(round.mark.children.insert(child, parent)),
            }
        }
        Ok(())
    }

    /// What comes of a failed sub-workflow whose data can't be had. Told twice rather than not at all.
    async fn role_by_rows(&self, child: u64, parent: u64) -> Result<Role, Fault> {
        if self.api.row(parent).await?.is_some_and(|row| is_failure(&row.status)) {
            return Ok(Role::Folded);
        }
        let row = self.api.row(child).await?;
        Ok(row.map_or(Role::Folded, |row| Role::Own(Box::new(Evidence::of(Execution::of(row))))))
    }
}
