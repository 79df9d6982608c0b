//! `[[rules]]`: match, then condition, then whom to notify.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::Value;

use super::general::CLASSES;
use super::{check_name, receiver_names};
use crate::config::path::Path;
use crate::config::read::{At, Section, boolean, kind_of, one_or_many, parse_http_url, span, text, word};
use crate::engine::{Matcher, Pattern, RhythmOverride, Rule, Severity, StatusPattern};

const SEVERITIES: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("error", Severity::Error),
    ("critical", Severity::Critical),
];

/// `[[rules]]`, with where each stands. A rule that says no `notify` tells those whom `[defaults]` tells.
pub(in crate::config) fn rules(at: &At<'_>, default_notify: &[String]) -> Option<Vec<(Rule, Path)>> {
    let Value::Array(items) = at.value else {
        return at.fail(
            format!("expected a list of rules, found {}", kind_of(at.value)),
            Some("write [[rules]], with two brackets, above each rule".to_owned()),
        );
    };
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (index, value) in items.iter().enumerate() {
        let entry = at.item(index, value);
        let Some(rule) = rule(&entry, index, default_notify) else {
            continue;
        };
        if !names.insert(rule.name.clone()) {
            at.cx.error(
                &entry.path.key("name"),
                format!("another rule is named {:?}", rule.name),
                Some("messages and the log name the rule that matched: give each its own name".to_owned()),
            );
        }
        rules.push((rule, entry.path));
    }
    Some(rules)
}

fn rule(at: &At<'_>, index: usize, default_notify: &[String]) -> Option<Rule> {
    let section = Section::open(at, "rules")?;
    let name = section.get("name", |at| {
        let name = text(at)?;
        check_name(at, &name, " _.-").then_some(name)
    });
    let when = section.get("match", matcher);
    let unless = section.get("unless", matcher);
    let severity = section.get("severity", word("a severity", &SEVERITIES));
    let notify = section.get("notify", receiver_names);
    let hold = section.get("hold", span(Duration::ZERO));
    let runbook = section.get("runbook", |at| {
        let written = text(at)?;
        match parse_http_url(&written) {
            Ok(_) => Some(written),
            Err((message, help)) => at.fail(message, help),
        }
    });
    let keep_going = section.get("continue", boolean);
    let broken = |key: &str, read: bool| section.has(key) && !read;
    let lost = broken("match", when.is_some()) || broken("unless", unless.is_some());
    section.finish();
    // A rule whose match can't be read would match everything, and shadow what comes after it.
    (!lost).then(|| Rule {
        name: name.unwrap_or_else(|| format!("rule {}", index + 1)),
        when: when.unwrap_or_default(),
        unless: unless.unwrap_or_default(),
        severity: severity.unwrap_or_default(),
        notify: notify.unwrap_or_else(|| default_notify.to_vec()),
        hold,
        runbook,
        keep_going: keep_going.unwrap_or(false),
        group_by: None,
        after: None,
        rhythm: RhythmOverride::default(),
        escalate: None,
    })
}

fn matcher(at: &At<'_>) -> Option<Matcher> {
    let section = Section::open(at, "match")?;
    let patterns = |keys: &[&'static str]| section.alias(keys, one_or_many(pattern)).unwrap_or_default();
    let matcher = Matcher {
        source: patterns(&["source"]),
        workspace: patterns(&["workspace"]),
        workflow: patterns(&["workflow"]),
        step: patterns(&["step", "step_title", "stepTitle"]),
        kind: patterns(&["kind", "step_kind", "stepKind"]),
        code: patterns(&["code"]),
        class: section.get("class", one_or_many(word("a class", &CLASSES))).unwrap_or_default(),
        status: section
            .alias(&["status", "provider_status", "providerStatus"], one_or_many(status))
            .unwrap_or_default(),
        retryable: section.get("retryable", boolean),
        trigger: patterns(&["trigger"]),
        labels: section.get("labels", labels).unwrap_or_default(),
    };
    section.finish();
    Some(matcher)
}

fn pattern(at: &At<'_>) -> Option<Pattern> {
    let Value::String(written) = at.value else {
        return at.wrong("a text, a `*` glob or a `/regular expression/`");
    };
    match Pattern::parse(written) {
        Ok(pattern) => Some(pattern),
        Err(error) => at.fail(one_line(&error.to_string()), None),
    }
}

/// The regex crate draws its errors over several lines; the last one says what is wrong.
fn one_line(message: &str) -> String {
    match (message.split_once('\n'), message.rsplit_once('\n')) {
        (Some((first, _)), Some((_, last))) => {
            let first = first.trim_end_matches(" regex parse error:");
            format!("{first} {}", last.trim().trim_start_matches("error: "))
        }
        _ => message.to_owned(),
    }
}

fn status(at: &At<'_>) -> Option<StatusPattern> {
    let written = match at.value {
        Value::Integer(status) => status.to_string(),
        Value::String(status) => status.clone(),
        _ => return at.wrong("an HTTP status: 401, \"4xx\" or \"5xx\""),
    };
    match StatusPattern::parse(&written) {
        Ok(status) => Some(status),
        Err(error) => at.fail(error.to_string(), None),
    }
}

fn labels(at: &At<'_>) -> Option<BTreeMap<String, Vec<Pattern>>> {
    let Value::Table(table) = at.value else {
        return at.wrong("a table of labels, such as { env = \"prod\" }");
    };
    let mut labels = BTreeMap::new();
    for (name, value) in table {
        if let Some(patterns) = one_or_many(pattern)(&at.entry(name, value)) {
            labels.insert(name.clone(), patterns);
        }
    }
    Some(labels)
}
