//! `/healthz`, `/readyz` and `/metrics`. It must not find out anything itself: the daemon knows, this room prints.

use hyper::StatusCode;
use jiff::Timestamp;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::answer::{self, Answer};

/// Who knows how the daemon is. Must answer at once: no lock that a commit holds, no I/O.
pub trait Checkup: Send + Sync + 'static {
    /// Whether it can see and can send.
    fn readiness(&self) -> Readiness;
}

/// Whether firstred can see and can send. Anyone may read it: its texts must be redacted and hold no URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// The answer of `/readyz`: 200 or 503.
    pub ready: bool,
    /// The configuration file.
    pub config: ConfigHealth,
    /// The ledger.
    pub ledger: LedgerHealth,
    /// Each source.
    pub sources: Vec<SourceHealth>,
    /// Each receiver.
    pub receivers: Vec<ReceiverHealth>,
    /// The heartbeat, where there is one. It makes nothing unready: it is another path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<HeartbeatHealth>,
}

/// Whether the dead man's switch is told that firstred is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatHealth {
    /// The last beat was taken, and nothing holds the next one back.
    pub ok: bool,
    /// When a beat was last taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Timestamp>,
    /// Why it is held back, or was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether the running configuration is the one in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigHealth {
    /// It is.
    pub ok: bool,
    /// Why the file was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether the ledger takes commits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerHealth {
    /// It does.
    pub ok: bool,
    /// Since when it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether a source can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// It can.
    pub ok: bool,
    /// When it last was, whole; for one that is pushed to: when something last came.
    pub last_success: Option<Timestamp>,
    /// Since when it can't be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why it can't be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The last count of its failed runs, held against the ledger. What was missed makes nothing unready: it was read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<CountHealth>,
}

/// What the engine counts, and what the ledger did not know of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountHealth {
    /// When it was compared.
    pub at: Timestamp,
    /// Failed runs that the engine counts, of 24 hours.
    pub failed: usize,
    /// Those of them that polling had missed.
    pub missed: usize,
    /// Those of these that were read again.
    pub recalled: usize,
    /// The engine's count was read to its end.
    pub whole: bool,
}

/// Whether a receiver can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverHealth {
    /// Its name.
    pub name: String,
    /// It can.
    pub ok: bool,
    /// When it last took something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Timestamp>,
    /// How many deliveries it refused for good since then.
    #[serde(skip_serializing_if = "is_none")]
    pub refused: u32,
    /// How many notifications are not yet proven.
    pub waiting: u64,
    /// When the oldest of them became due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_waiting: Option<Timestamp>,
    /// Since when it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_since: Option<Timestamp>,
    /// What it last said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// The event loop answers: that is all `/healthz` says, so that a full disk or a dead engine never restarts the daemon.
pub(super) fn healthz() -> Answer {
    answer::answer(StatusCode::OK, "application/json", r#"{"status":"ok"}"#)
}

pub(super) fn readyz(checkup: &impl Checkup) -> Answer {
    let readiness = checkup.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer::json(status, &readiness)
}

pub(super) fn metrics(registry: &Registry) -> Answer {
    let mut body = String::with_capacity(16 * 1024);
    match text::encode(&mut body, registry) {
        Ok(()) => answer::answer(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", body),
        Err(_) => answer::error(StatusCode::INTERNAL_SERVER_ERROR, "the metrics can't be written"),
    }
}
