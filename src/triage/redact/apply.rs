//! Applies the rules to a text: finds what is secret, joins what overlaps, writes markers. It must not know the patterns.

use std::borrow::Cow;
use std::ops::Range;

use regex::{Captures, Regex};

use super::rules::{self, Need, Rule, RuleSet};
use super::{Redacted, view};

/// How a marker begins; the kind and `]` follow.
const MARKER: &str = "[REDACTED:";

/// Rounds until nothing more is found. A second one confirms the first; further ones are for texts that are built to
/// form a new secret out of what is left.
const ROUNDS: usize = 4;

/// A secret's place and the kind that names it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) at: Range<usize>,
    /// Place of the rule in the order of all rules: the smaller one names what two rules cover.
    pub(super) order: usize,
    pub(super) id: &'static str,
}

/// Takes out what looks like a secret.
pub(super) fn redact(text: &str) -> Redacted<'_> {
    let mut text = Cow::Borrowed(text);
    let mut count = 0;
    for _ in 0..ROUNDS {
        let found = find(&text);
        if found.is_empty() {
            break;
        }
        let (next, new) = replace(&text, found);
        count += new;
        text = Cow::Owned(next);
    }
    Redacted { text, count }
}

fn find(text: &str) -> Vec<Found> {
    let possible = rules::possible(text);
    if possible == 0 {
        return Vec::new();
    }
    let markers = markers(text);
    let mut unescaped: Option<Cow<'_, str>> = None;
    let mut found = Vec::new();
    for (order, rule) in rules::all().enumerate() {
        if possible & ((1 as RuleSet) << order) == 0 || (rule.keywords == ["."] && !has_long_word(text)) {
            continue;
        }
        let Some(regex) = rule.regex() else { continue };
        let searched: &str =
            if rule.vendor { unescaped.get_or_insert_with(|| view::unescaped(text)) } else { text };
        each_secret(regex, searched, |at, captures| {
            // A view is as long as its text, so a place in it is a place in the text.
            if text.get(at.clone()).is_some_and(|secret| is_secret(rule, text, secret, captures))
                && let Some(at) = beside_markers(text, at, &markers)
            {
                found.push(Found { at, order, id: rule.id });
            }
        });
    }
    found
}

/// Calls `take` with each match's secret. Without groups, captures (which cost much more) are not needed.
fn each_secret(regex: &Regex, text: &str, mut take: impl FnMut(Range<usize>, Option<&Captures<'_>>)) {
    if regex.captures_len() == 1 {
        regex.find_iter(text).for_each(|found| take(found.range(), None));
        return;
    }
    for captures in regex.captures_iter(text) {
        let secret = ["s", "s2", "s3"].iter().find_map(|group| captures.name(group)).or_else(|| captures.get(0));
        if let Some(secret) = secret {
            take(secret.range(), Some(&captures));
        }
    }
}

/// Whether the rule's conditions on the value and on its name hold.
fn is_secret(rule: &Rule, text: &str, secret: &str, captures: Option<&Captures<'_>>) -> bool {
    let word = secret.trim_end_matches(['.', ':', ',', ';', ')']);
    if rule.stops && is_placeholder(word) {
        return false;
    }
    let needed = match rule.need {
        None => true,
        Some(Need::Digit) => word.bytes().any(|byte| byte.is_ascii_digit()),
        Some(Need::DigitOrSymbol) => word.chars().any(|c| !c.is_alphabetic()),
    };
    let named = captures.and_then(|captures| captures.name("k"));
    needed && (!rule.mixed || entropy(word) >= 3.0) && !named.is_some_and(|name| names_no_secret(text, name.range()))
}

/// Words that stand where a secret would, and say that there is none.
const STOPS: [&str; 54] = ["and", "api_key", "apikey", "argument", "cannot", "changeme", "default", "empty", "example", "expired", "false", "flag", "for", "from", "has", "hidden", "in", "incorrect", "invalid", "is", "masked", "missing", "must", "needs", "nil", "no", "none", "not", "null", "of", "option", "optional", "or", "password", "placeholder", "redacted", "required", "requires", "secret", "should", "string", "to", "token", "true", "undefined", "unset", "value", "was", "with", "xxx", "yes", "your_api_key", "your_password", "your_token"];

/// Whether a value only stands for one: `null`, `<redacted>`, `***`, `${PASSWORD}`.
fn is_placeholder(value: &str) -> bool {
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() {
        return value.chars().all(|c| matches!(c, '*' | '.' | '•' | '…' | '-' | '_' | '#' | '{' | '}' | '<' | '>' | '?'));
    }
    let lower = bare.to_ascii_lowercase();
    // Punctuation beside the word may belong to a password, so only brackets and the like are looked through.
    let wrapped = value.trim_matches(['<', '>', '[', ']', '(', ')', '{', '}', '*', '"', '\'', '`', '$', '%', '.']);
    let name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.'));
    let template = value.starts_with("${") || value.starts_with("{{") || value.starts_with("$(") || value.starts_with("%(");
    let bracketed = value.starts_with('<') && value.ends_with('>');
    let variable = value.strip_prefix('$').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    });
    (wrapped.len() == bare.len() && (STOPS.binary_search(&lower.as_str()).is_ok() || lower.bytes().all(|b| b == b'x')))
        || ((template || bracketed) && name(bare))
        || variable
}

/// Whether a name that ends like a secret's says otherwise: `page_token`, `cache_key`. What is called a password is one.
fn names_no_secret(text: &str, core: Range<usize>) -> bool {
    let before = text[..core.start].bytes().rev().take(40);
    let start = core.start
        - before.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')).count();
    let name = text[start..core.end].to_ascii_lowercase();
    // A shell's working directory, not a password.
    if matches!(&text[start..core.end], "PWD" | "OLDPWD") {
        return text[core.end..].trim_start_matches(['=', ':', ' ', '"', '\'']).starts_with('/');
    }
    let core = name.get(core.start - start..).unwrap_or(&name);
    if core.starts_with("pass") || core == "pwd" || core.contains("secret") || name.contains("nextauth") {
        return false;
    }
    const PARTS: [&str; 15] = [
        "public", "hint", "policy", "foreign", "primary", "partition", "sort", "cache", "page", "next", "continu",
        "cursor", "sync", "max_", "num_",
    ];
    PARTS.iter().any(|part| name.contains(part))
}

/// Bits for each character, by how often each occurs.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

/// Whether a word is long enough for a Discord token, the only rule whose keyword is a full stop.
fn has_long_word(text: &str) -> bool {
    let joined = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.as_bytes().split(|byte| !joined(*byte)).any(|word| word.len() >= 59)
}

/// The markers that are already in the text.
fn markers(text: &str) -> Vec<Range<usize>> {
    let places = text.match_indices(MARKER);
    let marker = |(start, _): (usize, &str)| {
        let id = &text[start + MARKER.len()..];
        let end = id.bytes().take(48).position(|byte| byte == b']')?;
        id.get(..end).filter(|id| rules::is_id(id)).map(|_| start..start + MARKER.len() + end + 1)
    };
    places.filter_map(marker).collect()
}

/// The place of a secret grown over the markers that it touches; nothing when there is no more to it than markers.
fn beside_markers(text: &str, at: Range<usize>, markers: &[Range<usize>]) -> Option<Range<usize>> {
    let first = markers.partition_point(|marker| marker.end <= at.start);
    let touched = markers.get(first..)?.iter().take_while(|marker| marker.start < at.end);
    let (mut grown, mut seen, mut more) = (at.clone(), at.start, false);
    for marker in touched {
        more |= holds_text(text, seen..marker.start);
        seen = marker.end;
        grown = grown.start.min(marker.start)..grown.end.max(marker.end);
    }
    (more || holds_text(text, seen..at.end)).then_some(grown)
}

fn holds_text(text: &str, at: Range<usize>) -> bool {
    text.get(at).is_some_and(|part| part.chars().any(char::is_alphanumeric))
}

/// Writes markers over what was found. Also says how many secrets that were not yet counted these are.
pub(super) fn replace(text: &str, mut found: Vec<Found>) -> (String, u32) {
    found.sort_by_key(|found| (found.at.start, found.order));
    let mut joined: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        match joined.last_mut() {
            Some(last) if next.at.start < last.at.end => {
                last.at.end = last.at.end.max(next.at.end);
                if next.order < last.order {
                    (last.order, last.id) = (next.order, next.id);
                }
            }
            _ => joined.push(next),
        }
    }
    let mut out = String::with_capacity(text.len());
    let (mut done, mut new) = (0, 0);
    for Found { at, id, .. } in joined {
        out.push_str(&text[done..at.start]);
        out.extend([MARKER, id, "]"]);
        new += u32::from(!text[at.clone()].contains(MARKER));
        done = at.end;
    }
    out.push_str(&text[done..]);
    (out, new)
}
