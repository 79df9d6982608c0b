//! The settings of receivers: what all share here, one file for each kind.

mod alertmanager;
mod console;
mod discord;
mod email;
mod exec;
mod goalert;
mod incidentio;
mod mattermost;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod rocketchat;
mod slack;
mod teams;
mod telegram;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

pub use alertmanager::{AlertmanagerAuth, AlertmanagerReceiver};
pub use console::ConsoleReceiver;
pub use discord::DiscordReceiver;
pub use email::{EmailReceiver, SmtpSecurity, SmtpServer};
pub use exec::ExecReceiver;
pub use goalert::GoalertReceiver;
pub use incidentio::IncidentioReceiver;
pub use mattermost::MattermostReceiver;
pub use ntfy::{NtfyLogin, NtfyReceiver};
pub use opsgenie::OpsgenieReceiver;
pub use pagerduty::PagerdutyReceiver;
pub use rocketchat::RocketChatReceiver;
pub use slack::{SlackBot, SlackReceiver};
pub use teams::TeamsReceiver;
pub use telegram::TelegramReceiver;
pub use webhook::WebhookReceiver;

use super::{TemplateSettings, Way};
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
    /// The least time between two messages. Default: what the kind asks for, 1 s for those that limit how often they are called.
    pub pace: Duration,
    /// The most attempts in flight at once. Default: what the kind asks for, 1 for Slack, 32 for a webhook, 4 for
    /// most others.
    pub parallel: usize,
    /// What writes parts of its messages.
    pub template: Option<Arc<TemplateSettings>>,
}

impl ReceiverSettings {
    /// The addresses of a receiver that has several. Empty for a receiver that is one address.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        match &self.kind {
            ReceiverKind::Email(email) => email.to.iter().map(|mailbox| mailbox.email.to_string()).collect(),
            ReceiverKind::Alertmanager(cluster) if cluster.urls.len() > 1 => {
                cluster.instances().into_iter().map(|(address, _)| address).collect()
            }
            ReceiverKind::Slack(_)
            | ReceiverKind::Webhook(_)
            | ReceiverKind::Console(_)
            | ReceiverKind::Teams(_)
            | ReceiverKind::Discord(_)
            | ReceiverKind::Telegram(_)
            | ReceiverKind::Mattermost(_)
            | ReceiverKind::RocketChat(_)
            | ReceiverKind::Ntfy(_)
            | ReceiverKind::Exec(_)
            | ReceiverKind::Pagerduty(_)
            | ReceiverKind::Opsgenie(_)
            | ReceiverKind::Alertmanager(_)
            | ReceiverKind::Goalert(_)
            | ReceiverKind::Incidentio(_) => Vec::new(),
        }
    }

    /// How it keeps what it is told of one incident.
    #[must_use]
    pub fn manner(&self) -> Manner {
        match &self.kind {
            ReceiverKind::Slack(SlackReceiver::Bot(_)) | ReceiverKind::Discord(_) | ReceiverKind::Telegram(_) => {
                Manner::Edits
            }
            ReceiverKind::Slack(SlackReceiver::Webhook(_))
            | ReceiverKind::Email(_)
            | ReceiverKind::Teams(_)
            | ReceiverKind::Mattermost(_)
            | ReceiverKind::RocketChat(_)
            | ReceiverKind::Ntfy(_)
            | ReceiverKind::Console(_) => Manner::Posts,
            ReceiverKind::Webhook(_)
            | ReceiverKind::Exec(_)
            | ReceiverKind::Pagerduty(_)
            | ReceiverKind::Opsgenie(_)
            | ReceiverKind::Alertmanager(_)
            | ReceiverKind::Goalert(_)
            | ReceiverKind::Incidentio(_) => Manner::Alert,
        }
    }
}

impl ReceiverKind {
    /// Its `type` in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
            Self::Console(_) => "console",
            Self::Teams(_) => "teams",
            Self::Discord(_) => "discord",
            Self::Telegram(_) => "telegram",
            Self::Mattermost(_) => "mattermost",
            Self::RocketChat(_) => "rocketchat",
            Self::Ntfy(_) => "ntfy",
            Self::Exec(_) => "exec",
            Self::Pagerduty(_) => "pagerduty",
            Self::Opsgenie(_) => "opsgenie",
            Self::Alertmanager(_) => "alertmanager",
            Self::Goalert(_) => "goalert",
            Self::Incidentio(_) => "incidentio",
        }
    }

    /// Whether people read its messages as they are. Machines get the payload, which no template changes.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        match self {
            Self::Slack(_)
            | Self::Email(_)
            | Self::Teams(_)
            | Self::Discord(_)
            | Self::Telegram(_)
            | Self::Mattermost(_)
            | Self::RocketChat(_)
            | Self::Ntfy(_)
            | Self::Pagerduty(_)
            | Self::Opsgenie(_)
            | Self::Alertmanager(_)
            | Self::Goalert(_)
            | Self::Incidentio(_) => true,
            Self::Console(console) => !console.json,
            Self::Webhook(_) | Self::Exec(_) => false,
        }
    }
}

/// The kinds of receivers.
#[derive(Debug, Clone)]
pub enum ReceiverKind {
    /// A Slack channel, by an incoming webhook or by an app.
    Slack(SlackReceiver),
    /// SMTP.
    Email(Box<EmailReceiver>),
    /// Any HTTP endpoint, signed by Standard Webhooks 1.0.
    Webhook(Box<WebhookReceiver>),
    /// A Microsoft Teams Workflows webhook.
    Teams(TeamsReceiver),
    /// A Discord webhook.
    Discord(DiscordReceiver),
    /// A Telegram bot.
    Telegram(Box<TelegramReceiver>),
    /// A Mattermost incoming webhook.
    Mattermost(MattermostReceiver),
    /// A Rocket.Chat incoming webhook.
    RocketChat(RocketChatReceiver),
    /// An ntfy topic.
    Ntfy(Box<NtfyReceiver>),
    /// A local program.
    Exec(ExecReceiver),
    /// Standard output.
    Console(ConsoleReceiver),
    /// `PagerDuty` by Events API v2.
    Pagerduty(PagerdutyReceiver),
    /// Opsgenie, or the alerts of Jira Service Management.
    Opsgenie(OpsgenieReceiver),
    /// Prometheus Alertmanager.
    Alertmanager(AlertmanagerReceiver),
    /// `GoAlert` by its generic API.
    Goalert(GoalertReceiver),
    /// incident.io by its HTTP alert source.
    Incidentio(IncidentioReceiver),
}
