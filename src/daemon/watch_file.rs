//! Notices that the configuration file changed: by the file system's events on its directory (a `ConfigMap` swaps a link, the file's
//! own inode never changes), and by looking every 30 seconds where events don't reach.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Editors write in several steps: this long after the first event the file is read.
const SETTLE: Duration = Duration::from_millis(300);
/// Where events don't reach, such as on network file systems.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Sends on `changed` whenever the content of `path` is another one than before.
pub(super) async fn run(path: PathBuf, changed: mpsc::Sender<()>, stop: CancellationToken) {
    let (events, mut noticed) = mpsc::channel(1);
    let _watcher = watch(&path, events);
    let mut last = digest(&path).await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            event = noticed.recv() => if event.is_some() { tokio::time::sleep(SETTLE).await } else { tokio::time::sleep(LOOK_EVERY).await },
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        while noticed.try_recv().is_ok() {}
        let now = digest(&path).await;
        // A file that is gone for a moment is being replaced.
        if now.is_some() && now != last {
            last = now;
            if changed.send(()).await.is_err() {
                return;
            }
        }
    }
}

fn watch(path: &Path, events: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let handler = move |event: notify::Result<notify::Event>| {
        // Reading the file is an event too; only what may have changed it counts. A full channel already says it.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = events.try_send(());
        }
    };
    let watched = notify::recommended_watcher(handler)
        .and_then(|mut watcher| watcher.watch(directory, RecursiveMode::NonRecursive).map(|()| watcher));
    match watched {
        Ok(watching) => Some(watching),
        Err(error) => {
            tracing::warn!(?error, "no file system events; looking at the configuration every 30 s instead");
            None
        }
    }
}

async fn digest(path: &Path) -> Option<[u8; 32]> {
    let content = tokio::fs::read(path).await.ok()?;
    Some(Sha256::digest(content).into())
}
