//! The configuration as the daemon uses it: checked, resolved, with every default filled in. Raw TOML never leaves `config`.

mod daily;
mod heartbeat;
mod receiver;
mod source;
mod template;
mod test_case;
mod way;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use daily::Daily;
pub use heartbeat::Heartbeat;
pub use receiver::{
    AlertmanagerAuth, AlertmanagerReceiver, ConsoleReceiver, DiscordReceiver, EmailReceiver, ExecReceiver,
    GoalertReceiver, IncidentioReceiver, MattermostReceiver, NtfyLogin, NtfyReceiver, OpsgenieReceiver,
    PagerdutyReceiver, ReceiverKind, ReceiverSettings, RocketChatReceiver, SlackBot, SlackReceiver, SmtpSecurity,
    SmtpServer, TeamsReceiver, TelegramReceiver, WebhookReceiver,
};
pub use source::{
    AirflowAuth, AirflowSource, DagsterSource, Detail, GitHubSource, HttpSource, N8nSource, Pagination, Polling,
    PrefectAuth, PrefectSource, PushFormat, SourceKind, SourceSettings, WebhookAuth, WebhookSource,
};

pub use template::{Block, TemplateCheck, TemplateMistake, TemplateSettings};
pub use test_case::{TestCase, Wanted};
pub use way::Way;

use crate::engine::Policy;
use crate::triage::Classes;

/// A whole, valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: ServerSettings,
    /// `[ledger]`
    pub ledger: LedgerSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[sources.NAME]`
    pub sources: BTreeMap<String, SourceSettings>,
    /// `[receivers.NAME]`
    pub receivers: BTreeMap<String, ReceiverSettings>,
    /// `[templates.NAME]`
    pub templates: BTreeMap<String, Arc<TemplateSettings>>,
    /// `[[rules]]`, `[defaults]` and what of receivers and sources the engine decides by.
    pub policy: Arc<Policy>,
    /// `[classes]`: the user's overrides of the class by code.
    pub classes: Arc<Classes>,
    /// Every secret in it, for who looks for one where none must be.
    pub secrets: Vec<SecretString>,
    /// `[heartbeat]`
    pub heartbeat: Option<Heartbeat>,
    /// `[daily]`; without it the line is only logged.
    pub daily: Daily,
    /// `[[test]]`, for `firstred check`.
    pub tests: Vec<TestCase>,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where to listen. Default `127.0.0.1:8686`.
    pub listen: SocketAddr,
    /// What opens the API beside the daemon's own token: any of these. None by default.
    pub api_token: Vec<SecretString>,
    /// How people reach this daemon. Reserved for links to the triage page: nothing uses it yet.
    pub public_url: Option<Url>,
    /// The largest request body on the wire, in bytes. Default 1 MiB; what gzip unpacks may be four times that.
    pub max_body: usize,
    /// The most connections at once. Default 512.
    pub max_connections: usize,
    /// The most observations waiting for the ledger before ingest answers 429. Default 10,000.
    pub queue: usize,
}

/// `[ledger]`
#[derive(Debug, Clone)]
pub struct LedgerSettings {
    /// The `SQLite` file. Default `firstred.db`.
    pub path: PathBuf,
    /// How long ended runs and their deliveries are kept. Default 30 days.
    pub retention: Duration,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// `text` or `json`. Default `text`.
    pub json: bool,
    /// A `tracing` filter such as `info` or `firstred=debug`. Default `info`.
    pub filter: String,
}
