//! Each receiver as it stands: when it last took something, what waits for it, what it refuses, and what is set. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::engine::{About, Manner, Policy};
use crate::ledger::{FailingReceiver, Refusals, Trouble};

/// One receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverView {
    /// Its name.
    pub receiver: String,
    /// What it is: `slack`.
    pub kind: &'static str,
    /// It takes what it is sent, as far as is known.
    pub ok: bool,
    /// When it last took something; absent: never, as far as the ledger goes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Timestamp>,
    /// How many deliveries wait for it.
    pub waiting: u64,
    /// When the oldest of them became due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_waiting: Option<Timestamp>,
    /// Since when it does not answer as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// How many deliveries it refused for good since it last took one.
    pub refused: u32,
    /// Attempts that did not arrive, by word, the most frequent first; as far as the ledger goes back.
    pub refusals: Vec<RefusalView>,
    /// What is open about it.
    pub troubles: Vec<TroubleView>,
    /// What it can do.
    pub can: Can,
    /// How many addresses it tells, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<usize>,
    /// The tenants that it may be told of; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<BTreeSet<String>>,
    /// Who gets what it refuses, or what is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The schedule of its quiet hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
    /// Its limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetView>,
}

/// Attempts that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    /// Why, in a word of a fixed list.
    pub word: String,
    /// How often.
    pub count: u64,
    /// When it last happened.
    pub last_at: Timestamp,
}

/// An open trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TroubleView {
    /// Which address, where there are several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// What happens.
    pub summary: String,
    /// Since when.
    pub since: Timestamp,
    /// How often it was met.
    pub count: u64,
}

/// What a receiver can do with a problem that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Can {
    /// It edits its message as the problem changes.
    pub edit: bool,
    /// It shows that somebody acknowledged a problem, and that it is over, on the message or alert that it has.
    pub follow: bool,
}

/// At most so many messages in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetView {
    /// How many.
    pub messages: u32,
    /// In so many seconds.
    pub within_seconds: i64,
}

/// What the ledger knows of receivers.
#[derive(Debug, Default)]
pub struct OfLedger {
    /// When each last took something.
    pub last_good: BTreeMap<String, Timestamp>,
    /// What waits.
    pub waiting: Vec<(String, u64, Option<Timestamp>)>,
    /// What fails.
    pub failing: Vec<FailingReceiver>,
    /// What they refused.
    pub refusals: Vec<Refusals>,
    /// What is open.
    pub troubles: Vec<Trouble>,
}

/// The receivers of the configuration.
#[must_use]
pub fn receivers(now: Timestamp, policy: &Policy, known: &OfLedger) -> Vec<ReceiverView> {
    policy.receivers.keys().filter_map(|name| of(now, policy, known, name)).collect()
}

fn of(now: Timestamp, policy: &Policy, known: &OfLedger, name: &str) -> Option<ReceiverView> {
    let audience = policy.receivers.get(name)?;
    let waiting = known.waiting.iter().find(|(receiver, _, _)| receiver == name);
    let failing = || known.failing.iter().filter(|entry| entry.receiver == name).map(|entry| entry.failing);
    let what = About::Receiver(name).what();
    let (edit, alert) = (audience.manner == Manner::Edits, audience.manner == Manner::Alert);
    let seconds = |within: SignedDuration| within.as_secs();
    Some(ReceiverView {
        receiver: name.to_owned(),
        kind: audience.kind,
        ok: !failing().any(|failing| failing.is_unreachable(now) || failing.is_refusing()),
        last_good: known.last_good.get(name).copied(),
        waiting: waiting.map_or(0, |(_, count, _)| *count),
        oldest_waiting: waiting.and_then(|(_, _, oldest)| *oldest),
        failing_since: failing().filter_map(|failing| failing.since).min(),
        refused: failing().map(|failing| failing.refused).sum(),
        refusals: known
            .refusals
            .iter()
            .filter(|refusal| refusal.receiver == name)
            .map(|refusal| RefusalView { word: refusal.word.clone(), count: refusal.count, last_at: refusal.last_at })
            .collect(),
        troubles: known
            .troubles
            .iter()
            .filter(|trouble| trouble.what == what)
            .map(|trouble| TroubleView {
                address: trouble.address.clone(),
                summary: trouble.summary.clone(),
                since: trouble.since,
                count: trouble.count,
            })
            .collect(),
        can: Can { edit, follow: edit || alert },
        addresses: (!audience.addresses.is_empty()).then_some(audience.addresses.len()),
        workspaces: audience.workspaces.clone(),
        fallback: audience.fallback.clone(),
        quiet: audience.quiet.clone(),
        budget: audience
            .budget
            .map(|budget| BudgetView { messages: budget.messages, within_seconds: seconds(budget.within) }),
    })
}
