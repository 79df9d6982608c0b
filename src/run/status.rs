//! What a run or a step can be: the closed sets that every engine is mapped onto.

use serde::{Deserialize, Serialize};

/// The status of a run. Paused, waiting and cancelled are not failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Known to the engine, not started.
    Pending,
    /// Doing something, a retry of a step or of the whole run included.
    Running,
    /// It expects something: a time, an event, an answer.
    Waiting,
    /// A person or a safety limit stopped it for now.
    Paused,
    /// Ended well.
    Completed,
    /// Ended badly. Not always for good: an engine may run it again under the same id.
    Failed,
    /// Ended by a decision.
    Cancelled,
}

impl RunStatus {
    /// Whether the engine has ended the run.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The word in the native JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The status of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// Not started; in an ended run, never run.
    Pending,
    /// Doing something.
    Running,
    /// A try failed, and the engine will try again.
    Retrying,
    /// It expects something.
    Waiting,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Passed over, often because something before it failed.
    Skipped,
    /// Ended by a decision.
    Cancelled,
}
