//! What Prometheus is told: one explicit registry, no globals. Every room of the shell counts here and nowhere else.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// A label set of one source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceLabel {
    /// The source's name.
    pub source: String,
}

/// A label set of one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReceiverLabel {
    /// The receiver's name.
    pub receiver: String,
}

/// A label set of one receiver and what came of an attempt: `delivered`, `plain` (the rich form was refused), `failed` (tried again),
/// `unknown` (perhaps delivered, tried again), `refused` (for good). `given_up` counts deliveries whose time was over, beside their attempts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabel {
    /// The receiver's name.
    pub receiver: String,
    /// What came of it.
    pub outcome: &'static str,
}

/// A label set of one receiver and why attempts did not arrive: a word of the fixed list of `engine::Outcome::word`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusalLabel {
    /// The receiver's name.
    pub receiver: String,
    /// Why.
    pub word: &'static str,
}

/// A label set of one source and what came of a poll or a request: `ok`, `failed`, `refused`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PollLabel {
    /// The source's name.
    pub source: String,
    /// What came of it.
    pub outcome: &'static str,
}

/// A label set of one template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TemplateLabel {
    /// The template's name.
    pub template: String,
}

/// A gauge of seconds.
pub type Seconds = Gauge<f64, AtomicU64>;

/// All metrics.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Runs that were committed to the ledger.
    pub runs: Family<SourceLabel, Counter>,
    /// Runs that were refused at ingest.
    pub refused_runs: Family<SourceLabel, Counter>,
    /// Polls.
    pub polls: Family<PollLabel, Counter>,
    /// Unix time of the last poll that read everything it wanted to.
    pub source_last_success: Family<SourceLabel, Seconds>,
    /// Runs that were open when last seen and that the engine has forgotten.
    pub forgotten_runs: Family<SourceLabel, Counter>,
    /// Failed runs that polling had missed, found by counting and read again.
    pub recalled_runs: Family<SourceLabel, Counter>,
    /// Unix time of the last count of failed runs that was held against the ledger.
    pub source_last_count: Family<SourceLabel, Seconds>,
    /// Attempts to deliver.
    pub attempts: Family<AttemptLabel, Counter>,
    /// Deliveries that are due or waiting for their next attempt.
    pub deliveries_waiting: Family<ReceiverLabel, Gauge>,
    /// When the oldest undelivered notification of a receiver became due, unix time; 0 when there is none.
    pub oldest_waiting: Family<ReceiverLabel, Seconds>,
    /// When a receiver last took something, unix time; as far as the ledger goes back.
    pub receiver_last_success: Family<ReceiverLabel, Seconds>,
    /// Attempts that did not arrive, by word.
    pub receiver_refusals: Family<RefusalLabel, Counter>,
    /// When the heartbeat was last taken, unix time; 0 when it never was.
    pub heartbeat_last_success: Seconds,
    /// 1 while the running configuration is the one in the file, 0 while the file is refused.
    pub config_ok: Gauge,
    /// Reloads that were refused.
    pub config_refused: Counter,
    /// 1 while the ledger takes commits.
    pub ledger_ok: Gauge,
    /// Transactions committed.
    pub commits: Counter,
    /// Open HTTP connections.
    pub connections: Gauge,
    /// Log lines dropped because the output was blocked.
    pub dropped_log_lines: Counter,
    /// Attempts whose message a template failed, in part: that part was said as it is built in.
    pub template_failures: Family<TemplateLabel, Counter>,
    /// Secrets that were taken out of texts.
    pub redactions: Counter,
}

impl Metrics {
    /// The metrics and the registry that prints them.
    #[must_use]
    pub fn new() -> (Self, Arc<Registry>) {
        let metrics = Self::default();
        let mut registry = Registry::with_prefix("firstred");
        registry.register("runs", "Runs committed to the ledger", metrics.runs.clone());
        registry.register("refused_runs", "Runs refused at ingest", metrics.refused_runs.clone());
        registry.register("polls", "Polls of a source by outcome", metrics.polls.clone());
        registry.register(
            "source_last_success_timestamp_seconds",
            "Unix time of the last complete poll",
            metrics.source_last_success.clone(),
        );
        registry.register("forgotten_runs", "Open runs that the engine has forgotten", metrics.forgotten_runs.clone());
        registry.register(
            "recalled_runs",
            "Failed runs that polling had missed, found by counting and read again",
            metrics.recalled_runs.clone(),
        );
        registry.register(
            "source_last_count_timestamp_seconds",
            "Unix time of the last count of failed runs that was held against the ledger",
            metrics.source_last_count.clone(),
        );
        registry.register("delivery_attempts", "Attempts to deliver by outcome", metrics.attempts.clone());
        registry.register("deliveries_waiting", "Deliveries not yet proven", metrics.deliveries_waiting.clone());
        registry.register(
            "oldest_waiting_timestamp_seconds",
            "Unix time at which the oldest waiting delivery became due, 0 when there is none",
            metrics.oldest_waiting.clone(),
        );
        registry.register(
            "receiver_last_success_timestamp_seconds",
            "Unix time at which a receiver last took something",
            metrics.receiver_last_success.clone(),
        );
        registry.register(
            "receiver_refusals",
            "Attempts that a receiver refused or did not answer, by word",
            metrics.receiver_refusals.clone(),
        );
        registry.register(
            "heartbeat_last_success_timestamp_seconds",
            "Unix time at which the heartbeat was last taken, 0 when it never was",
            metrics.heartbeat_last_success.clone(),
        );
        registry.register(
            "config_ok",
            "1 while the file's configuration is the running one",
            metrics.config_ok.clone(),
        );
        registry.register("config_refused", "Reloads that were refused", metrics.config_refused.clone());
        registry.register("ledger_ok", "1 while the ledger takes commits", metrics.ledger_ok.clone());
        registry.register("ledger_commits", "Transactions committed", metrics.commits.clone());
        registry.register("connections", "Open HTTP connections", metrics.connections.clone());
        registry.register("dropped_log_lines", "Log lines dropped", metrics.dropped_log_lines.clone());
        registry.register(
            "template_failures",
            "Attempts with a part said as it is built in because the template failed",
            metrics.template_failures.clone(),
        );
        registry.register("redactions", "Secrets taken out of texts", metrics.redactions.clone());
        metrics.config_ok.set(1);
        metrics.ledger_ok.set(1);
        (metrics, Arc::new(registry))
    }
}
