//! What an expectation is about: the one thing of which something is missing.

use serde::{Deserialize, Serialize};

/// What something is missing of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Concern {
    /// A workflow: it does not succeed.
    Workflow {
        /// Its key.
        workflow: String,
    },
    /// A workflow that was never seen.
    Unseen {
        /// As the expectation names it.
        workflow: String,
    },
    /// A run: it does not end, or does not go on.
    Run {
        /// Its workflow's key.
        workflow: String,
        /// The engine's id.
        run: String,
    },
    /// A connection: nobody authorizes it again.
    Connection {
        /// The source whose runs are parked behind it.
        source: String,
        /// Its service; the error's code where no service is named.
        name: String,
    },
}

impl Concern {
    /// What makes it this one and no other, for keys.
    #[must_use]
    pub fn parts(&self) -> [&str; 3] {
        match self {
            Self::Workflow { workflow } => ["workflow", workflow, ""],
            Self::Unseen { workflow } => ["unseen", workflow, ""],
            Self::Run { workflow, run } => ["run", workflow, run],
            Self::Connection { source, name } => ["connection", source, name],
        }
    }
}
