//! `[[silences]]` and `[[inhibit]]`: what is withheld for a time, and what waits while something greater is open.

use super::field::fields;
use super::matcher::some_matcher;
use super::{Items, name};
use crate::config::path::Path;
use crate::config::read::{At, Section, boolean, instant, text};
use crate::engine::{Inhibition, Silence};

const SILENCES: Items = Items { section: "silences", one: "silence", why: "what it withheld is counted by its name" };

const INHIBITIONS: Items =
    Items { section: "inhibit", one: "inhibition", why: "the ledger says by its name why something waits" };

/// `[[silences]]`, with where each stands.
pub(in crate::config) fn silences(at: &At<'_>) -> Option<Vec<(Silence, Path)>> {
    SILENCES.each(at, |at, index| {
        let silence = silence(at, index)?;
        Some((silence, at.path.clone()))
    })
}

fn silence(at: &At<'_>, index: usize) -> Option<Silence> {
    let section = Section::open(at, "silences")?;
    let name = section.get("name", |at| {
        let name = name(at)?;
        let made =
            name.strip_prefix("s_").is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_digit()));
        if made {
            return at.fail("silences that are made by command are named so", Some("choose another name".to_owned()));
        }
        Some(name)
    });
    let when = section.need("match", "write match = { workflow = \"nightly-*\" }", some_matcher);
    let from = section.get("from", instant);
    let until = section.need("until", "every silence has an end: until = \"2026-11-25T06:00[Europe/Berlin]\"", instant);
    let comment = section.get("comment", text);
    let unless_new = section.get("unless_new", boolean);
    let ends = at.path.key("until");
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        at.cx.error(
            &ends,
            "the silence ends before it begins".to_owned(),
            Some("`until` comes after `from`".to_owned()),
        );
    } else if let (Some(until), Some(now)) = (until, at.cx.now)
        && until <= now
    {
        at.cx.warning(&ends, "the silence is over already".to_owned(), Some("take it out, or move its end".to_owned()));
    }
    section.finish();
    Some(Silence {
        id: name.unwrap_or_else(|| SILENCES.name(index)),
        when: when?,
        from,
        until: until?,
        by: None,
        comment,
        unless_new: unless_new.unwrap_or(false),
    })
}

/// `[[inhibit]]`, with where each stands.
pub(in crate::config) fn inhibitions(at: &At<'_>) -> Option<Vec<(Inhibition, Path)>> {
    INHIBITIONS.each(at, |at, index| {
        let inhibition = inhibition(at, index)?;
        Some((inhibition, at.path.clone()))
    })
}

fn inhibition(at: &At<'_>, index: usize) -> Option<Inhibition> {
    let section = Section::open(at, "inhibit")?;
    let name = section.get("name", name);
    let source = section.need("while", "write while = { code = \"ENGINE_DOWN\" }: what must be open", some_matcher);
    let target = section.need("mute", "write mute = { class = \"engine\" }: what waits meanwhile", some_matcher);
    let equal = section.get("same", fields);
    let lost = section.has("same") && equal.is_none();
    section.finish();
    if lost {
        return None;
    }
    Some(Inhibition {
        name: name.unwrap_or_else(|| INHIBITIONS.name(index)),
        source: source?,
        target: target?,
        equal: equal.unwrap_or_default(),
    })
}
