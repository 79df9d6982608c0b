//! What the rules catch of the workflows that were seen, which receivers are proven, and which silences got old.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::SilenceView;
use crate::engine::rule::{Covers, Seen};
use crate::engine::{Board, OWNER, Policy, Rule};

/// A receiver that took nothing for this long is not proven any more.
const PROVEN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A silence that is longer than this is long.
const LONG: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the rules catch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// The workflows that were seen.
    pub workflows: Vec<Covered>,
    /// The receivers of the configuration.
    pub receivers: Vec<Proven>,
    /// Silences that are over, long, or without a beginning.
    pub silences: Vec<OldSilence>,
}

/// A workflow, and who hears of its failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Covered {
    /// What people call it.
    pub workflow: String,
    /// The tenant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub workspace: String,
    /// The source that spoke of it last.
    pub source: String,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// The rules that catch all its failures.
    pub rules: Vec<String>,
    /// The rules that catch some of them: that depends on the failure.
    pub depends: Vec<String>,
    /// What catches the rest.
    pub rest: Rest,
    /// Whom these tell.
    pub receivers: Vec<String>,
}

/// What catches the failures that only depend on themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rest {
    /// Nothing: nobody is told.
    Nobody,
    /// Only `[defaults] notify`.
    Defaults,
    /// A rule.
    Rule,
}

/// A receiver, and when it last took something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    /// Which.
    pub receiver: String,
    /// When it last took something; absent: never, as far as the ledger goes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Timestamp>,
    /// It took something lately.
    pub proven: bool,
}

/// A silence that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OldSilence {
    /// Which.
    #[serde(flatten)]
    pub silence: SilenceView,
    /// Why.
    pub why: Old,
}

/// What is wrong with a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Old {
    /// It is over, and still stands in the configuration.
    Over,
    /// It goes on for more than a week in all.
    Long,
}

impl Coverage {
    /// Whether every failure is told to somebody, as far as that can be known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.workflows.iter().all(|workflow| workflow.rest != Rest::Nobody)
    }

    /// What these rules catch of what is on the board. `last_good`: when each receiver last took something.
    #[must_use]
    pub fn of(
        now: Timestamp,
        board: &Board,
        policy: &Policy,
        silences: Vec<SilenceView>,
        last_good: &BTreeMap<String, Timestamp>,
    ) -> Self {
        let mut workflows: Vec<Covered> = board
            .workflows()
            .map(|(workspace, key, workflow)| {
                let seen = Seen { source: &workflow.source, workspace, workflow: key, name: workflow.name.as_deref() };
                covered(seen, workflow.last_at, policy)
            })
            .collect();
        workflows.sort_by(|a, b| (a.rest, &a.workspace, &a.workflow).cmp(&(b.rest, &b.workspace, &b.workflow)));
        let receivers = policy.receivers.keys().map(|name| {
            let last_good = last_good.get(name).copied();
            let proven = last_good.is_some_and(|at| now.duration_since(at) < PROVEN_FOR);
            Proven { receiver: name.clone(), last_good, proven }
        });
        let old = |silence: SilenceView| {
            let long = silence.from.is_none_or(|from| silence.until.duration_since(from) > LONG);
            let why = if silence.until <= now { Old::Over } else { Old::Long };
            (why == Old::Over || long).then_some(OldSilence { silence, why })
        };
        Self { receivers: receivers.collect(), silences: silences.into_iter().filter_map(old).collect(), workflows }
    }
}

fn covered(seen: Seen<'_>, last_at: Timestamp, policy: &Policy) -> Covered {
    let (mut rules, mut depends): (Vec<&Rule>, Vec<&Rule>) = (Vec::new(), Vec::new());
    for rule in policy.rules.rules() {
        match rule.covers(seen) {
            Covers::No => {}
            Covers::Depends => depends.push(rule),
            Covers::Yes => {
                rules.push(rule);
                if !rule.keep_going {
                    break;
                }
            }
        }
    }
    let named = rules.iter().flat_map(|rule| &rule.notify);
    let mut receivers: Vec<String> =
        if rules.is_empty() { policy.default_notify.clone() } else { named.cloned().collect() };
    // Whose it is depends on the failure; the others have to be able to see it.
    receivers.retain(|name| {
        name == OWNER || policy.receivers.get(name).is_some_and(|audience| audience.may_see(seen.workspace))
    });
    receivers.sort();
    receivers.dedup();
    let rest = match (receivers.is_empty(), rules.is_empty()) {
        (true, _) => Rest::Nobody,
        (false, true) => Rest::Defaults,
        (false, false) => Rest::Rule,
    };
    let called = |rules: Vec<&Rule>| rules.into_iter().map(|rule| rule.name.clone()).collect();
    Covered {
        workflow: seen.name.unwrap_or(seen.workflow).to_owned(),
        workspace: seen.workspace.to_owned(),
        source: seen.source.to_owned(),
        last_at,
        rules: called(rules),
        depends: called(depends),
        rest,
        receivers,
    }
}
