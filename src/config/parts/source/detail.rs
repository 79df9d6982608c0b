//! `detail` of an `http` source: the requests for one run.

use std::collections::BTreeMap;

use regex::Regex;
use toml::Value;
use url::Url;

use super::http::placeholders;
use crate::config::Detail;
use crate::config::read::{At, Section, filter, list, one_or_many, parse_http_url, text, word};
use crate::run::RunStatus;

const STATUSES: [(&str, RunStatus); 7] = [
    ("pending", RunStatus::Pending),
    ("running", RunStatus::Running),
    ("waiting", RunStatus::Waiting),
    ("paused", RunStatus::Paused),
    ("completed", RunStatus::Completed),
    ("failed", RunStatus::Failed),
    ("cancelled", RunStatus::Cancelled),
];

const OPEN: [(&str, RunStatus); 4] = [
    ("pending", RunStatus::Pending),
    ("running", RunStatus::Running),
    ("waiting", RunStatus::Waiting),
    ("paused", RunStatus::Paused),
];

/// The longest pattern: one that takes an id apart is a line.
const LONGEST: usize = 500;

/// The most requests of each kind beside that for the run itself: each one is waited for.
const MOST: usize = 4;

pub(super) fn detail(at: &At<'_>, runs: Option<&Url>) -> Option<Detail> {
    let section = Section::open(at, "sources.http.detail")?;
    let id_parts = section.get("id_parts", id_parts);
    let known = known(id_parts.as_ref());
    let url = section.need("url", "write the URL of one run, with {id}", |at| address(at, &known, runs));
    let also = section.get("also", |at| also(at, &known, runs)).unwrap_or_default();
    let follow = section.get("follow", |at| follow(at, &also)).unwrap_or_default();
    let program = section.get("filter", filter);
    let statuses = section.get("statuses", one_or_many(word("a status of a run", &STATUSES)));
    let watch = section.get("watch", one_or_many(word("a status of an open run", &OPEN)));
    section.finish();
    Some(Detail {
        url: url?,
        id_parts,
        also,
        follow,
        filter: program,
        statuses: statuses.unwrap_or_else(|| vec![RunStatus::Failed, RunStatus::Running]),
        watch: watch.unwrap_or_default(),
    })
}

/// The placeholders: `id`, and what the pattern names.
fn known(parts: Option<&Regex>) -> Vec<String> {
    let named = parts.into_iter().flat_map(|parts| parts.capture_names().flatten().map(str::to_owned));
    std::iter::once("id".to_owned()).chain(named).collect()
}

fn id_parts(at: &At<'_>) -> Option<Regex> {
    let written = text(at)?;
    let Some(pattern) = Regex::new(&written).ok().filter(|_| written.len() <= LONGEST) else {
        return at.fail("this is no regular expression", Some("write '^(?<job>.+)/(?<number>[0-9]+)$'".to_owned()));
    };
    if pattern.capture_names().flatten().next().is_none() {
        return at.fail("it names no part of the id", Some("write a part as (?<number>[0-9]+)".to_owned()));
    }
    Some(pattern)
}

fn also(at: &At<'_>, known: &[String], runs: Option<&Url>) -> Option<BTreeMap<String, String>> {
    let Value::Table(table) = at.value else {
        return at.wrong("a table of names, each with a URL");
    };
    let mut all = BTreeMap::new();
    for (name, value) in table {
        let entry = at.entry(name, value);
        if is_new(&entry, name, &BTreeMap::new())
            && let Some(url) = address(&entry, known, runs)
        {
            all.insert(name.clone(), url);
        }
    }
    few(at, all.len()).then_some(all)
}

/// In order, for each may lead to the next.
fn follow(at: &At<'_>, also: &BTreeMap<String, String>) -> Option<Vec<(String, String)>> {
    let read = list(|at: &At<'_>| {
        let section = Section::open(at, "sources.http.detail.follow")?;
        let help = "write what its answer is to be called, such as \"log\"";
        let name = section.need("name", help, |at| text(at).filter(|name| is_new(at, name, also)));
        let help = "write a jq filter from the answers so far to an address, such as '.run.log_url'";
        let path = section.need("path", help, filter);
        section.finish();
        Some((name?, path?))
    });
    let all: Vec<(String, String)> = read(at)?;
    few(at, all.len()).then_some(all)
}

fn is_new(at: &At<'_>, name: &str, taken: &BTreeMap<String, String>) -> bool {
    if name == "run" || taken.contains_key(name) {
        let of = if name == "run" { "`url`" } else { "a request of `also`" };
        at.fail::<()>(format!("`{name}` is the answer to {of}"), Some("choose another name".to_owned()));
        return false;
    }
    true
}

fn few(at: &At<'_>, count: usize) -> bool {
    if count > MOST {
        at.fail::<()>(format!("{count} requests for each run: at most {MOST} are sent"), None);
    }
    count <= MOST
}

fn address(at: &At<'_>, known: &[String], runs: Option<&Url>) -> Option<String> {
    let written = text(at)?;
    let bare = |word: &str| word.strip_prefix('+').unwrap_or(word).to_owned();
    if let Some(wrong) = placeholders(&written).find(|word| !known.contains(&bare(word))) {
        let all: Vec<String> = known.iter().map(|word| format!("`{{{word}}}`")).collect();
        let help = match all.as_slice() {
            [only] => format!("only {only} is replaced here"),
            several => format!("these are replaced here: {}", several.join(", ")),
        };
        return at.fail(format!("`{{{wrong}}}` is no placeholder"), Some(help));
    }
    if placeholders(&written).next().is_none() {
        return at.fail("`{id}` is missing: every run would ask for the same", Some("write …/runs/{id}".to_owned()));
    }
    let filled = placeholders(&written).fold(written.clone(), |text, word| text.replace(&format!("{{{word}}}"), "0"));
    let whole = match runs {
        Some(runs) if !filled.contains("://") => runs.join(&filled).map_or_else(|_| filled.clone(), String::from),
        // The list's own address is wrong, which is said already.
        None if !filled.contains("://") => return None,
        _ => filled,
    };
    match parse_http_url(&whole) {
        Err((message, help)) => at.fail(message, help),
        // The token goes with this request: another host must not get it.
        Ok(url) if runs.is_some_and(|runs| runs.origin() != url.origin()) => {
            at.fail("the detail must be on the scheme, host and port of the list's `url`", None)
        }
        Ok(_) => Some(written),
    }
}
