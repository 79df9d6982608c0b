//! Asks for what a run's row does not say: its tasks, states, log and the child run that failed.
//! It must not know which runs are asked about, nor why.

use super::api::{Api, Fault, FaultKind, Transport};
use super::evidence::Evidence;
use super::mapping::DEPTH;
use super::wire::{FlowRun, TaskRun};

/// What was learned of one run, or why it was not.
pub(super) type Learned = (FlowRun, Result<Evidence, Fault>);

impl<T: Transport> Api<T> {
    /// Everything about these runs. `content` says for which of them a part that can't be had is done without.
    ///
    /// # Errors
    /// When the server is down; what went wrong with a single run is said beside it.
    pub(super) async fn learn(
        &self,
        runs: Vec<FlowRun>,
        content: impl Fn(&FlowRun) -> bool,
    ) -> Result<Vec<Learned>, Fault> {
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let together = self.tasks(&ids).await;
        if let Err(fault) = &together
            && fault.kind == FaultKind::Down
        {
            return Err(fault.clone());
        }
        let mut learned = Vec::with_capacity(runs.len());
        for run in runs {
            let content = content(&run);
            let tasks = match &together {
                Ok(tasks) => {
                    let own = |task: &&TaskRun| task.flow_run_id.as_deref() == Some(run.id.as_str());
                    Ok(tasks.iter().filter(own).cloned().collect())
                }
                // One of them spoils the answer for all: ask for each alone.
                Err(_) => self.tasks(&[&run.id]).await,
            };
            let evidence = match tasks {
                Ok(tasks) => self.follow_down(run.clone(), tasks, content).await,
                Err(fault) if content && fault.kind != FaultKind::Down => {
                    self.follow_down(run.clone(), Vec::new(), content).await
                }
                Err(fault) => Err(fault),
            };
            match evidence {
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                evidence => learned.push((run, evidence)),
            }
        }
        Ok(learned)
    }

    async fn tasks(&self, ids: &[&str]) -> Result<Vec<TaskRun>, Fault> {
        let list = self.task_runs(ids, false).await;
        if list.is_whole() {
            return Ok(list.rows);
        }
        if let Some(fault) = list.fault {
            return Err(fault);
        }
        // Thousands of tasks: what counts are those that failed.
        let failed = self.task_runs(ids, true).await;
        let mut tasks = list.rows;
        let known: std::collections::BTreeSet<String> = tasks.iter().map(|task| task.id.clone()).collect();
        tasks.extend(failed.rows.into_iter().filter(|task| !known.contains(&task.id)));
        failed.fault.map_or(Ok(tasks), Err)
    }

    /// The run, and the child runs in which it failed, down to the last.
    async fn follow_down(&self, run: FlowRun, tasks: Vec<TaskRun>, content: bool) -> Result<Evidence, Fault> {
        let mut chain: Vec<Evidence> = Vec::new();
        let mut next = Some(Evidence { tasks, ..Evidence::of(run) });
        while let Some(mut evidence) = next.take() {
            self.complete(&mut evidence, content).await?;
            if chain.len() < DEPTH
                && let Some(child) = evidence.wants_child().map(str::to_owned)
                && chain.iter().all(|above| above.run.id != child)
            {
                next = match self.child(&child).await {
                    Err(fault) if content && fault.kind != FaultKind::Down => None,
                    child => child?,
                };
            }
            chain.push(evidence);
        }
        let mut below: Option<Box<Evidence>> = None;
        while let Some(mut evidence) = chain.pop() {
            evidence.child = below.take();
            below = Some(Box::new(evidence));
        }
        below.map(|root| *root).ok_or_else(|| Fault::new(FaultKind::Shape, "asking for a run", "nothing to ask about"))
    }

    async fn child(&self, id: &str) -> Result<Option<Evidence>, Fault> {
        let list = self.flow_runs_by_id("asking for the run of a subflow", &[id], None).await;
        if let Some(fault) = list.fault {
            return Err(fault);
        }
        let Some(run) = list.rows.into_iter().next() else { return Ok(None) };
        let tasks = self.tasks(&[id]).await?;
        Ok(Some(Evidence { tasks, ..Evidence::of(run) }))
    }

    async fn complete(&self, evidence: &mut Evidence, content: bool) -> Result<(), Fault> {
        if evidence.wants_states() {
            match self.states(&evidence.run.id).await {
                Ok(states) => evidence.states = Some(states),
                Err(fault) if content && fault.kind != FaultKind::Down => {}
                Err(fault) => return Err(fault),
            }
        }
        let waiting: Vec<String> = evidence.waiting_tasks().into_iter().map(str::to_owned).collect();
        let log = if evidence.wants_logs() {
            self.error_log(&evidence.run.id).await
        } else if waiting.is_empty() {
            return Ok(());
        } else {
            self.task_log(&waiting.iter().map(String::as_str).collect::<Vec<_>>()).await
        };
        match log {
            Ok(lines) => evidence.logs = lines,
            // What the log adds is good to have; that the run failed is known without it.
            Err(fault) if fault.kind != FaultKind::Down => {
                tracing::warn!(reason = ?fault.error.reason, "the log of a run can't be read: telling it without");
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }
}
