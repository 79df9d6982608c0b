//! `[[test]]`: a run, inline or from a file, and what must come of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use toml::Value;

use super::general::CLASSES;
use super::{Items, name, receiver_names};
use crate::config::path::Path;
use crate::config::read::{At, Section, boolean, path, text, word};
use crate::config::{TestCase, Wanted, suggest};
use crate::run::{Limits, Run, read_batch, read_run};

const TESTS: Items = Items { section: "test", one: "test", why: "`firstred check` names the test that failed" };

/// The largest file of a run.
const MAX_FILE: u64 = 4 << 20;

/// `[[test]]`, against the names of the sources and the rules.
pub(in crate::config) fn tests(
    at: &At<'_>,
    sources: &BTreeSet<String>,
    rules: &BTreeSet<String>,
) -> Option<Vec<TestCase>> {
    TESTS.each(at, |at, index| {
        let test = test(at, index, sources, rules)?;
        Some(test)
    })
}

fn test(at: &At<'_>, index: usize, sources: &BTreeSet<String>, rules: &BTreeSet<String>) -> Option<TestCase> {
    let section = Section::open(at, "test")?;
    let name = section.get("name", name);
    let (inline, file) = (section.get("run", inline), section.get("file", file));
    let run = match (section.has("run"), section.has("file")) {
        (true, true) => at.fail("a test has one run: in `run` or in `file`, not in both", None),
        (false, false) => {
            let help = "write run = { … } as in POST /ingest, or file = \"runs/x.json\"".to_owned();
            at.cx.missing(&at.path, "the test has no run".to_owned(), Some(help));
            None
        }
        _ => inline.or(file),
    };
    let source = section.get("source", |at| known(at, sources, "source"));
    let want = section
        .need("want", "write want = { receivers = [\"NAME\"] }: what must come of the run", |at| want(at, rules));
    section.finish();
    Some(TestCase { name: name.unwrap_or_else(|| TESTS.name(index)), run: run?, source, want: want? })
}

fn want(at: &At<'_>, rules: &BTreeSet<String>) -> Option<Wanted> {
    let section = Section::open(at, "want")?;
    let want = Wanted {
        receivers: section.get("receivers", receiver_names).map(|names| names.into_iter().collect()),
        class: section.get("class", word("a class", &CLASSES)),
        held: section.get("held", boolean),
        rule: section.get("rule", |at| known(at, rules, "rule")),
    };
    if !["receivers", "class", "held", "rule"].iter().any(|key| section.has(key)) {
        let help = "write at least one of `receivers`, `class`, `held`, `rule`".to_owned();
        at.cx.missing(&at.path, "the test wants nothing".to_owned(), Some(help));
    }
    section.finish();
    Some(want)
}

/// A name that is among `names`.
fn known(at: &At<'_>, names: &BTreeSet<String>, what: &str) -> Option<String> {
    let name = text(at)?;
    if names.contains(&name) {
        return Some(name);
    }
    let help = suggest::hint(&name, &format!("known {what}s"), names.iter().map(String::as_str));
    at.cx.unknown_name(&at.path, format!("there is no {what} {name:?}"), help);
    None
}

fn inline(at: &At<'_>) -> Option<Run> {
    if !at.value.is_table() {
        return at.wrong("a native run as a table");
    }
    let json = serde_json::to_vec(&json(at.value)).unwrap_or_default();
    match read_run(&json, Limits::default()) {
        Ok(run) => Some(run),
        Err(error) => {
            at.cx.error(&pointed(&at.path, &error.pointer), format!("not a native run: {}", error.message), None);
            None
        }
    }
}

/// The same value as JSON.
fn json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::String(text.clone()),
        Value::Integer(integer) => Json::from(*integer),
        Value::Float(float) => Json::from(*float),
        Value::Boolean(boolean) => Json::Bool(*boolean),
        Value::Datetime(date) => Json::String(date.to_string()),
        Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(key, value)| (key.clone(), json(value))).collect::<Map<_, _>>())
        }
    }
}

/// Where a JSON pointer leads, from the run on.
fn pointed(run: &Path, pointer: &str) -> Path {
    pointer.split('/').skip(1).fold(run.clone(), |path, part| match part.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(&part.replace("~1", "/").replace("~0", "~")),
    })
}

fn file(at: &At<'_>) -> Option<Run> {
    let file = at.cx.folder.join(path(at)?);
    let shown = file.display();
    let bytes = match at.cx.files.read(&file, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) => {
            let help = Some("it is relative to the configuration file".to_owned());
            return at.fail(format!("failed to read `{shown}`: {error}"), help);
        }
    };
    match read_batch(&bytes, Limits::default()) {
        Err(error) => at.fail(format!("`{shown}`: {error}"), None),
        Ok(runs) if runs.len() != 1 => {
            let help = "a test is about one run: write one test for each".to_owned();
            at.fail(format!("`{shown}` holds {} runs", runs.len()), Some(help))
        }
        Ok(runs) => match runs.into_iter().next()? {
            Ok(run) => Some(run),
            Err(error) => at.fail(format!("`{shown}` holds no native run: {error}"), None),
        },
    }
}
