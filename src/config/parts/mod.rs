//! The sections of the file, one reader each: from values to settings.

mod after;
mod expect;
mod field;
mod general;
mod honest;
mod matcher;
mod network;
mod owner;
mod receiver;
mod rhythm;
mod rule;
mod schedule;
mod silence;
mod source;
mod template;
mod test_case;

pub(super) use expect::expectations;
pub(super) use general::{classes, defaults, ledger, log, server};
pub(super) use honest::{daily, heartbeat};
pub(super) use network::network;
pub(super) use owner::{owners, providers};
pub use receiver::receiver_types;
pub(super) use receiver::{Receiver, receivers};
pub(super) use rule::{rule_name, rules};
pub(super) use schedule::{Schedules, is_always_on, schedules};
pub(super) use silence::{inhibitions, silences};
pub(super) use source::sources;
pub(super) use template::{Templates, templates};
pub(super) use test_case::tests;

use std::collections::BTreeSet;

use toml::Value;

use super::read::{At, kind_of, name_like, one_or_many, parse_http_url, text, word};
use super::suggest;
use crate::engine::{OWNER, Severity};

const SEVERITIES: [(&str, Severity); 4] = [
    ("info", Severity::Info),
    ("warning", Severity::Warning),
    ("error", Severity::Error),
    ("critical", Severity::Critical),
];

/// What the items of a list are called.
#[derive(Clone, Copy)]
struct Items {
    /// The list: `[[rules]]`.
    section: &'static str,
    /// One of them, which is also the first word of the name of one that says none.
    one: &'static str,
    /// Why each must have a name of its own.
    why: &'static str,
}

impl Items {
    /// The name of an item that says none.
    fn name(self, index: usize) -> String {
        format!("{} {}", self.one, index + 1)
    }

    /// Every item as far as it can be read. A name that two of them have is reported, whether or not they can be.
    fn each<T>(self, at: &At<'_>, mut reader: impl FnMut(&At<'_>, usize) -> Option<T>) -> Option<Vec<T>> {
        let Value::Array(items) = at.value else {
            return at.fail(
                format!("expected a list, found {}", kind_of(at.value)),
                Some(format!("write [[{}]], with two brackets, above each {}", self.section, self.one)),
            );
        };
        let mut names = BTreeSet::new();
        let read = items.iter().enumerate().filter_map(|(index, value)| {
            let entry = at.item(index, value);
            let name = value.get("name").and_then(Value::as_str).map_or_else(|| self.name(index), str::to_owned);
            if let Some(name) = names.replace(name) {
                at.cx.error(
                    &entry.path.key("name"),
                    format!("another {} is named {name:?}", self.one),
                    Some(format!("{}: give each its own name", self.why)),
                );
            }
            reader(&entry, index)
        });
        Some(read.collect())
    }
}

/// A name in a list.
fn name(at: &At<'_>) -> Option<String> {
    let name = text(at)?;
    check_name(at, &name, " _.-").then_some(name)
}

fn severity(at: &At<'_>) -> Option<Severity> {
    word("a severity", &SEVERITIES)(at)
}

/// Where to read on.
fn link(at: &At<'_>) -> Option<String> {
    let written = text(at)?;
    match parse_http_url(&written) {
        Ok(_) => Some(written),
        Err((message, help)) => at.fail(message, help),
    }
}

/// The name of a receiver that exists, or the owner's.
fn receiver_or_owner(at: &At<'_>) -> Option<String> {
    if at.value.as_str() == Some(OWNER) { Some(OWNER.to_owned()) } else { receiver_name(at) }
}

/// The name of a receiver that exists.
fn receiver_name(at: &At<'_>) -> Option<String> {
    let name = text(at)?;
    if at.cx.receivers.contains(&name) {
        return Some(name);
    }
    if name == OWNER {
        let help = "name receivers here".to_owned();
        return at.fail(format!("{OWNER} can stand in the `notify` of a rule only"), Some(help));
    }
    let known = at.cx.receivers.iter().map(String::as_str);
    let help = suggest::hint(&name, "known receivers", known)
        .or_else(|| Some("write a [receivers.NAME] section; there is none yet".to_owned()));
    at.cx.unknown_name(&at.path, format!("there is no receiver {name:?}"), help);
    None
}

/// Names of receivers: one, several, or none at all, each once.
fn receiver_names(at: &At<'_>) -> Option<Vec<String>> {
    names_of(at, receiver_name)
}

/// The same in the `notify` of a rule, where the owner's receivers may be among them.
fn notified(at: &At<'_>) -> Option<Vec<String>> {
    names_of(at, receiver_or_owner)
}

fn names_of(at: &At<'_>, reader: impl Fn(&At<'_>) -> Option<String>) -> Option<Vec<String>> {
    if at.value.as_array().is_some_and(Vec::is_empty) {
        return Some(Vec::new());
    }
    let mut names = one_or_many(reader)(at)?;
    let mut seen = BTreeSet::new();
    names.retain(|name| {
        let new = seen.insert(name.clone());
        if !new {
            at.warn(format!("the receiver {name:?} is named twice"), Some("it is told once".to_owned()));
        }
        new
    });
    Some(names)
}

/// The names of tenants.
fn workspaces(at: &At<'_>) -> Option<BTreeSet<String>> {
    one_or_many(text)(at).map(|names| names.into_iter().collect())
}

/// Reports a name that is not made of letters, digits and `more`.
fn check_name(at: &At<'_>, name: &str, more: &str) -> bool {
    let fine = name_like(name, more);
    if !fine {
        let shown: String =
            more.chars().map(|c| if c == ' ' { "space ".to_owned() } else { format!("{c} ") }).collect();
        at.cx.wrong_key(
            &at.path,
            format!("the name {name:?} can't be used"),
            Some(format!("a name has 1 to 64 letters, digits and {}", shown.trim_end())),
        );
    }
    fine
}
