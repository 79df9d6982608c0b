//! `[[rules]]`: match, then condition, then whom to notify.

use std::time::Duration;

use super::after::after;
use super::field::fields;
use super::matcher::matcher;
use super::rhythm::rhythm;
use super::{Items, link, name, notified, receiver_names, severity};
use crate::config::path::Path;
use crate::config::read::{At, Section, boolean, span};
use crate::engine::{Escalate, Rule};

const RULES: Items = Items { section: "rules", one: "rule", why: "messages and the log name the rule that matched" };

/// `[[rules]]`, with where each stands. A rule that says no `notify` tells those whom `[defaults]` tells.
pub(in crate::config) fn rules(at: &At<'_>, default_notify: &[String]) -> Option<Vec<(Rule, Path)>> {
    RULES.each(at, |at, index| {
        let rule = rule(at, index, default_notify)?;
        Some((rule, at.path.clone()))
    })
}

/// The name of a rule that says none.
pub(in crate::config) fn rule_name(index: usize) -> String {
    RULES.name(index)
}

fn rule(at: &At<'_>, index: usize, default_notify: &[String]) -> Option<Rule> {
    let section = Section::open(at, "rules")?;
    let name = section.get("name", name);
    let when = section.get("match", matcher);
    let unless = section.get("unless", matcher);
    let severity = section.get("severity", severity);
    let notify = section.get("notify", notified);
    let hold = section.get("hold", span(Duration::ZERO));
    let runbook = section.get("runbook", link);
    let keep_going = section.get("continue", boolean);
    let group_by = section.get("group_by", fields);
    let after = section.get("after", after);
    let rhythm = rhythm(&section);
    let escalate = section.get("escalate", escalate);
    let broken = |key: &str, read: bool| section.has(key) && !read;
    let lost = broken("match", when.is_some()) || broken("unless", unless.is_some());
    section.finish();
    // A rule whose match can't be read would match everything, and shadow what comes after it.
    (!lost).then(|| Rule {
        name: name.unwrap_or_else(|| rule_name(index)),
        when: when.unwrap_or_default(),
        unless: unless.unwrap_or_default(),
        severity: severity.unwrap_or_default(),
        notify: notify.unwrap_or_else(|| default_notify.to_vec()),
        hold,
        runbook,
        keep_going: keep_going.unwrap_or(false),
        group_by,
        after,
        rhythm,
        escalate,
    })
}

fn escalate(at: &At<'_>) -> Option<Escalate> {
    let section = Section::open(at, "escalate")?;
    let after = section.need("after", "write after = \"30m\"", span(Duration::from_secs(1)));
    let notify = section.need("notify", "write notify = [\"NAME\"]", |at| {
        let names = receiver_names(at)?;
        if names.is_empty() {
            return at.fail("an escalation to nobody", Some("name a receiver, or leave `escalate` out".to_owned()));
        }
        Some(names)
    });
    section.finish();
    Some(Escalate { after: after?, notify: notify? })
}
