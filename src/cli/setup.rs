//! What commands share: reading the configuration, and a runtime.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::clock;
use crate::config::{Config, ConfigFile, Diagnostics, Inputs, Loaded, load};
use crate::receiver::check_template;
use crate::source::check_filter;

/// The configuration; its mistakes are said as `firstred check` would.
pub(super) fn config(path: &Path) -> Result<Config, Failure> {
    read(path).map(|loaded| loaded.config).map_err(Failure::Mistakes)
}

/// The configuration, or nothing where there is no file: for commands that can do without.
pub(super) fn config_if_there(path: &Path) -> Result<Option<Config>, Failure> {
    if path.exists() { config(path).map(Some) } else { Ok(None) }
}

/// Reads the configuration of this process: the file, and the environment over it.
pub(super) fn read(path: &Path) -> Result<Loaded, Diagnostics> {
    let inputs = Inputs::of_file(Some(PathBuf::from(path)), environment(), check_filter);
    load(&Inputs { now: Some(clock::now()), template_check: check_template, ..inputs })
}

/// Reads a configuration that is built into the program. The environment has no say.
pub(super) fn embedded(name: &str, text: &str) -> Result<Config, Failure> {
    let file = ConfigFile::Text { name: name.to_owned(), text: text.to_owned() };
    let inputs = Inputs { file: Some(file), ..Inputs::of_file(None, BTreeMap::new(), check_filter) };
    load(&inputs).map(|loaded| loaded.config).map_err(|mistakes| Failure::CouldNotAsk(mistakes.render(false)))
}

/// A runtime for commands: two workers are enough for what is, in the end, one disk and a few sockets.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()
        .map_err(|error| Failure::CouldNotAsk(format!("failed to start the runtime: {error}")))
}

/// The environment, without what is no UTF-8: no key or value of ours could be.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect()
}
