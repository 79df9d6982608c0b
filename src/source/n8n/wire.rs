//! What n8n's API answers, as far as firstred reads it. It must not know what any of it means.
//!
//! Everything that may be absent, null or of another type is optional: one strange field must not blind us for the others. What a
//! run's nodes put out is customers' data: it is passed over where it stands and never kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// One run, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    #[serde(deserialize_with = "number")]
    pub id: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub status: String,
    #[serde(default, deserialize_with = "lenient")]
    pub mode: String,
    #[serde(default, deserialize_with = "optional_number")]
    pub retry_of: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub started_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    pub stopped_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient")]
    pub workflow_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub wait_till: Option<Timestamp>,
}

/// A page of runs, newest first. Its rows are read one by one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub data: Vec<Value>,
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// Everything that is known of one run.
#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub row: Row,
    /// Absent where only the row was asked for.
    pub workflow: Option<Workflow>,
    pub version: Option<String>,
    /// The record is there, and n8n does not show it because it is too large.
    pub too_large: bool,
    /// In no order that means anything.
    pub entries: Vec<Entry>,
    /// What the run as a whole says.
    pub error: Option<Value>,
    pub parent: Option<Parent>,
}

/// The workflow as it was when it ran.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workflow {
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "each")]
    pub nodes: Vec<Node>,
    #[serde(default, deserialize_with = "lenient")]
    pub settings: Settings,
}

/// What is set for a workflow.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    /// In seconds; -1 is none.
    #[serde(default, deserialize_with = "lenient")]
    pub execution_timeout: Option<f64>,
}

/// One node of a workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub id: String,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: String,
    #[serde(default, deserialize_with = "lenient")]
    pub disabled: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub retry_on_fail: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub max_tries: Option<f64>,
    #[serde(default, deserialize_with = "lenient")]
    pub on_error: String,
    #[serde(default, deserialize_with = "lenient")]
    pub continue_on_fail: bool,
}

impl Node {
    /// Whether the workflow goes on when this fails.
    pub(super) fn goes_on(&self) -> bool {
        self.continue_on_fail || matches!(self.on_error.as_str(), "continueRegularOutput" | "continueErrorOutput")
    }
}

/// One pass of one node.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub node: String,
    /// From 1, and of how many.
    pub pass: u32,
    pub passes: u32,
    /// As n8n wrote it: milliseconds, or seconds, or 0.
    pub start: f64,
    /// In milliseconds.
    pub took: f64,
    pub index: u64,
    pub status: String,
    /// What it failed of; of a redacted one, its type alone.
    pub error: Option<Value>,
    /// The error that a node put out instead of failing.
    pub swallowed: Option<Value>,
}

/// The run that started this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parent {
    pub id: u64,
    /// Whether it waits for this one's end; older versions don't say.
    pub waits: Option<bool>,
}

impl Execution {
    /// A run of which nothing more than its row is known.
    pub(super) fn of(row: Row) -> Self {
        let entries = Vec::new();
        Self { row, workflow: None, version: None, too_large: false, entries, error: None, parent: None }
    }

    /// The node of this name, as the workflow has it.
    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.workflow.as_ref()?.nodes.iter().find(|node| node.name == name)
    }
}

/// Reads the detail of a run.
pub(super) fn execution(body: &[u8]) -> Result<Execution, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Whole<'a> {
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(borrow)]
        workflow_data: Option<&'a RawValue>,
        #[serde(default, deserialize_with = "lenient")]
        workflow_version_id: Option<String>,
        #[serde(default, deserialize_with = "lenient")]
        data_too_large_to_display: bool,
    }
    let row = serde_json::from_slice(body)?;
    let whole: Whole<'_> = serde_json::from_slice(body)?;
    let workflow = whole.workflow_data.and_then(read::<Option<Workflow>>).flatten();
    let nodes = workflow.as_ref().map_or(&[][..], |workflow| &workflow.nodes);
    let data = whole.data.and_then(read::<Data<'_>>).unwrap_or_default();
    let result = data.result_data.and_then(read::<Outcome<'_>>).unwrap_or_default();
    let entries = result.run_data.and_then(read).map(|data| entries(&data, nodes)).unwrap_or_default();
    let mut parents = data.parent_execution.into_iter().chain(entries.iter().filter_map(|(_, parent)| parent.clone()));
    let parent = parents.find_map(|parent| parent_of(&parent));
    Ok(Execution {
        row,
        version: whole.workflow_version_id,
        too_large: whole.data_too_large_to_display,
        entries: entries.into_iter().map(|(entry, _)| entry).collect(),
        error: result.error.or(result.redacted_error).filter(|error| !error.is_null()),
        parent,
        workflow,
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    result_data: Option<&'a RawValue>,
    parent_execution: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    #[serde(borrow)]
    run_data: Option<&'a RawValue>,
    error: Option<Value>,
    redacted_error: Option<Value>,
}

type RunData<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn entries(data: &RunData<'_>, nodes: &[Node]) -> Vec<(Entry, Option<Value>)> {
    let mut found = Vec::new();
    for (name, passes) in data {
        let passes: Vec<&RawValue> = read(passes).unwrap_or_default();
        let of = u32::try_from(passes.len()).unwrap_or(u32::MAX);
        let goes_on = nodes.iter().any(|node| node.name == *name && node.goes_on());
        for (pass, raw) in (1..).zip(passes) {
            found.extend(entry(raw, name, (pass, of), goes_on));
        }
    }
    found
}

fn entry(raw: &RawValue, node: &str, (pass, passes): (u32, u32), goes_on: bool) -> Option<(Entry, Option<Value>)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Given<'a> {
        #[serde(default, deserialize_with = "lenient")]
        start_time: f64,
        #[serde(default, deserialize_with = "lenient")]
        execution_time: f64,
        #[serde(default, deserialize_with = "lenient")]
        execution_index: u64,
        #[serde(default, deserialize_with = "lenient")]
        execution_status: String,
        error: Option<Value>,
        redacted_error: Option<Value>,
        metadata: Option<Value>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }
    let given: Given<'_> = read(raw)?;
    let metadata = given.metadata.unwrap_or_default();
    let entry = Entry {
        node: node.to_owned(),
        pass,
        passes,
        start: given.start_time,
        took: given.execution_time,
        index: given.execution_index,
        status: given.execution_status,
        error: given.error.or(given.redacted_error).filter(|error| !error.is_null()),
        swallowed: given.data.filter(|_| goes_on).and_then(swallowed),
    };
    let parent = metadata.get("parentExecution").cloned();
    Some((entry, parent))
}

/// The first error among what a node put out, where it did not fail because it was told to go on.
fn swallowed(output: &RawValue) -> Option<Value> {
    #[derive(Deserialize)]
    struct Output<'a> {
        #[serde(borrow)]
        main: Vec<Option<Vec<&'a RawValue>>>,
    }
    #[derive(Deserialize)]
    struct Item<'a> {
        #[serde(borrow)]
        json: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Json {
        error: Option<Value>,
    }
    let output: Output<'_> = read(output)?;
    let items = output.main.into_iter().flatten().flatten();
    items.filter_map(|item| read::<Json>(read::<Item<'_>>(item)?.json)?.error).find(|error| match error {
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => fields.contains_key("message"),
        _ => false,
    })
}

fn parent_of(parent: &Value) -> Option<Parent> {
    Some(Parent { id: id_of(&parent["executionId"])?, waits: parent["shouldResume"].as_bool() })
}

/// An id of a run: n8n writes numbers as text, mostly.
pub(super) fn id_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    id_of(&value).ok_or_else(|| serde::de::Error::custom("an id that is no number"))
}

fn optional_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(id_of(&Value::deserialize(deserializer)?))
}

/// The default for what is absent, null or of another type.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + serde::de::DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Those of a list that can be read.
fn each<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let given: Vec<Value> = lenient(deserializer)?;
    Ok(given.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}
