//! Takes connections and lets go of them: how many, how long, and how it all ends. It must not know what is asked or answered.
//!
//! At the cap nothing is accepted, and the kernel's backlog waits; each connection ends by a deadline, so a place always comes
//! free. One place in sixteen is kept for when the others are taken: who gets one is served a single request, has a fifth of
//! the header's time, and is closed after. So health checks and one-shot senders get through while idle or slow clients hold
//! all the other places. There is no cap for each address: behind a proxy all clients have the same.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::route::Routes;
use super::watch::{Watch, Watched};
use super::{Checkup, Inlet, Timeouts};

/// Files that deliveries, polls, the ledger and the log need while ingest holds all it may.
const RESERVED_FILES: usize = 64;

/// The pause after a failed accept. Most often there are too many open files, and asking again at once burns a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// As many connections as wanted, unless the limit of open files is lower: deliveries must not starve for ingest's sake.
pub(super) fn affordable(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    affordable_within(wanted, open_files(&limits))
}

fn affordable_within(wanted: usize, files: Option<usize>) -> usize {
    let affordable = files.map_or(wanted, |files| files.saturating_sub(RESERVED_FILES).max(files / 4));
    wanted.min(affordable).max(2)
}

/// The soft limit in the text of `/proc/self/limits`; elsewhere there is none to read.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Serves until `stop`, then drains.
pub(super) async fn run<I: Inlet, C: Checkup>(
    listener: TcpListener,
    max_connections: usize,
    timeouts: Timeouts,
    routes: Arc<Routes<I, C>>,
    stop: CancellationToken,
) {
    let kept = (max_connections / 16).max(1);
    let places = Places {
        common: Arc::new(Semaphore::new(max_connections.saturating_sub(kept).max(1))),
        kept: Arc::new(Semaphore::new(kept)),
    };
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = places.accept(&listener) => accepted,
        };
        // Take the ended ones out of the set.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(Some((stream, place))) => {
                connections.spawn(serve(stream, place, timeouts, Arc::clone(&routes), stop.clone()));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(?error, "failed to accept a connection");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(timeouts.drain, drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections dropped at shutdown");
        connections.shutdown().await;
    }
}

struct Places {
    common: Arc<Semaphore>,
    kept: Arc<Semaphore>,
}

struct Place {
    _permit: OwnedSemaphorePermit,
    /// One of those kept: for a single request.
    single: bool,
}

impl Places {
    /// Waits for a place, then for a connection. `None`: the connection was gone before it was taken.
    async fn accept(&self, listener: &TcpListener) -> io::Result<Option<(TcpStream, Place)>> {
        let (permit, single) = tokio::select! {
            biased;
            permit = Arc::clone(&self.common).acquire_owned() => (permit, false),
            permit = Arc::clone(&self.kept).acquire_owned() => (permit, true),
        };
        // The semaphores are never closed.
        let Ok(permit) = permit else { return Ok(None) };
        match listener.accept().await {
            Ok((stream, _)) => Ok(Some((stream, Place { _permit: permit, single }))),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Counts a connection while it lives, however it ends.
struct Counted(prometheus_client::metrics::gauge::Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

async fn serve<I: Inlet, C: Checkup>(
    stream: TcpStream,
    place: Place,
    timeouts: Timeouts,
    routes: Arc<Routes<I, C>>,
    stop: CancellationToken,
) {
    let gauge = routes.metrics.connections.clone();
    gauge.inc();
    let _counted = Counted(gauge);
    // Answers are small and whole; waiting to fill a packet only delays them. Not fatal where it is not supported.
    stream.set_nodelay(true).unwrap_or_default();
    let header = if place.single { timeouts.header / 5 } else { timeouts.header };
    let watch = Arc::new(Watch::new(header, timeouts.idle));
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&watch)));
    let service = service_fn(|request| {
        watch.busy();
        let (routes, watch) = (Arc::clone(&routes), Arc::clone(&watch));
        async move {
            let answer = routes.answer(request).await;
            watch.answered();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    // The watch has the deadlines. The buffer holds the header and the part of the body that has not been taken yet.
    http.header_read_timeout(None).keep_alive(!place.single).max_headers(64).max_buf_size(64 * 1024);
    let mut connection = pin!(http.serve_connection(io, service));
    let mut alarm = pin!(sleep_until(Instant::now() + header));
    let mut stopped = pin!(stop.cancelled());
    let mut stopping = false;
    poll_fn(|cx| {
        // How the connection ends is between it and its client; a broken one is no news.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !stopping && stopped.as_mut().poll(cx).is_ready() {
            stopping = true;
            connection.as_mut().graceful_shutdown();
            if watch.fresh() || connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        // An earlier deadline sets the timer anew; a later one waits until the timer rings.
        let deadline = watch.deadline();
        if deadline.is_some_and(|deadline| deadline < alarm.deadline()) {
            alarm.as_mut().reset(deadline.unwrap_or_else(Instant::now));
        }
        while alarm.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            match watch.deadline() {
                Some(deadline) if deadline <= now => return Poll::Ready(()),
                Some(deadline) => alarm.as_mut().reset(deadline),
                None => alarm.as_mut().reset(now + timeouts.header),
            }
        }
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_leaves_some_for_deliveries() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 4096                 files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files            unlimited            unlimited            files"), None);
        assert_eq!(open_files(""), None);
        assert_eq!(affordable_within(512, Some(1024)), 512);
        assert_eq!(affordable_within(512, Some(128)), 64);
        assert_eq!(affordable_within(512, Some(64)), 16);
        assert_eq!(affordable_within(512, Some(4)), 2);
        assert_eq!(affordable_within(512, None), 512);
    }
}
