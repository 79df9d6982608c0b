//! The settings of each kind of receiver.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// One `[receivers.NAME]`. What the engine decides by (workspaces, fallback, `give_up_after`) is in the policy.
#[derive(Debug, Clone)]
pub struct ReceiverSettings {
    /// Its kind and the settings of that kind.
    pub kind: ReceiverKind,
    /// Total deadline of one attempt. Default 15 s.
    pub timeout: Duration,
    /// The least time between two messages. Default: what the kind asks for, 1 s for a Slack webhook, else none.
    pub pace: Duration,
    /// The most attempts in flight at once. Default: what the kind asks for, 1 for Slack, 32 for a webhook.
    pub parallel: usize,
}

impl ReceiverSettings {
    /// The addresses of a receiver that has several. Empty for a receiver that is one address.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        match &self.kind {
            ReceiverKind::Email(email) => email.to.iter().map(|mailbox| mailbox.email.to_string()).collect(),
            ReceiverKind::Slack(_) | ReceiverKind::Webhook(_) | ReceiverKind::Console(_) => Vec::new(),
        }
    }
}

/// The kinds of receivers.
#[derive(Debug, Clone)]
pub enum ReceiverKind {
    /// A Slack incoming webhook.
    Slack(SlackReceiver),
    /// SMTP.
    Email(Box<EmailReceiver>),
    /// Any HTTP endpoint, signed by Standard Webhooks 1.0.
    Webhook(Box<WebhookReceiver>),
    /// Standard output.
    Console(ConsoleReceiver),
}

/// `type = "slack"`
#[derive(Debug, Clone)]
pub struct SlackReceiver {
    /// The incoming webhook's URL: a secret as a whole. Already parsed once: it is https, or http on loopback.
    pub webhook_url: SecretString,
    /// A certificate authority to trust besides the system's, PEM.
    pub ca_file: Option<std::path::PathBuf>,
}

/// `type = "email"`
#[derive(Debug, Clone)]
pub struct EmailReceiver {
    /// The server.
    pub server: SmtpServer,
    /// The sender, such as `firstred <firstred@example.com>`. Display names are checked to hold no control characters.
    pub from: lettre::message::Mailbox,
    /// Whom; each is told in a delivery attempt of its own. Never empty.
    pub to: Vec<lettre::message::Mailbox>,
}

/// An SMTP server.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Host name, also what the certificate must say.
    pub host: String,
    /// Port. Default 465 for implicit TLS, 587 for STARTTLS, 25 for none.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User and password for AUTH. Never sent in clear text: refused with `SmtpSecurity::None` off loopback.
    pub credentials: Option<(String, SecretString)>,
    /// A certificate authority to trust besides the system's, PEM.
    pub ca_file: Option<std::path::PathBuf>,
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// `smtps://`
    Implicit,
    /// `smtp://` (required, never opportunistic).
    StartTls,
    /// `smtp://…?tls=none`: only for a relay on loopback or a trusted network.
    None,
}

/// `type = "webhook"`
#[derive(Clone)]
pub struct WebhookReceiver {
    /// Where to POST. For many services the URL is the secret: `Debug` shows its origin only.
    pub url: Url,
    /// Standard Webhooks secrets (`whsec_…`); all of them sign, for rotation. May be empty: unsigned.
    pub secrets: Vec<SecretString>,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<SecretString>,
    /// A certificate authority to trust besides the system's, PEM.
    pub ca_file: Option<std::path::PathBuf>,
}

impl fmt::Debug for WebhookReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookReceiver")
            .field("url", &self.url.origin().ascii_serialization())
            .field("secrets", &self.secrets)
            .field("token", &self.token)
            .field("ca_file", &self.ca_file)
            .finish()
    }
}

/// `type = "console"`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleReceiver {
    /// One JSON object a line instead of text for people.
    pub json: bool,
}
