//! One thing to say, and its way to one receiver.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::incident::{IncidentNote, Summary};
use super::{DailyNote, Severity};
use crate::run::RunKey;
use crate::triage::Card;

/// The stable identity of a notification: derived from facts, so that a repeat after a crash carries the same id.
/// `n_` and 32 hex digits: safe in a header, in a URL and in a Message-ID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationId(String);

impl NotificationId {
    /// The id of what `rule` has said about the `failure`-th failed attempt of a run. `hold` tells the holds of one attempt
    /// apart; it is empty for a failure.
    #[must_use]
    pub fn of_run(key: &RunKey, failure: u32, kind: Kind, rule: &str, hold: &str) -> Self {
        Self::of_parts(&[&key.workspace, &key.workflow, &key.run, &failure.to_string(), kind.as_str(), rule, hold])
    }

    /// The id made of `parts`. Length-prefixed, so that ("a|b", "c") and ("a", "b|c") differ.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let mut id = String::with_capacity(34);
        id.push_str("n_");
        for byte in &digest[..16] {
            id.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            id.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        Self(id)
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is being said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A run failed.
    Failed,
    /// The hold ended and the engine is still retrying.
    StillRetrying,
    /// The engine has forgotten a run that it was retrying: how it ended cannot be known.
    Vanished,
    /// firstred itself cannot see or cannot send.
    Trouble,
    /// `test-receiver` asked for it.
    Test,
    /// Something that is expected did not happen.
    Missed,
    /// The same service fails several workflows.
    ProviderTrouble,
    /// More failures of a problem that was told.
    Updated,
    /// Nothing new, and not over: a reminder.
    StillOpen,
    /// It was over, and failed again soon.
    Reopened,
    /// Nobody acknowledged for too long.
    Escalated,
    /// Somebody knows: for receivers that show how a problem stands.
    Acknowledged,
    /// It is over.
    Resolved,
    /// Several problems in one message, with exact counts: after a storm, quiet hours, a silence.
    Summary,
    /// The line of the day: what was seen and told, and whether firstred is well.
    Daily,
}

impl Kind {
    /// The word in ids, in the ledger and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::StillRetrying => "still-retrying",
            Self::Vanished => "vanished",
            Self::Trouble => "trouble",
            Self::Test => "test",
            Self::Missed => "missed",
            Self::ProviderTrouble => "provider-trouble",
            Self::Updated => "updated",
            Self::StillOpen => "still-open",
            Self::Reopened => "reopened",
            Self::Escalated => "escalated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Summary => "summary",
            Self::Daily => "daily",
        }
    }
}

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its identity.
    pub id: NotificationId,
    /// What is being said.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// The rule that wants it told; absent for the defaults and for firstred's own troubles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rule's runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What it is about.
    pub subject: Subject,
    /// How the problem stands; absent for what is no incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Box<IncidentNote>>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerNote>,
}

/// Whose something is, as a message says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerNote {
    /// Who.
    pub name: String,
    /// What calls them, as the receiver writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mention: Option<String>,
}

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// A run.
    Run(Box<Card>),
    /// firstred itself.
    Own(OwnTrouble),
    /// Several incidents.
    Summary(Box<Summary>),
    /// A day.
    Daily(Box<DailyNote>),
}

/// Something that keeps firstred from seeing or from sending, said on another path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnTrouble {
    /// What is broken, named as the configuration names it: `receiver oncall`, `source prod`, `configuration`.
    pub what: String,
    /// One sentence: what happens.
    pub summary: String,
    /// What was answered, or the error. Redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The one next action.
    pub advice: String,
    /// Since when.
    pub since: Timestamp,
}

/// One notification to one receiver: the unit that is sent, retried and proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The ledger's number.
    pub id: i64,
    /// The receiver, as the configuration names it.
    pub receiver: String,
    /// Which of the receiver's addresses, where it has several (the recipients of a mail): each is a delivery of its own, so that
    /// one that is refused or put off is retried, given up and proven for itself. Absent for a receiver that is one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How many attempts were made before this one.
    pub attempts: u32,
    /// When it was first due.
    pub created_at: Timestamp,
    /// Where the message about the same incident stands at this address, as the receiver said when it posted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// What to say.
    pub notification: Notification,
}

impl Delivery {
    /// The key that receivers which drop repeats are given: the same on every attempt. Holds no `.`
    /// (Standard Webhooks 1.0 forbids it in `webhook-id`).
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        let parts = [self.notification.id.as_str(), &self.receiver];
        let parts: Vec<&str> = parts.into_iter().chain(self.address.as_deref()).collect();
        NotificationId::of_parts(&parts).0.replacen("n_", "d_", 1)
    }
}
