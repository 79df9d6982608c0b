//! The pages of Airflow's UI, which are others in its two versions. It must not know what is told of a run.

use super::api::Generation;
use super::ask::plain;
use super::wire::{DagRun, Instance};

/// Where people look at what the API tells.
#[derive(Debug, Clone)]
pub(super) struct Pages {
    /// The root of the UI, without a slash at its end.
    pub root: String,
    /// Whose pages they are.
    pub generation: Generation,
}

impl Pages {
    /// The page of a run.
    pub(super) fn run(&self, run: &DagRun) -> String {
        let (root, dag, id) = (&self.root, plain(&run.dag_id), plain(&run.id));
        match self.generation {
            Generation::Three => format!("{root}/dags/{dag}/runs/{id}"),
            Generation::Two => format!("{root}/dags/{dag}/grid?dag_run_id={id}"),
        }
    }

    /// The log of the newest try of a task.
    pub(super) fn log(&self, run: &DagRun, instance: &Instance) -> String {
        let (page, task, index) = (self.run(run), plain(&instance.task_id), instance.map_index);
        match self.generation {
            Generation::Three => {
                let mapped = if index >= 0 { format!("/mapped/{index}") } else { String::new() };
                let page = format!("{page}/tasks/{task}{mapped}");
                if instance.try_number > 0 { format!("{page}?try_number={}", instance.try_number) } else { page }
            }
            Generation::Two => {
                let mapped = if index >= 0 { format!("&map_index={index}") } else { String::new() };
                format!("{page}&task_id={task}{mapped}&tab=logs")
            }
        }
    }

    /// The page of a DAG.
    pub(super) fn start(&self) -> String {
        match self.generation {
            Generation::Three => format!("{}/dags", self.root),
            Generation::Two => format!("{}/home", self.root),
        }
    }
}
