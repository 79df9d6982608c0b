//! What Airflow's API answers, as far as firstred reads it, in both of its versions. It must not know what any of it means.
//!
//! Everything that may be absent or null is optional: one strange row must not blind us for the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A DAG run.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct DagRun {
    pub dag_id: String,
    #[serde(rename = "dag_run_id")]
    pub id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub dag_display_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    #[serde(default, deserialize_with = "or_default")]
    pub run_type: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub triggered_by: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub triggering_user_name: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub logical_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub queued_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub start_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub end_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub last_scheduling_decision: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub dag_versions: Vec<DagVersion>,
    #[serde(default, deserialize_with = "or_default")]
    pub bundle_version: Option<String>,
}

/// The version of a DAG, from 3.0 on.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct DagVersion {
    #[serde(default, deserialize_with = "or_default")]
    pub version_number: Option<u32>,
}

/// A task as the DAG defines it now.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Task {
    #[serde(rename = "task_id")]
    pub id: String,
    #[serde(rename = "task_display_name", default, deserialize_with = "or_default")]
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub operator_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub owner: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub trigger_rule: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub retry_delay: Option<Delay>,
    /// 3.x: the factor, 0 for none; 2.x: whether it doubles.
    #[serde(default)]
    pub retry_exponential_backoff: Value,
    #[serde(default, deserialize_with = "or_default")]
    pub downstream_task_ids: Vec<String>,
}

/// A span of time as Python's `timedelta` has it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Delay {
    #[serde(default, deserialize_with = "or_default")]
    pub days: f64,
    #[serde(default, deserialize_with = "or_default")]
    pub seconds: f64,
    #[serde(default, deserialize_with = "or_default")]
    pub microseconds: f64,
}

/// A task, or one of its mapped instances, in a run.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Instance {
    pub task_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub dag_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub dag_run_id: String,
    /// -1 for a task that is not mapped.
    #[serde(default = "unmapped", deserialize_with = "index")]
    pub map_index: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub rendered_map_index: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub task_display_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub state: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub try_number: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub max_tries: i64,
    #[serde(default, deserialize_with = "time")]
    pub start_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub end_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub logical_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub execution_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub operator: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub operator_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub rendered_fields: BTreeMap<String, Value>,
}

/// A line of the audit log.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct EventLog {
    #[serde(default, deserialize_with = "time")]
    pub when: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub event: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub task_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub map_index: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub owner: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub extra: Option<String>,
}

/// A DAG file that can't be read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ImportError {
    #[serde(rename = "import_error_id", default, deserialize_with = "or_default")]
    pub id: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    pub filename: String,
    #[serde(default, deserialize_with = "or_default")]
    pub bundle_name: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub stack_trace: String,
}

/// What is known of a DAG besides its tasks.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct DagDetails {
    #[serde(default, deserialize_with = "or_default")]
    pub is_paused: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<Tag>,
    #[serde(default, deserialize_with = "or_default")]
    pub owners: Vec<String>,
    /// How long one of its runs may take: `{days, seconds, microseconds}`, or text as ISO 8601 has it.
    #[serde(default)]
    pub dag_run_timeout: Value,
}

/// A tag of a DAG.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Tag {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

/// A version of Airflow.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Version {
    pub version: String,
}

/// A token.
#[derive(Deserialize)]
pub(super) struct Token {
    pub access_token: String,
}

/// What a task handed on.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Xcom {
    #[serde(default)]
    pub value: Value,
}

/// Which task of a run, with its index where it is mapped.
pub(super) type InstanceId = (String, i64);

impl Instance {
    /// Which of its run.
    pub(super) fn id(&self) -> InstanceId {
        (self.task_id.clone(), self.map_index)
    }

    /// [`DagRun::name`] of its run.
    pub(super) fn run_name(&self) -> String {
        format!("{}/{}", self.dag_id, self.dag_run_id)
    }

    /// Where it stands; empty for one that the scheduler has not looked at.
    pub(super) fn state(&self) -> &str {
        self.state.as_deref().unwrap_or_default()
    }

    /// The class of its operator.
    pub(super) fn class(&self) -> &str {
        self.operator_name.as_deref().or(self.operator.as_deref()).unwrap_or_default()
    }
}

impl DagRun {
    /// Its name in what is remembered. No DAG's id holds a slash.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.dag_id, self.id)
    }
}

fn unmapped() -> i64 {
    -1
}

fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_i64().unwrap_or(-1))
}

/// A time that can't be read is one that nobody gave.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// What is null or odd is what nobody gave: it costs only itself.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}
