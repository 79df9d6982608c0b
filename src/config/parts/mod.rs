//! The sections of the file, one reader each: from values to settings.

mod general;
mod http;
mod prefect;
mod receiver;
mod rule;
mod smtp;
mod source;

pub(super) use general::{classes, defaults, ledger, log, server};
pub(super) use receiver::{Receiver, receivers};
pub(super) use rule::rules;
pub(super) use source::sources;

use std::collections::BTreeSet;

use super::read::{At, name_like, one_or_many, text};
use super::suggest;

/// The name of a receiver that exists.
fn receiver_name(at: &At<'_>) -> Option<String> {
    let name = text(at)?;
    if at.cx.receivers.contains(&name) {
        return Some(name);
    }
    let known = at.cx.receivers.iter().map(String::as_str);
    let help = suggest::hint(&name, "known receivers", known)
        .or_else(|| Some("write a [receivers.NAME] section; there is none yet".to_owned()));
    at.cx.unknown_name(&at.path, format!("there is no receiver {name:?}"), help);
    None
}

/// Names of receivers: one, several, or none at all, each once.
fn receiver_names(at: &At<'_>) -> Option<Vec<String>> {
    if at.value.as_array().is_some_and(Vec::is_empty) {
        return Some(Vec::new());
    }
    let mut names = one_or_many(receiver_name)(at)?;
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
