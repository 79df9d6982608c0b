//! The settings of receivers: what all share here, one file for each kind.

mod console;
mod email;
mod slack;
mod webhook;

use std::time::Duration;

pub use console::ConsoleReceiver;
pub use email::{EmailReceiver, SmtpSecurity, SmtpServer};
pub use slack::SlackReceiver;
pub use webhook::WebhookReceiver;

use super::Way;
use crate::engine::Manner;

/// One `[receivers.NAME]`. What the engine decides by (workspaces, fallback, `give_up_after`) is in the policy.
#[derive(Debug, Clone)]
pub struct ReceiverSettings {
    /// Its kind and the settings of that kind.
    pub kind: ReceiverKind,
    /// How it is reached.
    pub way: Way,
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

    /// How it keeps what it is told of one incident.
    #[must_use]
    pub fn manner(&self) -> Manner {
        match &self.kind {
            ReceiverKind::Slack(_) | ReceiverKind::Email(_) | ReceiverKind::Console(_) => Manner::Posts,
            ReceiverKind::Webhook(_) => Manner::Alert,
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
