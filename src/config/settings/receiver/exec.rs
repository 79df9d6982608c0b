//! `type = "exec"`: what is set.

use std::path::PathBuf;

/// `type = "exec"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecReceiver {
    /// The program: an absolute path.
    pub command: PathBuf,
    /// Its arguments, as they are: no shell reads them.
    pub args: Vec<String>,
    /// What it inherits of firstred's own environment, where that has it: `PATH`, `HOME`, `LANG`.
    pub environment: Vec<(&'static str, String)>,
}
