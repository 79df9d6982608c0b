//! What Dagster's GraphQL answers, as far as firstred reads it. It must not know what any of it means.
//!
//! Everything that may be absent or null is optional: one strange row must not blind us for the others.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The run that Dagster started in the place of this one.
pub(super) const AUTO_RETRY: &str = "dagster/auto_retry_run_id";
/// Why a run failed.
pub(super) const FAILURE_REASON: &str = "dagster/failure_reason";
/// How often it was run before.
pub(super) const RETRY_NUMBER: &str = "dagster/retry_number";
/// Whether Dagster runs a failed run again.
pub(super) const WILL_RETRY: &str = "dagster/will_retry";

/// A run, as lists give it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    #[serde(rename = "runId")]
    pub id: String,
    pub status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub job_name: String,
    #[serde(default, deserialize_with = "moment")]
    pub start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub end_time: Option<Timestamp>,
    /// Moves when the status changes and when a tag is written, not with the run's events.
    #[serde(default, deserialize_with = "moment")]
    pub update_time: Option<Timestamp>,
    pub parent_run_id: Option<String>,
    pub root_run_id: Option<String>,
    pub repository_origin: Option<Origin>,
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<Tag>,
}

/// Where the code of a run stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Origin {
    #[serde(default, deserialize_with = "or_default")]
    pub repository_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub repository_location_name: String,
}

/// A tag.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tag {
    pub key: String,
    #[serde(default, deserialize_with = "or_default")]
    pub value: String,
}

/// The plan of a run and what became of its steps.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
    /// A re-execution from the failure executes fewer steps than the job has.
    pub step_keys_to_execute: Option<Vec<String>>,
    pub asset_selection: Option<Vec<AssetKey>>,
    pub execution_plan: Option<Plan>,
    #[serde(default, deserialize_with = "or_default")]
    pub step_stats: Vec<Stats>,
}

/// The key of an asset.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AssetKey {
    #[serde(default, deserialize_with = "or_default")]
    pub path: Vec<String>,
}

/// The steps that are to be executed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Plan {
    #[serde(default, deserialize_with = "or_default")]
    pub steps: Vec<Planned>,
}

/// A step of the plan. A dynamic one stands in it once, as `name[?]`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Planned {
    pub key: String,
    pub kind: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub inputs: Vec<Input>,
}

/// An input of a step.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    #[serde(default, deserialize_with = "or_default")]
    pub depends_on: Vec<StepRef>,
}

/// The key of a step.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StepRef {
    pub key: String,
}

/// What became of a step. Steps that never started are not there.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    pub step_key: String,
    pub status: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub end_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    pub attempts: Vec<serde_json::Value>,
}

/// A page of events.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Events {
    #[serde(rename = "events", default, deserialize_with = "or_default")]
    pub list: Vec<Event>,
    pub cursor: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub has_more: bool,
}

/// An event of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Event {
    #[serde(rename = "__typename", deserialize_with = "or_default")]
    pub kind: String,
    /// Milliseconds, as text.
    #[serde(rename = "timestamp", deserialize_with = "milliseconds")]
    pub at: Option<Timestamp>,
    pub step_key: Option<String>,
    pub message: Option<String>,
    pub error: Option<Box<Error>>,
    pub error_source: Option<String>,
    pub failure_metadata: Option<Metadata>,
    /// Up to 1.12 null wherever it is no whole number.
    pub seconds_to_wait: Option<f64>,
}

/// An exception of Python.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Error {
    pub class_name: Option<String>,
    /// `module.Class: text`, with a line break at its end.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// What caused it, nearest first.
    #[serde(rename = "errorChain", deserialize_with = "or_default")]
    pub chain: Vec<Link>,
}

/// A cause of an exception.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    pub error: Error,
}

/// What a `Failure` was raised with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub description: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub metadata_entries: Vec<Entry>,
}

/// One of its entries; which of the values is there hangs on its type.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry {
    #[serde(deserialize_with = "or_default")]
    pub label: String,
    pub text: Option<String>,
    /// Whole numbers may be larger than GraphQL's: they come as text.
    pub int_repr: Option<String>,
    pub bool_value: Option<bool>,
    pub float_value: Option<f64>,
    pub url: Option<String>,
    pub path: Option<String>,
    pub json_string: Option<String>,
    pub md_str: Option<String>,
}

/// The workspace.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workspace {
    #[serde(default, deserialize_with = "or_default")]
    pub location_entries: Vec<Location>,
}

/// A code location.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    pub name: String,
    /// Null while it is being loaded.
    pub location_or_load_error: Option<Loaded>,
}

/// A code location that was loaded, or why it was not.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Loaded {
    #[serde(rename = "__typename")]
    pub kind: String,
    #[serde(flatten)]
    pub error: Error,
}

/// The instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instance {
    pub daemon_health: Option<DaemonHealth>,
}

/// How the daemons are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DaemonHealth {
    #[serde(default, deserialize_with = "or_default")]
    pub all_daemon_statuses: Vec<Daemon>,
}

/// A daemon.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Daemon {
    #[serde(rename = "daemonType")]
    pub kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub required: bool,
    pub healthy: Option<bool>,
}

/// Something that may be done, or may not.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Permission {
    pub permission: String,
    #[serde(default, deserialize_with = "or_default")]
    pub value: bool,
}

impl Run {
    /// A row. Where one of its fields is not as Dagster gives it, the others count: only without an id and a status it is none.
    pub(super) fn read(row: &Value) -> Result<Self, serde_json::Error> {
        let odd = match Self::deserialize(row) {
            Ok(run) => return Ok(run),
            Err(odd) => odd,
        };
        let mut good = json!({ "runId": row["runId"], "status": row["status"] });
        for (key, value) in row.as_object().into_iter().flatten() {
            let mut tried = good.clone();
            tried[key] = value.clone();
            if serde_json::from_value::<Self>(tried.clone()).is_ok() {
                good = tried;
            }
        }
        serde_json::from_value(good).map_err(|_| odd)
    }

    /// Whether it ended.
    pub(super) fn is_over(&self) -> bool {
        is_over(&self.status)
    }

    /// The value of a tag.
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }

    /// A tag that holds a number.
    pub(super) fn count(&self, key: &str) -> Option<u32> {
        self.tag(key)?.trim().parse().ok()
    }
}

/// Whether a run in this state has ended.
pub(super) fn is_over(status: &str) -> bool {
    matches!(status, "SUCCESS" | "FAILURE" | "CANCELED")
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Seconds since 1970 with a fraction.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.and_then(seconds))
}

/// A time from seconds since 1970, to the microsecond.
pub(super) fn seconds(seconds: f64) -> Option<Timestamp> {
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    let micros = i64::try_from((duration.as_nanos() + 500).div_euclid(1_000)).ok()?;
    Timestamp::from_microsecond(micros).ok()
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()).and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()))
}
