//! One execution of a workflow.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::native::fields::{self, ID_CAP};
use super::{RunStatus, Step, StepError};

/// One execution of a workflow, in the native form of `DESIGN.md` section 5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a run: an object with `id`, `workflow` and `status`")]
pub struct Run {
    /// The engine's id of the run. Never empty.
    #[serde(deserialize_with = "fields::id")]
    pub id: String,
    /// Which attempt of the whole run this is, from 1; absent where the engine does not count.
    #[serde(default, deserialize_with = "fields::ordinal", skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The run that this one was started to repeat.
    #[serde(default, deserialize_with = "fields::optional_id", skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<String>,
    /// The run that the engine itself started to repeat this one after it failed: from now on that one has the word.
    #[serde(default, deserialize_with = "fields::optional_id", skip_serializing_if = "Option::is_none")]
    pub retried_as: Option<String>,
    /// The run that started this one and waits for it.
    #[serde(default, deserialize_with = "fields::optional_id", skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The tenant that it belongs to.
    #[serde(default, deserialize_with = "fields::optional_id", skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// What was executed.
    pub workflow: Workflow,
    /// Where it stands.
    pub status: RunStatus,
    /// What started it: `schedule`, `manual`, `webhook`.
    #[serde(default, deserialize_with = "fields::optional_text", skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The page of the run in the engine. Untrusted until rendered through the link check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Start of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// End of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Last change in the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// Free labels: owner, environment, folder.
    #[serde(default, deserialize_with = "fields::labels")]
    pub labels: BTreeMap<String, String>,
    /// How far it came, where the engine says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The run-level error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// When the engine runs the whole run again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// How many attempts of the whole run the engine will make.
    #[serde(default, deserialize_with = "fields::ordinal", skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Its steps, in any order.
    #[serde(default, deserialize_with = "fields::null_is_default")]
    pub steps: Vec<Step>,
}

/// The workflow that a run executes. At least one of id and name is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WorkflowFields")]
pub struct Workflow {
    /// The engine's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Workflow {
    /// What identifies the workflow: its id, or its name where it has no id.
    #[must_use]
    pub fn key(&self) -> &str {
        self.id.as_deref().or(self.name.as_deref()).unwrap_or_default()
    }

    /// What people call the workflow: its name, or its id where it has no name.
    #[must_use]
    pub fn title(&self) -> &str {
        self.name.as_deref().or(self.id.as_deref()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a workflow: an object with `id` or `name`")]
struct WorkflowFields {
    #[serde(default, deserialize_with = "fields::optional_id")]
    id: Option<String>,
    #[serde(default, deserialize_with = "fields::optional_text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "fields::optional_text")]
    version: Option<String>,
}

impl TryFrom<WorkflowFields> for Workflow {
    type Error = &'static str;

    fn try_from(given: WorkflowFields) -> Result<Self, Self::Error> {
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let name = filled(given.name).map(fields::without_nul);
        let workflow = Self { id: filled(given.id), name, version: filled(given.version) };
        match (&workflow.id, &workflow.name) {
            (None, None) => return Err("a workflow needs an `id` or a `name`"),
            (None, Some(name)) if name.len() > ID_CAP => {
                return Err("a `name` that stands in for the `id` may have 512 bytes at most");
            }
            _ => {}
        }
        Ok(workflow)
    }
}

/// How far a run came, counted in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps that ended well.
    #[serde(default, deserialize_with = "fields::count_or_zero")]
    pub completed: u32,
    /// Steps in all; absent where the engine cannot know.
    #[serde(default, deserialize_with = "fields::count", skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// What makes two observations speak of the same run, from whichever source they come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunKey {
    /// The tenant; empty where neither the run nor its source names one.
    pub workspace: String,
    /// [`Workflow::key`].
    pub workflow: String,
    /// [`Run::id`].
    pub run: String,
}

impl Run {
    /// A run of which nothing more is known.
    #[must_use]
    pub fn bare(id: impl Into<String>, workflow: Workflow, status: RunStatus) -> Self {
        Self {
            id: id.into(),
            attempt: None,
            replay_of: None,
            retried_as: None,
            parent: None,
            workspace: None,
            workflow,
            status,
            trigger: None,
            url: None,
            started_at: None,
            completed_at: None,
            updated_at: None,
            labels: BTreeMap::new(),
            progress: None,
            error: None,
            retry_at: None,
            max_attempts: None,
            steps: Vec::new(),
        }
    }

    /// The identity of this run across sources.
    #[must_use]
    pub fn key(&self) -> RunKey {
        RunKey {
            workspace: self.workspace.clone().unwrap_or_default(),
            workflow: self.workflow.key().to_owned(),
            run: self.id.clone(),
        }
    }
}
