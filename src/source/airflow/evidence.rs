//! Everything that was asked about one run, what it says about the cause, and what still has to be asked before the run can be
//! told. It must not know how to ask.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::checkpoint::end;
use super::graph;
use super::limit;
use super::log::TaskLog;
use super::wire::{DagDetails, DagRun, EventLog, Instance, InstanceId, Task};

/// The end of an instance is written down up to 5.1 s after it failed, at random: the supervisor looks every five seconds. Within
/// this, only the logs say which of two failed first.
const LATE_END: SignedDuration = SignedDuration::from_secs(6);
/// The most logs that are read of one run.
const LOGS: usize = 10;

/// A person ended the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cancel<'a> {
    /// Their name; nothing where nobody may know.
    pub by: Option<&'a str>,
}

/// What is known of one run.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub run: DagRun,
    /// The graph of its DAG as it is now; nothing where the DAG is gone, or nobody asked.
    pub tasks: Vec<Task>,
    /// Its task instances; empty where nobody asked.
    pub instances: Vec<Instance>,
    /// All of them are there.
    pub whole: bool,
    /// What the logs of some of them say.
    pub logs: BTreeMap<InstanceId, TaskLog>,
    /// The newest lines of its audit log; nothing where it is not for our eyes, or nobody asked.
    pub events: Option<Vec<EventLog>>,
    /// What else is known of its DAG.
    pub details: Option<DagDetails>,
    /// The run that its first failed task had started, and waited for.
    pub child: Option<Box<Evidence>>,
    /// It expects something, as the list of all active tasks says.
    pub waits: bool,
    /// A log did not come in time, and was done without.
    pub slow: bool,
}

impl Evidence {
    /// A run of which nothing more than its row is known.
    pub(super) fn of(run: DagRun) -> Self {
        Self { run, ..Self::default() }
    }

    /// Whether the run has ended badly, or was ended.
    pub(super) fn has_failed(&self) -> bool {
        self.run.state == "failed"
    }

    /// The task of an instance.
    pub(super) fn task(&self, instance: &Instance) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == instance.task_id)
    }

    /// The failed instances that made the run fail, the earliest end first. Where none did, as far as the graph shows, the time of the
    /// run was up; or it was a teardown that is set to fail its run, or the graph is not the one that ran: then all of them may have.
    pub(super) fn candidates(&self) -> Vec<&Instance> {
        let failed: Vec<&Instance> = self.instances.iter().filter(|instance| instance.state() == "failed").collect();
        let dead: BTreeSet<&str> = self
            .instances
            .iter()
            .filter(|instance| matches!(instance.state(), "failed" | "upstream_failed"))
            .map(|instance| instance.task_id.as_str())
            .collect();
        let known: BTreeSet<&str> = self.tasks.iter().map(|task| task.id.as_str()).collect();
        let deadly = graph::deadly(&self.tasks, &dead);
        let teardown = |instance: &&Instance| self.task(instance).is_some_and(graph::is_teardown);
        let pick =
            |fits: &dyn Fn(&&Instance) -> bool| -> Vec<&Instance> { failed.iter().copied().filter(fits).collect() };
        // What the graph does not know any more can't be judged by it.
        let mut picked =
            pick(&|instance| deadly.contains(instance.task_id.as_str()) || !known.contains(instance.task_id.as_str()));
        if picked.is_empty() && self.ran_out_of_time() {
            return Vec::new();
        }
        if picked.is_empty() {
            picked = pick(&teardown);
        }
        if picked.is_empty() {
            picked = failed;
        }
        picked.sort_by_key(|instance| (instance.end_date.is_none(), instance.end_date, instance.id()));
        picked
    }

    /// Whether the run took longer than its DAG allows, and something was stopped for it.
    fn ran_out_of_time(&self) -> bool {
        let over = limit::timed_out(&self.run, self.details.as_ref()).is_some_and(|(over, _)| over);
        over && self.instances.iter().any(limit::was_stopped)
    }

    /// The instances whose logs say what went wrong: those that may have failed first, and those that wait for their next try.
    pub(super) fn wanted_logs(&self) -> Vec<&Instance> {
        let candidates = if self.has_failed() { self.candidates() } else { Vec::new() };
        let first = candidates.first().and_then(|instance| instance.end_date);
        let close = |instance: &&&Instance| match instance.end_date.zip(first) {
            Some((end, first)) => end.duration_since(first) <= LATE_END,
            None => true,
        };
        let first = self.first_failed().filter(|_| self.has_failed());
        let close = first.into_iter().chain(candidates.iter().take_while(close).copied());
        let open = |instance: &&Instance| !self.has_failed() && instance.state() == "up_for_retry";
        let retrying = self.instances.iter().filter(open);
        let mut wanted: Vec<&Instance> = Vec::new();
        for instance in close.chain(retrying).filter(|instance| instance.try_number > 0) {
            if wanted.len() < LOGS && wanted.iter().all(|other| other.id() != instance.id()) {
                wanted.push(instance);
            }
        }
        wanted
    }

    /// The log of an instance, where it was read.
    pub(super) fn log(&self, instance: &Instance) -> Option<&TaskLog> {
        self.logs.get(&instance.id())
    }

    /// When an instance failed: as its log has it, else its end.
    pub(super) fn failed_at(&self, instance: &Instance) -> Option<Timestamp> {
        let logged = self.log(instance).and_then(|log| log.fatal.as_ref()?.at);
        logged.or(instance.end_date)
    }

    /// Whether somebody, or something, changed the state of an instance while it ran.
    pub(super) fn was_set(&self, instance: &Instance) -> bool {
        let fatal = self.log(instance).and_then(|log| log.fatal.as_ref());
        fatal.is_some_and(super::fatal::Fatal::is_outside)
    }

    /// The task that failed first on the failing path. One that was stopped from outside comes after those that failed themselves.
    pub(super) fn first_failed(&self) -> Option<&Instance> {
        let order = |instance: &&Instance| {
            let at = self.failed_at(instance);
            (self.was_set(instance), at.is_none(), at)
        };
        self.candidates().into_iter().min_by_key(order)
    }

    /// Who marked the run as failed, which is Airflow's way to cancel one: nothing had failed before. Nobody's name where the audit
    /// log is not for our eyes and only the traces show it: what ran was stopped, and what came next was skipped.
    pub(super) fn cancelled(&self) -> Option<Cancel<'_>> {
        if !self.has_failed() {
            return None;
        }
        let cause = self.first_failed();
        let Some(events) = &self.events else {
            let cause = cause.filter(|cause| self.was_set(cause))?;
            let after = self.task(cause).map(|task| &task.downstream_task_ids)?;
            let mut next = self.instances.iter().filter(|instance| after.contains(&instance.task_id)).peekable();
            let skipped = next.peek().is_some() && next.all(|instance| instance.state() == "skipped");
            return skipped.then_some(Cancel { by: None });
        };
        // A run that is cleared keeps its id, and so its audit log.
        let began = self.run.start_date.or(self.run.queued_at);
        let marked = events
            .iter()
            .filter(|event| event.marks_run_failed())
            .filter(|event| began.is_none_or(|began| event.when.is_none_or(|when| when >= began)))
            .max_by_key(|event| event.when)?;
        let before = cause.filter(|cause| !self.was_set(cause)).and_then(|cause| self.failed_at(cause));
        let caused = before.zip(marked.when).is_some_and(|(failed, when)| failed < when);
        (!caused).then_some(Cancel { by: marked.owner.as_deref() })
    }

    /// Who marked an instance as failed.
    pub(super) fn marked_by(&self, instance: &Instance) -> Option<&str> {
        let of_task = |event: &&EventLog| {
            event.task_id.as_deref() == Some(&instance.task_id)
                && event.map_index.is_none_or(|index| index == instance.map_index || index < 0)
                && event.marks_task_failed()
        };
        let began = instance.start_date;
        let late = |event: &&EventLog| began.is_none_or(|began| event.when.is_none_or(|when| when >= began));
        self.events.as_ref()?.iter().find(|event| of_task(event) && late(event))?.owner.as_deref()
    }

    /// What Airflow itself noted about an instance that could say nothing any more: its worker was lost, or it never started.
    pub(super) fn lost(&self, instance: &Instance) -> Option<&EventLog> {
        let began = instance.start_date;
        self.events.as_ref()?.iter().find(|event| {
            event.task_id.as_deref() == Some(&instance.task_id)
                && event.map_index.is_none_or(|index| index == instance.map_index)
                && began.is_none_or(|began| event.when.is_none_or(|when| when >= began))
                && event.loss().is_some()
        })
    }

    /// Whether the log of the first failed task says nothing yet, though it will: workers write it down a little later.
    pub(super) fn lacks_cause(&self) -> bool {
        let unsaid = |instance: &Instance| {
            self.log(instance).is_none_or(|log| log.fatal.is_none())
                && self.lost(instance).is_none()
                && self.marked_by(instance).is_none()
                && instance.try_number > 0
        };
        if self.has_failed() {
            return self.cancelled().is_none() && self.first_failed().is_some_and(unsaid);
        }
        self.instances.iter().any(|instance| instance.state() == "up_for_retry" && unsaid(instance))
    }

    /// The run that the first failed task had started, and waited for: its DAG, and its id where the log says it.
    pub(super) fn wants_child(&self) -> Option<(&Instance, Option<String>, Option<String>)> {
        let cause = self.first_failed().filter(|_| self.has_failed())?;
        let log = self.log(cause);
        let started = cause.class().contains("TriggerDagRun");
        let failed = log.and_then(|log| log.fatal.as_ref()).is_some_and(super::fatal::Fatal::is_of_child);
        if !started || !failed {
            return None;
        }
        let (dag, run) = log.and_then(|log| log.child.clone()).unzip();
        let rendered = cause.rendered_fields.get("trigger_dag_id").and_then(|dag| dag.as_str()).map(str::to_owned);
        Some((cause, dag.or(rendered), run))
    }

    /// Whether a log of its own, or of a child run below, did not come in time.
    pub(super) fn is_slow(&self) -> bool {
        self.slow || self.child.as_ref().is_some_and(|child| child.is_slow())
    }

    /// The ends of all child runs below, see [`end`].
    pub(super) fn children(&self) -> Vec<String> {
        std::iter::successors(self.child.as_deref(), |child| child.child.as_deref())
            .map(|child| end(&child.run))
            .collect()
    }
}
