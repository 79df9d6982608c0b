//! `after` of a rule: how much must have failed before it speaks, for all classes or class by class.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::{Table, Value};

use super::general::CLASSES;
use crate::config::read::{At, Section, count, number, span};
use crate::config::suggest;
use crate::engine::{After, Condition, MOST_OUTCOMES};
use crate::triage::Class;

/// The most failures that can be waited for.
const MOST_FAILURES: i64 = 10_000;
const EXAMPLES: &str = "write { failures = 3, within = \"1h\" }, { consecutive = 3 } or { rate = 0.2, of_last = 50 }";

/// The keys of a condition.
const CONDITIONS: [&str; 5] = ["failures", "within", "consecutive", "rate", "of_last"];

/// A condition, or a table of them by class.
pub(super) fn after(at: &At<'_>) -> Option<After> {
    let Value::Table(table) = at.value else {
        return at.fail(
            format!("expected a condition, found {}", crate::config::read::kind_of(at.value)),
            Some(EXAMPLES.to_owned()),
        );
    };
    let by_class = table.iter().any(|(key, value)| class(key).is_some() || value.is_table());
    if by_class { classes(at, table) } else { Some(After { all: Some(condition(at)?), by_class: BTreeMap::new() }) }
}

fn class(key: &str) -> Option<Class> {
    CLASSES.iter().find(|(name, _)| *name == key).map(|(_, class)| *class)
}

fn classes(at: &At<'_>, table: &Table) -> Option<After> {
    let mut after = After::default();
    let mut fine = true;
    for (key, value) in table {
        let entry = at.entry(key, value);
        if let Some(class) = class(key) {
            let condition = condition(&entry);
            fine &= condition.is_some();
            after.by_class.extend(condition.map(|condition| (class, condition)));
            continue;
        }
        fine = false;
        if CONDITIONS.contains(&key.as_str()) {
            let help = "give each class its own condition, or all of them one".to_owned();
            at.cx.wrong_key(&entry.path, format!("`{key}` stands beside conditions by class"), Some(help));
        } else {
            let help = suggest::hint(key, "known are", CLASSES.iter().map(|(name, _)| *name));
            at.cx.wrong_key(&entry.path, format!("`{key}` is no class"), help);
        }
    }
    fine.then_some(after)
}

fn condition(at: &At<'_>) -> Option<Condition> {
    let section = Section::open(at, "after")?;
    let failures = section.get("failures", count(1, MOST_FAILURES));
    let within = section.get("within", span(Duration::from_secs(1)));
    let consecutive = section.get("consecutive", count(1, MOST_FAILURES));
    let rate = section.get("rate", |at| match number(at)? {
        rate if rate > 0.0 && rate <= 1.0 => Some(rate),
        rate => at.fail(
            format!("expected a share over 0 and at most 1, found {rate}"),
            Some("0.2 is one in five".to_owned()),
        ),
    });
    let of_last = section.get("of_last", count(1, i64::from(MOST_OUTCOMES)));
    let counted = section.has("failures") || section.has("within");
    let in_a_row = section.has("consecutive");
    let shared = section.has("rate") || section.has("of_last");
    let lacks = |key: &str, other: &str| {
        if !section.has(key) {
            let help = Some(EXAMPLES.to_owned());
            at.cx.missing(&at.path, format!("`{other}` needs `{key}` beside it"), help);
        }
    };
    let read = match (counted, in_a_row, shared) {
        (true, false, false) => {
            lacks("failures", "within");
            lacks("within", "failures");
            failures.zip(within).map(|(failures, within)| Condition::Failures { failures, within })
        }
        (false, true, false) => consecutive.map(|consecutive| Condition::Consecutive { consecutive }),
        (false, false, true) => {
            lacks("rate", "of_last");
            lacks("of_last", "rate");
            rate.zip(of_last).map(|(rate, of_last)| Condition::Rate { rate, of_last })
        }
        (false, false, false) => {
            at.cx.missing(&at.path, "the condition says nothing".to_owned(), Some(EXAMPLES.to_owned()));
            None
        }
        _ => at.fail("this is more than one condition", Some(EXAMPLES.to_owned())),
    };
    section.finish();
    read
}
