//! Notifications go out: one file for each kind of receiver, the message that they share, and the dispatcher. A receiver knows its
//! settings and the HTTP client; it knows no source, no ledger, no rule.

mod common;
mod console;
pub mod dispatcher;
mod draft;
mod email;
mod http;
mod links;
mod message;
mod own_secrets;
mod payload;
mod slack;
#[cfg(test)]
mod test_hostile;
#[cfg(test)]
mod test_incidents;
#[cfg(test)]
mod test_support;
mod webhook;

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;

use self::common::Common;
use crate::config::{ReceiverKind, ReceiverSettings};
use crate::engine::{Attempted, Delivery, Notification, Outcome};
use crate::net::NetError;
use crate::net::permit::Issuer;
use crate::net::signature::SecretError;

pub(crate) use message::{Budget, Line, List, Message, Span, Tone, plain};

/// A receiver, ready to send.
pub struct Receiver {
    inner: Inner,
}

enum Inner {
    Slack(slack::Slack),
    Email(Box<email::Email>),
    Webhook(Box<webhook::Webhook>),
    Console(console::Console),
}

/// Why a receiver can't be built from valid settings. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The HTTP client can't be built.
    #[error(transparent)]
    Http(#[from] NetError),
    /// A signing secret can't be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The URL can't be read.
    #[error("failed to read the URL: {0}")]
    Url(String),
    /// The token holds characters that no HTTP header takes.
    #[error("failed to use the token: it holds characters that no HTTP header takes, perhaps a line break")]
    Token,
    /// TLS for SMTP can't be set up.
    #[error("failed to set up TLS for SMTP: {0}")]
    Tls(String),
}

impl Receiver {
    /// Builds the receiver `name`. `issuer` makes the links to the pages of incidents, where there are such pages.
    ///
    /// # Errors
    /// When a certificate can't be read, a secret or token can't be used, or TLS can't be set up.
    pub fn build(name: &str, settings: &ReceiverSettings, issuer: Option<&Issuer>) -> Result<Self, BuildError> {
        let common = &Common::of(name, settings, issuer);
        let inner = match &settings.kind {
            ReceiverKind::Slack(slack) => Inner::Slack(slack::Slack::build(slack, common)?),
            ReceiverKind::Email(email) => Inner::Email(Box::new(email::Email::build(email, common)?)),
            ReceiverKind::Webhook(webhook) => Inner::Webhook(Box::new(webhook::Webhook::build(webhook, common)?)),
            ReceiverKind::Console(console) => Inner::Console(console::Console::stdout(*console, common)),
        };
        Ok(Self { inner })
    }

    /// Makes one attempt: at most one message arrives, and it takes no longer than the receiver's timeout. `now` is when.
    pub async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        match &self.inner {
            Inner::Slack(slack) => slack.send(delivery, now).await,
            Inner::Email(email) => email.send(delivery).await,
            Inner::Webhook(webhook) => webhook.send(delivery, now).await,
            Inner::Console(console) => console.send(delivery).await,
        }
    }
}

impl dispatcher::Carrier for Receiver {
    async fn carry(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        self.send(delivery, now).await
    }
}

/// The card as text, as the console shows it.
#[must_use]
pub fn render_text(notification: &Notification, colour: bool) -> String {
    console::card(&message::Message::new(notification, message::Budget::FULL), colour)
}

/// What the dispatcher needs of the ledger.
pub trait Outbox: Clone + Send + Sync + 'static {
    /// The deliveries of `receiver` that are due, oldest first, at most `limit`, without those in `skip` (they are in flight).
    ///
    /// # Errors
    /// When the ledger can't be read; the dispatcher asks again.
    fn due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: usize,
        skip: &[i64],
    ) -> impl Future<Output = Result<Due, OutboxError>> + Send;

    /// Records what came of an attempt, and what follows from it, before it returns.
    ///
    /// # Errors
    /// When it could not be committed; the dispatcher keeps the outcome and records it again, and does not send meanwhile.
    fn record(&self, attempt: Attempted) -> impl Future<Output = Result<(), OutboxError>> + Send;

    /// Woken when something became due for `receiver`. Only a hint to be faster.
    fn wakeup(&self, receiver: &str) -> Arc<Notify>;
}

/// What is due.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// The deliveries to send now.
    pub deliveries: Vec<Delivery>,
    /// When the next one after these is due; `None` when nothing waits.
    pub next: Option<Timestamp>,
}

/// The ledger could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger does not answer: {reason}")]
pub struct OutboxError {
    /// What the ledger says.
    pub reason: String,
}
