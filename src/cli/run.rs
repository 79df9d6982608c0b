//! `firstred run`: the daemon.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{Failure, Format, output, setup};
use crate::config::Diagnostics;
use crate::daemon;
use crate::metrics::Metrics;
use crate::telemetry;

pub(super) fn run(path: &Path, format: Format) -> Result<(), Failure> {
    let loaded = setup::read(path).map_err(Failure::Mistakes)?;
    let config = loaded.config;
    let (metrics, registry) = Metrics::new();
    let logs = telemetry::init(&config.log, &metrics)?;
    for warning in &loaded.warnings {
        tracing::warn!(warning = ?warning.to_string(), "configuration");
    }
    let file = path.to_path_buf();
    let again = file.clone();
    let read: daemon::Reload = Box::new(move || match setup::read(&again) {
        Ok(loaded) => Ok(loaded.config),
        Err(mistakes) => Err(lines(&mistakes)),
    });
    let runtime = setup::runtime()?;
    let result = runtime.block_on(daemon::run(config, Some(file), read, metrics, Arc::clone(&registry), |address| {
        let url = format!("http://{address}");
        output::say(&match format {
            Format::Text => format!("listening on {url}"),
            Format::Json => json!({ "listening": url }).to_string(),
        });
    }));
    // What still hangs at this point has had its time.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    drop(logs);
    Ok(result?)
}

/// One mistake a line.
fn lines(mistakes: &Diagnostics) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
