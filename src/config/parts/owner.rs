//! `[[owners]]` and `[providers]`: whose something is, and when several failures are one trouble of the service they call.

use std::time::Duration;

use toml::Value;

use super::matcher::matcher;
use super::{Items, link, name, receiver_names};
use crate::config::path::Path;
use crate::config::read::{At, Section, count, span, text};
use crate::engine::{Owner, ProviderGate};

const OWNERS: Items = Items { section: "owners", one: "owner", why: "a message names the owner" };

/// `[[owners]]`, with where each stands.
pub(in crate::config) fn owners(at: &At<'_>) -> Option<Vec<(Owner, Path)>> {
    OWNERS.each(at, |at, _| {
        let owner = owner(at)?;
        Some((owner, at.path.clone()))
    })
}

fn owner(at: &At<'_>) -> Option<Owner> {
    let section = Section::open(at, "owners")?;
    let name = section.need("name", "write name = \"growth\"", name);
    let when = section.get("match", matcher);
    let lost = section.has("match") && when.is_none();
    let notify = section.get("notify", receiver_names);
    let mention = section.get("mention", text);
    let runbook = section.get("runbook", link);
    section.finish();
    let name = name?;
    (!lost).then(|| Owner {
        name,
        when: when.unwrap_or_default(),
        notify: notify.unwrap_or_default(),
        mention,
        runbook,
    })
}

/// `[providers]`
pub(in crate::config) fn providers(at: &At<'_>) -> Option<ProviderGate> {
    let section = Section::open(at, "providers")?;
    let help = "it has a default; leave it out";
    let workflows = section.need("workflows", help, gate);
    let within = section.need("within", help, span(Duration::from_secs(1)));
    section.finish();
    Some(ProviderGate { workflows: workflows?, within: within? })
}

/// From how many workflows on; 0 and `"never"` are never.
#[expect(clippy::option_option, reason = "the outer one is a mistake that was reported, the inner one is never")]
fn gate(at: &At<'_>) -> Option<Option<u32>> {
    if matches!(at.value, Value::String(text) if text.trim() == "never") {
        return Some(None);
    }
    match count(0, 10_000)(at)? {
        0 => Some(None),
        few @ 1..=2 => at.fail(
            format!("{few} is too few: it would link failures that have nothing to do with each other"),
            Some("write 3 or more, or \"never\"".to_owned()),
        ),
        workflows => Some(Some(workflows)),
    }
}
