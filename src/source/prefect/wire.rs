//! What Prefect's API answers, as far as firstred reads it. It must not know what any of it means.
//!
//! Everything that may be absent or null is optional: one strange row must not blind us for the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// A flow run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FlowRun {
    pub id: String,
    pub name: Option<String>,
    pub flow_id: Option<String>,
    pub flow_version: Option<String>,
    pub deployment_id: Option<String>,
    pub work_queue_name: Option<String>,
    pub work_pool_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub empirical_policy: Policy,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub labels: BTreeMap<String, serde_json::Value>,
    pub parent_task_run_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub run_count: u32,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub auto_scheduled: bool,
    pub created_by: Option<CreatedBy>,
    pub state: Option<State>,
}

/// Who created a flow run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CreatedBy {
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// How often Prefect tries by itself.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Policy {
    pub retries: Option<u32>,
}

/// A task run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TaskRun {
    pub id: String,
    pub flow_run_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub task_key: String,
    #[serde(default, deserialize_with = "or_default")]
    pub dynamic_key: String,
    #[serde(default, deserialize_with = "or_default")]
    pub empirical_policy: Policy,
    #[serde(default, deserialize_with = "or_default")]
    pub run_count: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub flow_run_run_count: u32,
    pub expected_start_time: Option<Timestamp>,
    pub start_time: Option<Timestamp>,
    pub state: Option<State>,
}

/// A state of a flow run or a task run.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct State {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    pub timestamp: Timestamp,
    pub message: Option<String>,
    #[serde(default, deserialize_with = "or_default", rename = "state_details")]
    pub details: Details,
}

/// What a state knows besides.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Details {
    pub scheduled_time: Option<Timestamp>,
    pub child_flow_run_id: Option<String>,
}

/// A line of a log.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LogLine {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub level: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub message: String,
    pub timestamp: Timestamp,
    pub task_run_id: Option<String>,
}

/// Something that has an id and a name: a flow, a deployment.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    pub id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

/// A page of the events feed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Events {
    pub events: Vec<Event>,
    pub next_page: Option<String>,
}

/// A change of a flow run's state. Its id is the id of the state.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Event {
    pub id: String,
    pub occurred: Timestamp,
    pub resource: BTreeMap<String, serde_json::Value>,
}

impl Event {
    /// The flow run that changed.
    pub(super) fn flow_run_id(&self) -> Option<&str> {
        self.resource.get("prefect.resource.id")?.as_str()?.strip_prefix("prefect.flow-run.")
    }
}

impl FlowRun {
    /// The type of its state; empty for a run that never got one.
    pub(super) fn kind(&self) -> &str {
        self.state.as_ref().map_or("", |state| &state.kind)
    }

    /// The id of its state.
    pub(super) fn state_id(&self) -> &str {
        self.state.as_ref().map_or("", |state| &state.id)
    }
}

impl TaskRun {
    /// The child run, where this is the row of a subflow.
    pub(super) fn child(&self) -> Option<&str> {
        self.state.as_ref()?.details.child_flow_run_id.as_deref()
    }

    /// When it last changed.
    pub(super) fn moved(&self) -> Option<Timestamp> {
        self.state.as_ref().map(|state| state.timestamp).or(self.start_time).or(self.expected_start_time)
    }
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
