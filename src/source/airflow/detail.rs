//! Asks for what a run's row does not say: its tasks, their logs, the audit log and the child run that failed.
//! It must not know which runs are asked about, nor why.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, Fault, FaultKind, Transport};
use super::evidence::Evidence;
use super::log::TaskLog;
use super::mapping::DEPTH;
use super::pages::{List, PAGE, Stretch};
use super::wire::{DagDetails, DagRun, Instance, Task};

/// The most pages of the task instances of one run. Beyond, those are asked for that failed or wait for a retry.
const PAGES: usize = 5;
/// The most pages of these.
const FAILED_PAGES: usize = 10;
/// How often it is looked for logs that are still to be read.
const ROUNDS: usize = 4;
/// So long the graph of a DAG is taken for the same.
const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// The most DAGs that are remembered.
const DAGS: usize = 1_000;

/// Which parts of a run have to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// All of them.
    All,
    /// Those that can be had.
    Had,
    /// Those that can be had, and no log is asked for.
    WithoutLogs,
}

/// What is known of DAGs, so that a hundred failed runs of one of them cost one question.
#[derive(Debug, Default)]
pub(super) struct Dags(BTreeMap<String, (Timestamp, Vec<Task>, Option<DagDetails>)>);

impl Dags {
    async fn learn<T: Transport>(
        &mut self,
        api: &Api<T>,
        dag: &str,
        now: Timestamp,
    ) -> Result<(Vec<Task>, Option<DagDetails>), Fault> {
        if let Some((at, tasks, details)) = self.0.get(dag)
            && now.duration_since(*at).abs() < FRESH
        {
            return Ok((tasks.clone(), details.clone()));
        }
        let tasks = api.tasks(dag).await?.unwrap_or_default();
        let details = api.details(dag).await?;
        if self.0.len() >= DAGS {
            self.0.clear();
        }
        self.0.insert(dag.to_owned(), (now, tasks.clone(), details.clone()));
        Ok((tasks, details))
    }
}

impl<T: Transport> Api<T> {
    /// Everything about a run, and about the child runs in which it failed, down to the last.
    ///
    /// # Errors
    /// When something can't be asked and is not done without.
    pub(super) async fn learn(
        &self,
        run: DagRun,
        dags: &mut Dags,
        now: Timestamp,
        parts: Parts,
    ) -> Result<Evidence, Fault> {
        let mut chain: Vec<Evidence> = Vec::new();
        let mut next = Some(run);
        while let Some(run) = next.take() {
            let evidence = self.learn_one(run, dags, now, parts).await?;
            if chain.len() < DEPTH {
                let known =
                    |child: &DagRun| chain.iter().chain([&evidence]).any(|above| above.run.name() == child.name());
                next = self.child(&evidence, parts).await?.filter(|child| child.state == "failed" && !known(child));
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

    async fn learn_one(&self, run: DagRun, dags: &mut Dags, now: Timestamp, parts: Parts) -> Result<Evidence, Fault> {
        let mut evidence = Evidence::of(run);
        let known = or_without(dags.learn(self, &evidence.run.dag_id, now).await, parts)?;
        (evidence.tasks, evidence.details) = known.unwrap_or_default();
        let instances = or_without(self.all_instances(&evidence.run).await, parts)?;
        (evidence.instances, evidence.whole) = instances.unwrap_or_default();
        if evidence.has_failed() {
            evidence.events = or_without(self.events(&evidence.run, None).await, parts)?.flatten();
        }
        // What the logs say may move the cause to a task whose log was not among them.
        for _ in 0..ROUNDS {
            let unread = |instance: &&Instance| !evidence.logs.contains_key(&instance.id());
            let wanted: Vec<Instance> = evidence.wanted_logs().into_iter().filter(unread).cloned().collect();
            if wanted.is_empty() {
                break;
            }
            for instance in wanted {
                let log = if parts == Parts::WithoutLogs || evidence.slow {
                    None
                } else {
                    let log = self.log(&instance).await;
                    evidence.slow = matches!(&log, Err(fault) if fault.kind == FaultKind::Down);
                    or_without(log, parts)?
                };
                evidence.logs.insert(instance.id(), log.unwrap_or_else(TaskLog::unread));
            }
        }
        self.more_events(&mut evidence).await;
        Ok(evidence)
    }

    /// Where the newest lines of the audit log are all about other tasks, the one that failed without a word has lines of its own.
    async fn more_events(&self, evidence: &mut Evidence) {
        let full = evidence.events.as_ref().is_some_and(|events| events.len() >= PAGE);
        let silent = evidence.first_failed().filter(|_| full && evidence.lacks_cause());
        let Some(task) = silent.map(|task| task.task_id.clone()) else { return };
        // What is known is good enough.
        if let Ok(Some(own)) = self.events(&evidence.run, Some(&task)).await {
            evidence.events.get_or_insert_default().extend(own);
        }
    }

    /// The task instances of a run, and whether these are all.
    async fn all_instances(&self, run: &DagRun) -> Result<(Vec<Instance>, bool), Fault> {
        let list = self.instances(run, "", Stretch { from: 0, pages: PAGES }).await;
        let whole = list.is_whole();
        let mut instances = rows(list)?;
        if whole {
            return Ok((named(run, instances), true));
        }
        // Thousands of them: what counts are those that failed, or wait for a retry.
        for state in ["failed", "up_for_retry", "upstream_failed"] {
            let list = self.instances(run, state, Stretch { from: 0, pages: FAILED_PAGES }).await;
            let more = rows(list)?;
            let known: std::collections::BTreeSet<_> = instances.iter().map(Instance::id).collect();
            instances.extend(more.into_iter().filter(|instance| !known.contains(&instance.id())));
        }
        Ok((named(run, instances), false))
    }

    async fn child(&self, evidence: &Evidence, parts: Parts) -> Result<Option<DagRun>, Fault> {
        let Some((task, dag, run)) = evidence.wants_child() else { return Ok(None) };
        let Some(dag) = dag else { return Ok(None) };
        let run = match run {
            Some(run) => Some(run),
            None => or_without(self.triggered(task).await, parts)?.flatten(),
        };
        let Some(run) = run else { return Ok(None) };
        Ok(or_without(self.run(&dag, &run).await, parts)?.flatten())
    }
}

/// Instances know which run they belong to, also where the server leaves it out.
fn named(run: &DagRun, mut instances: Vec<Instance>) -> Vec<Instance> {
    for instance in &mut instances {
        instance.dag_id.clone_from(&run.dag_id);
        instance.dag_run_id.clone_from(&run.id);
    }
    instances
}

fn rows<R>(list: List<R>) -> Result<Vec<R>, Fault> {
    list.fault.map_or(Ok(list.rows), Err)
}

/// The answer; nothing instead of a fault, where that is good enough.
fn or_without<R>(answer: Result<R, Fault>, parts: Parts) -> Result<Option<R>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(_) if parts != Parts::All => Ok(None),
        Err(fault) => Err(fault),
    }
}
