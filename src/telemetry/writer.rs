//! A writer that hands each line to a thread of its own and never waits for it. It must not know what a log is.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

use super::line::sanitised;

/// The most lines that wait.
const LINES: usize = 8_192;

/// The most bytes that wait: lines may be long.
const BYTES: usize = 4 * 1024 * 1024;

/// How long the end of the process waits for a blocked output.
const FLUSH: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    /// All lines before this are written once the sender is told or let go of.
    Flush(SyncSender<()>),
}

/// Takes lines. Each `write` is one record, as `tracing_subscriber::fmt` does it.
#[derive(Clone)]
pub(super) struct Writer {
    lines: SyncSender<Message>,
    waiting: Arc<AtomicUsize>,
    dropped: Counter,
    json: bool,
}

/// Waits for the last lines when it is dropped, a second at most.
pub struct LogGuard {
    lines: SyncSender<Message>,
}

impl Writer {
    /// Starts the thread that writes to `output`.
    pub(super) fn start(
        output: impl Write + Send + 'static,
        json: bool,
        dropped: Counter,
    ) -> io::Result<(Self, LogGuard)> {
        let (lines, queue) = sync_channel(LINES);
        let waiting = Arc::new(AtomicUsize::new(0));
        let taken = Arc::clone(&waiting);
        thread::Builder::new().name("log".to_owned()).spawn(move || write_all(output, &queue, &taken))?;
        let guard = LogGuard { lines: lines.clone() };
        Ok((Self { lines, waiting, dropped, json }, guard))
    }
}

fn write_all(mut output: impl Write, queue: &Receiver<Message>, waiting: &AtomicUsize) {
    while let Ok(message) = queue.recv() {
        match message {
            Message::Line(line) => {
                // An output that is gone (EPIPE) takes nothing, and there is no one left to tell.
                drop(output.write_all(&line));
                waiting.fetch_sub(line.len(), Ordering::Relaxed);
            }
            Message::Flush(done) => {
                drop(output.flush());
                drop(done);
            }
        }
    }
}

impl Write for Writer {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let line = sanitised(record, self.json);
        let length = line.len();
        let fits = self.waiting.fetch_add(length, Ordering::Relaxed) + length <= BYTES;
        if !fits || self.lines.try_send(Message::Line(line)).is_err() {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            self.dropped.inc();
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl LogGuard {
    /// Waits until all lines so far are written, or the time is up.
    fn flush(&self, patience: Duration) {
        let (done, written) = sync_channel(1);
        let mut message = Message::Flush(done);
        let step = Duration::from_millis(10);
        let mut left = patience;
        // The standard channel can't wait for room with an end, and this happens once in the life of a process.
        while let Err(TrySendError::Full(back)) = self.lines.try_send(message) {
            if left.is_zero() {
                return;
            }
            thread::sleep(step);
            left = left.saturating_sub(step);
            message = back;
        }
        // Nothing is ever sent: the answer is that the thread lets go.
        let _ = written.recv_timeout(left);
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.flush(FLUSH);
    }
}

impl std::fmt::Debug for LogGuard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LogGuard")
    }
}
