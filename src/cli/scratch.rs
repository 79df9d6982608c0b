//! A folder of this command's own, removed when it is dropped.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::clock;

pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder under the system's temporary one, which no other process has.
    pub(super) fn new(what: &str) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("firstred-{what}-{}-{:08x}", std::process::id(), clock::seed()));
        std::fs::create_dir(&folder).map_err(|error| {
            Failure::CouldNotAsk(format!("failed to create a folder for the {what}'s ledger: {error}"))
        })?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
