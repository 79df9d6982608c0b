//! `match`, `unless`, `while`, `mute`: which failures are meant.

use std::collections::BTreeMap;

use toml::Value;

use super::general::CLASSES;
use crate::config::read::{At, Section, boolean, one_or_many, word};
use crate::engine::{Matcher, Pattern, StatusPattern};

/// A matcher that says something.
pub(super) fn some_matcher(at: &At<'_>) -> Option<Matcher> {
    // What can't be read is missing in the matcher: only a table without keys is empty.
    if at.value.as_table().is_some_and(toml::Table::is_empty) {
        let help = "name what is meant, such as { workflow = \"nightly-*\" }".to_owned();
        return at.fail("an empty matcher would match everything", Some(help));
    }
    matcher(at)
}

/// A matcher of workflows: of what is known of them though no run has failed.
pub(super) fn workflows(at: &At<'_>) -> Option<Matcher> {
    const KEYS: [&str; 3] = ["source", "workspace", "workflow"];
    let mut fine = true;
    for key in at.value.as_table().into_iter().flat_map(toml::Table::keys) {
        if !KEYS.contains(&key.as_str()) {
            fine = false;
            at.cx.wrong_key(
                &at.path.key(key),
                format!("an expectation is about workflows, not about failures: `{key}` can't stand here"),
                crate::config::suggest::hint(key, "known are", KEYS),
            );
        }
    }
    if !fine {
        return None;
    }
    let section = Section::open(at, "match")?;
    let patterns = |key: &'static str| section.get(key, one_or_many(pattern)).unwrap_or_default();
    let matcher = Matcher {
        source: patterns("source"),
        workspace: patterns("workspace"),
        workflow: patterns("workflow"),
        ..Matcher::default()
    };
    section.finish();
    Some(matcher)
}

/// A matcher of failures.
pub(super) fn matcher(at: &At<'_>) -> Option<Matcher> {
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
