//! Notifications go out: one file for each kind of receiver, the message that they share, and the dispatcher. A receiver knows its
//! settings and the HTTP client; it knows no source, no ledger, no rule.

mod alert;
mod alertmanager;
mod common;
mod console;
mod desk;
mod discord;
pub mod dispatcher;
mod draft;
mod email;
mod exec;
mod fence;
mod form;
mod goalert;
mod heard;
mod http;
mod incidentio;
mod mattermost;
mod message;
mod ntfy;
mod opsgenie;
mod own_secrets;
mod pagerduty;
mod payload;
mod rocketchat;
mod samples;
mod slack;
mod teams;
mod telegram;
mod template;
#[cfg(test)]
mod test_hostile;
#[cfg(test)]
mod test_oncall;
#[cfg(test)]
mod test_support;
mod webhook;

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;
use url::Url;

pub use desk::{Action, Desk, Doing, Done, NotDone, Person, Problem};
pub use slack::{Lobby, Reply};

use self::common::Common;
use self::template::Template;
pub use self::template::{Tried as TemplateTried, check as check_template, try_out as try_template};
use crate::config::{ReceiverKind, ReceiverSettings};
use crate::engine::{Attempted, DailyNote, Delivery, Notification, Outcome};
use crate::metrics::Metrics;
use crate::net::NetError;
use crate::net::signature::SecretError;

/// A receiver, ready to send.
pub struct Receiver {
    inner: Inner,
    template: Option<Arc<Template>>,
}

enum Inner {
    Slack(slack::Slack),
    Email(Box<email::Email>),
    Webhook(Box<webhook::Webhook>),
    Teams(Box<teams::Teams>),
    Discord(Box<discord::Discord>),
    Telegram(Box<telegram::Telegram>),
    Mattermost(Box<mattermost::Mattermost>),
    RocketChat(Box<rocketchat::RocketChat>),
    Ntfy(Box<ntfy::Ntfy>),
    Exec(exec::Exec),
    Console(console::Console),
    Pagerduty(Box<pagerduty::Pagerduty>),
    Opsgenie(Box<opsgenie::Opsgenie>),
    Alertmanager(Box<alertmanager::Alertmanager>),
    Goalert(Box<goalert::Goalert>),
    Incidentio(Box<incidentio::Incidentio>),
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
    /// A template can't be read.
    #[error("failed to read the template {name:?} at {block}: {reason}; `firstred check` shows where")]
    Template {
        /// Its name.
        name: String,
        /// The block.
        block: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// TLS for SMTP can't be set up.
    #[error("failed to set up TLS for SMTP: {0}")]
    Tls(String),
}

impl Receiver {
    /// Builds the receiver `name`. `public_url` is how people reach this daemon.
    ///
    /// # Errors
    /// When a certificate can't be read, a secret or token can't be used, or TLS can't be set up.
    pub fn build(name: &str, settings: &ReceiverSettings, public_url: Option<&Url>) -> Result<Self, BuildError> {
        // The link "why this message" needs both; it waits for the page that it leads to.
        let _ = (name, public_url);
        let mut common = Common::of(settings);
        common.composer.template = settings.template.as_deref().map(Template::build).transpose()?;
        let template = common.composer.template.clone();
        let common = &common;
        let inner = match &settings.kind {
            ReceiverKind::Slack(slack) => Inner::Slack(slack::Slack::build(name, slack, common)?),
            ReceiverKind::Email(email) => Inner::Email(Box::new(email::Email::build(email, common)?)),
            ReceiverKind::Webhook(webhook) => Inner::Webhook(Box::new(webhook::Webhook::build(webhook, common)?)),
            ReceiverKind::Teams(teams) => Inner::Teams(Box::new(teams::Teams::build(teams, common)?)),
            ReceiverKind::Discord(discord) => Inner::Discord(Box::new(discord::Discord::build(discord, common)?)),
            ReceiverKind::Telegram(telegram) => Inner::Telegram(Box::new(telegram::Telegram::build(telegram, common)?)),
            ReceiverKind::Mattermost(hook) => Inner::Mattermost(Box::new(mattermost::Mattermost::build(hook, common)?)),
            ReceiverKind::RocketChat(hook) => Inner::RocketChat(Box::new(rocketchat::RocketChat::build(hook, common)?)),
            ReceiverKind::Ntfy(ntfy) => Inner::Ntfy(Box::new(ntfy::Ntfy::build(ntfy, common)?)),
            ReceiverKind::Exec(exec) => Inner::Exec(exec::Exec::new(exec, common)),
            ReceiverKind::Console(console) => Inner::Console(console::Console::stdout(*console, common)),
            ReceiverKind::Pagerduty(settings) => {
                Inner::Pagerduty(Box::new(pagerduty::Pagerduty::build(settings, common)?))
            }
            ReceiverKind::Opsgenie(settings) => Inner::Opsgenie(Box::new(opsgenie::Opsgenie::build(settings, common)?)),
            ReceiverKind::Alertmanager(settings) => {
                Inner::Alertmanager(Box::new(alertmanager::Alertmanager::build(settings, common)?))
            }
            ReceiverKind::Goalert(settings) => Inner::Goalert(Box::new(goalert::Goalert::build(settings, common)?)),
            ReceiverKind::Incidentio(settings) => {
                Inner::Incidentio(Box::new(incidentio::Incidentio::build(settings, common)?))
            }
        };
        Ok(Self { inner, template })
    }

    /// Counts in `metrics` what its template fails.
    pub fn count_in(&self, metrics: &Metrics) {
        if let Some(template) = &self.template {
            template.count_in(metrics);
        }
    }

    /// The ways in for what people do about what these receivers told them.
    pub fn lobbies<'a>(receivers: impl Iterator<Item = &'a Self>) -> Vec<Arc<Lobby>> {
        Lobby::of(receivers.filter_map(|receiver| match &receiver.inner {
            Inner::Slack(slack) => slack.bot(),
            Inner::Email(_)
            | Inner::Webhook(_)
            | Inner::Console(_)
            | Inner::Pagerduty(_)
            | Inner::Opsgenie(_)
            | Inner::Alertmanager(_)
            | Inner::Goalert(_)
            | Inner::Incidentio(_)
            | Inner::Teams(_)
            | Inner::Discord(_)
            | Inner::Telegram(_)
            | Inner::Mattermost(_)
            | Inner::RocketChat(_)
            | Inner::Ntfy(_)
            | Inner::Exec(_) => None,
        }))
    }

    /// Makes one attempt: at most one message arrives, and it takes no longer than the receiver's timeout. `now` is when.
    pub async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        match &self.inner {
            Inner::Slack(slack) => slack.send(delivery, now).await,
            Inner::Email(email) => email.send(delivery).await,
            Inner::Webhook(webhook) => webhook.send(delivery, now).await,
            Inner::Teams(teams) => teams.send(delivery, now).await,
            Inner::Discord(discord) => discord.send(delivery, now).await,
            Inner::Telegram(telegram) => telegram.send(delivery, now).await,
            Inner::Mattermost(mattermost) => mattermost.send(delivery, now).await,
            Inner::RocketChat(rocketchat) => rocketchat.send(delivery, now).await,
            Inner::Ntfy(ntfy) => ntfy.send(delivery, now).await,
            Inner::Exec(exec) => exec.send(delivery).await,
            Inner::Console(console) => console.send(delivery).await,
            Inner::Pagerduty(pagerduty) => pagerduty.send(delivery, now).await,
            Inner::Opsgenie(opsgenie) => opsgenie.send(delivery, now).await,
            Inner::Alertmanager(alertmanager) => alertmanager.send(delivery, now).await,
            Inner::Goalert(goalert) => goalert.send(delivery, now).await,
            Inner::Incidentio(incidentio) => incidentio.send(delivery, now).await,
        }
    }
}

impl Receiver {
    /// Everything that [`Receiver::send`] may send of `delivery`, by the name of its form, as it goes out: without addresses, headers of
    /// HTTP and signatures. Sends nothing.
    #[must_use]
    pub fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        match &self.inner {
            Inner::Slack(slack) => slack.render_all(delivery),
            Inner::Email(email) => email.render_all(delivery),
            Inner::Webhook(_) => vec![("payload", payload::json(&delivery.notification).into_bytes())],
            Inner::Console(console) => console.render_all(delivery),
            Inner::Pagerduty(pagerduty) => pagerduty.render_all(delivery),
            Inner::Opsgenie(opsgenie) => opsgenie.render_all(delivery),
            Inner::Alertmanager(alertmanager) => alertmanager.render_all(delivery),
            Inner::Goalert(goalert) => goalert.render_all(delivery),
            Inner::Incidentio(incidentio) => incidentio.render_all(delivery),
            Inner::Teams(teams) => teams.render_all(delivery),
            Inner::Discord(discord) => discord.render_all(delivery),
            Inner::Telegram(telegram) => telegram.render_all(delivery),
            Inner::Mattermost(mattermost) => mattermost.render_all(delivery),
            Inner::RocketChat(rocketchat) => rocketchat.render_all(delivery),
            Inner::Ntfy(ntfy) => ntfy.render_all(delivery),
            Inner::Exec(exec) => exec.render_all(delivery),
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

/// The line of the day in one sentence, as the log shows it.
#[must_use]
pub fn daily_line(note: &DailyNote) -> String {
    message::daily_sentence(note)
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
