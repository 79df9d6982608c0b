//! Who is told at all: fallbacks, receivers that nothing uses, failures that no rule matches.

use std::collections::{BTreeMap, BTreeSet};

use super::Parts;
use crate::config::cx::Cx;
use crate::config::parts::Receiver;
use crate::config::path::Path;
use crate::config::suggest;
use crate::engine::{Matcher, OWNER, Pattern};

/// Fallbacks that lead back to where they began, or to somebody who may not be told.
pub(in crate::config) fn fallbacks(cx: &Cx<'_>, receivers: &BTreeMap<String, Receiver>) {
    let next = |name: &str| receivers.get(name).and_then(|receiver| receiver.fallback.as_deref());
    let mut reported = BTreeSet::new();
    for (name, receiver) in receivers {
        let Some(fallback) = receiver.fallback.as_deref() else {
            continue;
        };
        let mut way = vec![name.as_str()];
        let mut at = Some(fallback);
        while let Some(here) = at.filter(|here| !way.contains(here)) {
            way.push(here);
            at = next(here);
        }
        // A circle is reported once, at the first receiver on it.
        if at == Some(name.as_str()) && way.iter().all(|member| reported.insert((*member).to_owned())) {
            way.push(name);
            cx.error(
                &receiver.path.key("fallback"),
                format!("the fallbacks lead in a circle: {}", way.join(" → ")),
                Some("let the last one have no `fallback`".to_owned()),
            );
        }
        let blind = |other: &Receiver| match (&receiver.workspaces, &other.workspaces) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(own), Some(others)) => !own.is_subset(others),
        };
        if receivers.get(fallback).is_some_and(blind) {
            cx.warning(
                &receiver.path.key("fallback"),
                format!("{fallback:?} may not be told of every workspace that {name:?} is told of"),
                Some("what it may not be told of goes nowhere; give it the same `workspaces`".to_owned()),
            );
        }
    }
}

/// Receivers, schedules and templates that nothing uses.
pub(in crate::config) fn unused(cx: &Cx<'_>, parts: &Parts<'_>) {
    let receivers = parts.receivers;
    let mut used = BTreeSet::new();
    let by_rules = parts.rules.iter().flat_map(|(rule, _)| {
        rule.notify.iter().chain(rule.escalate.as_ref().into_iter().flat_map(|escalate| &escalate.notify))
    });
    let by_owners = parts.owners.iter().flat_map(|(owner, _)| &owner.notify);
    let by_expectations = parts.expectations.iter().flat_map(|(expectation, _)| &expectation.notify);
    let mut open: Vec<&str> = by_rules
        .chain(by_owners)
        .chain(by_expectations)
        .chain(parts.default_notify)
        .chain(parts.daily)
        .map(String::as_str)
        .collect();
    while let Some(name) = open.pop() {
        if used.insert(name) {
            open.extend(receivers.get(name).and_then(|receiver| receiver.fallback.as_deref()));
        }
    }
    for (name, receiver) in receivers.iter().filter(|(name, _)| !used.contains(name.as_str())) {
        cx.lacking(
            &receiver.path,
            format!("nothing is ever sent to {name:?}"),
            Some("name it in the `notify` of a rule or of [defaults]".to_owned()),
        );
    }
    let quiet: BTreeSet<&str> = receivers.values().filter_map(|receiver| receiver.quiet.as_deref()).collect();
    for (name, (_, path)) in parts.schedules.iter().filter(|(name, _)| !quiet.contains(name.as_str())) {
        let help = Some(format!("write quiet = {name:?} in a receiver"));
        cx.lacking(path, format!("nothing uses the schedule {name:?}"), help);
    }
    let templates: BTreeSet<&str> = receivers.values().filter_map(|receiver| receiver.template.as_deref()).collect();
    for (name, (_, path)) in parts.templates.iter().filter(|(name, _)| !templates.contains(name.as_str())) {
        let help = Some(format!("write template = {name:?} in a receiver"));
        cx.lacking(path, format!("nothing uses the template {name:?}"), help);
    }
}

/// Failures that nobody hears of.
pub(in crate::config) fn nobody(cx: &Cx<'_>, parts: &Parts<'_>) {
    for (rule, path) in parts.rules.iter().filter(|(rule, _)| rule.notify.is_empty()) {
        cx.lacking(
            path,
            format!("the rule {:?} tells nobody of the failures that it matches", rule.name),
            Some("name receivers in its `notify`, or leave it so to keep them quiet".to_owned()),
        );
    }
    for (expectation, path) in parts.expectations.iter().filter(|(expectation, _)| expectation.notify.is_empty()) {
        cx.lacking(
            path,
            format!("the expectation {:?} tells nobody when it is not met", expectation.name),
            Some("name receivers in its `notify`".to_owned()),
        );
    }
    let owned = parts.owners.iter().any(|(owner, _)| !owner.notify.is_empty());
    for (_, path) in parts.rules.iter().filter(|(rule, _)| !owned && rule.notify.iter().any(|name| name == OWNER)) {
        cx.lacking(
            &path.key("notify"),
            format!("no owner has a receiver, so that {OWNER} is nobody"),
            Some("write [[owners]] with a `notify`".to_owned()),
        );
    }
    let catch_all = parts.rules.iter().any(|(rule, _)| rule.when.is_empty());
    if parts.default_notify.is_empty() && !catch_all {
        cx.lacking(
            &Path::default(),
            "a failure that no rule matches is told to nobody".to_owned(),
            Some("write notify = [\"NAME\"] under [defaults], or a last rule without `match`".to_owned()),
        );
    }
}

/// Matchers for sources that don't exist.
pub(in crate::config) fn sources_named(cx: &Cx<'_>, parts: &Parts<'_>, sources: &BTreeSet<String>) {
    let check = |matcher: &Matcher, path: Path| {
        for pattern in matcher.source.iter().filter(|pattern| !sources.iter().any(|source| pattern.matches(source))) {
            let help = match pattern {
                Pattern::Exact(name) => suggest::hint(name, "known sources", sources.iter().map(String::as_str)),
                _ => None,
            };
            cx.lacking(&path.key("source"), format!("no source has the name \"{pattern}\""), help);
        }
    };
    for (rule, path) in parts.rules {
        check(&rule.when, path.key("match"));
        check(&rule.unless, path.key("unless"));
    }
    for (inhibition, path) in parts.inhibitions {
        check(&inhibition.source, path.key("while"));
        check(&inhibition.target, path.key("mute"));
    }
    let silences = parts.silences.iter().map(|(silence, path)| (&silence.when, path));
    let owners = parts.owners.iter().map(|(owner, path)| (&owner.when, path));
    let expectations = parts.expectations.iter().map(|(expectation, path)| (&expectation.when, path));
    for (matcher, path) in silences.chain(owners).chain(expectations) {
        check(matcher, path.key("match"));
    }
}
