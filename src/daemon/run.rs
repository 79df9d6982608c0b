//! The daemon as a process: it runs until the operating system asks it to stop, and reads its configuration anew when that changes. It
//! must not know what the daemon is made of.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

use super::signals::{Asked, Signals};
use super::start::{Daemon, Reload, StartError};
use super::watch_file;
use crate::config::Config;
use crate::metrics::Metrics;

/// How long the word that we listen waits for the sources' first answers.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// Runs the daemon until the operating system asks it to stop. `started` is told the address.
///
/// # Errors
/// When it can't start.
pub async fn run(
    config: Config,
    file: Option<PathBuf>,
    read: Reload,
    metrics: Metrics,
    registry: Arc<Registry>,
    started: impl FnOnce(SocketAddr),
) -> Result<(), StartError> {
    let mut signals = Signals::register()?;
    let mut daemon = Daemon::start(&config, metrics, registry).await?;
    // Whoever waits for our word and then lets a run fail must not find that failure in the first list, among the history.
    if tokio::time::timeout(FIRST_LOOK, daemon.pollers.looked()).await.is_err() {
        tracing::info!("not every source has answered yet");
    }
    started(daemon.address);
    let (changed, mut edits) = mpsc::channel(1);
    if let Some(file) = file {
        tokio::spawn(watch_file::run(file, changed.clone(), daemon.stop.clone()));
    }
    loop {
        let asked = tokio::select! {
            asked = signals.next() => asked,
            Some(()) = edits.recv() => Asked::Reload,
        };
        if asked == Asked::Stop {
            break;
        }
        // By the time it waits, for the ledger, the new configuration is in force: all that a stop cuts off is its line on record.
        tokio::select! {
            () = daemon.reload(&read) => {}
            () = signals.stop() => break,
        }
    }
    drop(changed);
    tracing::info!("stopping");
    daemon.stop().await;
    tracing::info!("stopped");
    Ok(())
}
