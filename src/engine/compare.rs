//! What other rules change: of every failure, when anybody first hears of it under one set of rules and under another; and how many
//! messages that takes. It knows what was said, not why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::incident::Number;
use super::replay::{Alarm, Event, Said};
use super::{Kind, NotificationId};
use crate::run::RunKey;

/// Heard later, or earlier, by less than this is heard at the same time: a daemon does not look at every second.
const SAME_TIME: SignedDuration = SignedDuration::from_secs(60);

/// What came of one replay.
#[derive(Debug, Clone, Default)]
pub struct Replayed {
    /// By run and failure: what it was, and when anybody first heard of it.
    alarms: BTreeMap<(RunKey, u32), Heard>,
    /// By incident: those that nobody has heard of yet.
    unheard: BTreeMap<Number, Vec<(RunKey, u32)>>,
    /// By receiver and rule.
    messages: BTreeMap<(String, MessageRule), u64>,
    /// Every notification, with those that it went to.
    notifications: BTreeMap<NotificationId, BTreeSet<String>>,
}

#[derive(Debug, Clone)]
struct Heard {
    alarm: Alarm,
    first: Option<Timestamp>,
    by: BTreeSet<String>,
}

/// What a message is sent for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase", tag = "for", content = "name")]
pub enum MessageRule {
    /// A rule, or an expectation.
    Named(String),
    /// `[defaults] notify`.
    Defaults,
    /// Several problems in one message.
    Summaries,
    /// A service's trouble.
    Service,
}

/// How two sets of rules differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparedRules {
    /// How many failures there were.
    pub failures: usize,
    /// How many messages, by receiver and rule.
    pub messages: Vec<Messages>,
    /// Failures that nobody hears of any more.
    pub lost: Vec<ChangedFailure>,
    /// Failures that are heard of later.
    pub later: Vec<ChangedFailure>,
    /// Failures that are heard of earlier.
    pub sooner: Vec<ChangedFailure>,
    /// Failures that somebody hears of who nobody heard of before.
    pub new: Vec<ChangedFailure>,
    /// Failures that nobody has heard of at the end, and that are still held or withheld then.
    pub pending: Vec<ChangedFailure>,
}

/// The messages of one rule to one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// To whom.
    pub receiver: String,
    /// What for.
    pub rule: MessageRule,
    /// How many under the rules in force.
    pub before: u64,
    /// How many under the other ones.
    pub after: u64,
}

/// A failure that is heard of otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFailure {
    /// Which run.
    pub run: RunKey,
    /// firstred's own count of the run's failed attempts.
    pub failure: u32,
    /// When it failed.
    pub failed_at: Timestamp,
    /// What people call the workflow.
    pub workflow: String,
    /// The first failed step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The run's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was first told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// When it would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Who was told.
    pub told: BTreeSet<String>,
    /// Who would be.
    pub tells: BTreeSet<String>,
}

impl Replayed {
    /// Takes what came of an input. What happened before `since` is only remembered.
    pub fn take(&mut self, events: Vec<Event>, since: Timestamp) {
        for event in events {
            match event {
                Event::Alarm(alarm) => self.alarm(*alarm),
                Event::Said(said) => self.said(&said, since),
            }
        }
    }

    fn alarm(&mut self, alarm: Alarm) {
        let key = (alarm.run.clone(), alarm.failure);
        for number in &alarm.incidents {
            self.unheard.entry(*number).or_default().push(key.clone());
        }
        if let Some(known) = self.alarms.get_mut(&key) {
            // It was retrying for too long, and then failed for good.
            known.alarm.incidents.extend(alarm.incidents);
            return;
        }
        self.alarms.insert(key, Heard { alarm, first: None, by: BTreeSet::new() });
    }

    fn said(&mut self, said: &Said, since: Timestamp) {
        for number in &said.covers {
            for key in self.unheard.get(number).into_iter().flatten() {
                if let Some(heard) = self.alarms.get_mut(key) {
                    heard.first.get_or_insert(said.at);
                    heard.by.extend(said.receivers.iter().cloned());
                }
            }
            self.unheard.remove(number);
        }
        if said.at < since {
            return;
        }
        let notification = &said.notification;
        let rule = match (notification.kind, &notification.rule) {
            (Kind::Summary, _) => MessageRule::Summaries,
            (_, Some(rule)) => MessageRule::Named(rule.clone()),
            (_, None) if said.covers.len() > 1 => MessageRule::Service,
            (_, None) => MessageRule::Defaults,
        };
        for receiver in &said.receivers {
            *self.messages.entry((receiver.clone(), rule.clone())).or_default() += 1;
        }
        let receivers = self.notifications.entry(notification.id.clone()).or_default();
        receivers.extend(said.receivers.iter().cloned());
    }

    /// Every notification since the time that counts.
    pub fn notifications(&self) -> impl Iterator<Item = &NotificationId> {
        self.notifications.keys()
    }
}

/// How `after` differs from `before`, for what failed since. `waits`: whether a failure is still held or withheld at the end under the
/// other rules.
#[must_use]
pub fn compare(
    before: &Replayed,
    after: &Replayed,
    since: Timestamp,
    waits: impl Fn(&RunKey, &[Number]) -> bool,
) -> ComparedRules {
    let mut comparison = ComparedRules {
        failures: 0,
        messages: messages(before, after),
        lost: Vec::new(),
        later: Vec::new(),
        sooner: Vec::new(),
        new: Vec::new(),
        pending: Vec::new(),
    };
    let keys: BTreeSet<&(RunKey, u32)> = before.alarms.keys().chain(after.alarms.keys()).collect();
    for key in keys {
        let (old, new) = (before.alarms.get(key), after.alarms.get(key));
        let Some(alarm) = old.or(new).map(|heard| &heard.alarm).filter(|alarm| alarm.at >= since) else {
            continue;
        };
        comparison.failures += 1;
        let changed = changed(alarm, old, new);
        match (changed.before, changed.after) {
            (Some(_), None) => {
                let incidents = new.map_or(&[][..], |heard| heard.alarm.incidents.as_slice());
                let waiting = waits(&alarm.run, incidents);
                if waiting { comparison.pending.push(changed) } else { comparison.lost.push(changed) }
            }
            (None, Some(_)) => comparison.new.push(changed),
            (Some(old), Some(new)) if new.duration_since(old) > SAME_TIME => comparison.later.push(changed),
            (Some(old), Some(new)) if old.duration_since(new) > SAME_TIME => comparison.sooner.push(changed),
            _ => {}
        }
    }
    for list in [
        &mut comparison.lost,
        &mut comparison.later,
        &mut comparison.sooner,
        &mut comparison.new,
        &mut comparison.pending,
    ] {
        list.sort_by(|a, b| a.failed_at.cmp(&b.failed_at).then_with(|| a.run.cmp(&b.run)));
    }
    comparison
}

fn changed(alarm: &Alarm, old: Option<&Heard>, new: Option<&Heard>) -> ChangedFailure {
    ChangedFailure {
        run: alarm.run.clone(),
        failure: alarm.failure,
        failed_at: alarm.at,
        workflow: alarm.workflow.clone(),
        step: alarm.step.clone(),
        code: alarm.code.clone(),
        url: alarm.url.clone(),
        before: old.and_then(|heard| heard.first),
        after: new.and_then(|heard| heard.first),
        told: old.map(|heard| heard.by.clone()).unwrap_or_default(),
        tells: new.map(|heard| heard.by.clone()).unwrap_or_default(),
    }
}

fn messages(before: &Replayed, after: &Replayed) -> Vec<Messages> {
    let keys: BTreeSet<&(String, MessageRule)> = before.messages.keys().chain(after.messages.keys()).collect();
    let count = |outcome: &Replayed, key: &(String, MessageRule)| outcome.messages.get(key).copied().unwrap_or(0);
    keys.into_iter()
        .map(|key| Messages {
            receiver: key.0.clone(),
            rule: key.1.clone(),
            before: count(before, key),
            after: count(after, key),
        })
        .collect()
}

#[cfg(test)]
mod tests;
