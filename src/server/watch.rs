//! How long a connection may stay in which phase. One lazily set timer for each connection, none for each request: hyper's own
//! header timer is set anew for each request, and takes the time between two requests for part of a header.
//! It must not know HTTP beyond "a request has begun, is being answered, is answered".

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
/// Accepted, and not a byte has come.
const FRESH: u8 = 3;

/// What a connection is doing, and since when.
#[derive(Debug)]
pub(super) struct Watch {
    born: Instant,
    phase: AtomicU8,
    /// Microseconds since `born`. Everything here is touched by one task only; it is atomic to be `Sync`.
    since: AtomicU64,
    header: Duration,
    idle: Duration,
}

impl Watch {
    /// A connection that has just been accepted: its first request must come within the header's time.
    pub(super) fn new(header: Duration, idle: Duration) -> Self {
        Self { born: Instant::now(), phase: AtomicU8::new(FRESH), since: AtomicU64::new(0), header, idle }
    }

    fn enter(&self, phase: u8) {
        let since = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
        self.phase.store(phase, Ordering::Relaxed);
    }

    fn received(&self) {
        match self.phase.load(Ordering::Relaxed) {
            IDLE => self.enter(HEAD),
            // The time of the first header runs from the connect on.
            FRESH => self.phase.store(HEAD, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Nothing was ever asked, so nothing is owed.
    pub(super) fn fresh(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == FRESH
    }

    /// A header is complete. From here on the body and the commit have deadlines of their own.
    pub(super) fn busy(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    /// An answer is made; taking it and sending the next request is up to the client.
    pub(super) fn answered(&self) {
        self.enter(IDLE);
    }

    /// When the connection is to be closed if nothing changes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let allowed = match self.phase.load(Ordering::Relaxed) {
            IDLE => self.idle,
            HEAD | FRESH => self.header,
            _ => return None,
        };
        self.born.checked_add(Duration::from_micros(self.since.load(Ordering::Relaxed)).saturating_add(allowed))
    }
}

/// A connection that tells its watch when a request begins.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    watch: Arc<Watch>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, watch: Arc<Watch>) -> Self {
        Self { stream, watch }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.received();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
