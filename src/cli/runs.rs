//! The runs that a command is asked about: from a file, from standard input, or from the ledger by id.

use std::io::Read;
use std::path::Path;

use super::Failure;
use super::setup;
use crate::ledger::{Reader, Story};
use crate::run::{Limits, Run, read_batch};

/// The largest file of runs, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Where the runs came from.
pub(super) enum Asked {
    /// Native runs, read just now.
    Runs(Vec<Run>),
    /// What the ledger knows of the runs with an id.
    Stories(Vec<Story>),
}

/// Reads what `argument` names: `-`, a file that exists, or the id of a run in the ledger.
pub(super) fn asked(config: &Path, argument: &str) -> Result<Asked, Failure> {
    if argument == "-" {
        return native(&bytes(argument)?, "standard input");
    }
    if Path::new(argument).is_file() {
        return native(&bytes(argument)?, argument);
    }
    let stories = stories(config, argument)?;
    if stories.is_empty() {
        return Err(Failure::NoBecause(format!(
            "`{argument}` is neither a file nor the id of a run in the ledger; give a file of native runs, `-` for \
             standard input, or the id as the engine shows it"
        )));
    }
    Ok(Asked::Stories(stories))
}

/// What the ledger knows of the runs with this id.
pub(super) fn stories(config: &Path, run: &str) -> Result<Vec<Story>, Failure> {
    let config = setup::config(config)?;
    let reader = Reader::open(&config.ledger.path)?;
    Ok(reader.stories(run)?)
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn bytes(argument: &str) -> Result<Vec<u8>, Failure> {
    if argument == "-" {
        return read_all(std::io::stdin().lock(), "standard input");
    }
    let file = std::fs::File::open(argument)
        .map_err(|error| Failure::CouldNotAsk(format!("failed to open {argument}: {error}")))?;
    read_all(file, argument)
}

fn read_all(input: impl Read, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    input
        .take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::CouldNotAsk(format!("failed to read {name}: {error}")))?;
    Ok(bytes)
}

fn native(bytes: &[u8], name: &str) -> Result<Asked, Failure> {
    let items = read_batch(bytes, Limits::default())
        .map_err(|error| Failure::CouldNotAsk(format!("failed to read {name} as native runs: {error}")))?;
    let mut runs = Vec::with_capacity(items.len());
    for item in items {
        let run = item.map_err(|error| Failure::CouldNotAsk(format!("failed to read a run in {name}: {error}")))?;
        runs.push(run);
    }
    if runs.is_empty() {
        return Err(Failure::CouldNotAsk(format!("there is no run in {name}")));
    }
    Ok(Asked::Runs(runs))
}
