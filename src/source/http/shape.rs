//! From the bytes of an answer to its items, without building a tree: a hostile page costs no more memory than its bytes. It
//! knows no HTTP.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::run::{Limits, Run, read_run};

const WHERE_LISTS_ARE: [&str; 3] = ["runs", "data", "items"];

/// The items of one answer, each read for itself.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// What could be read, with the hash of its text: the same text again is no news.
    pub(super) runs: Vec<(Run, u64)>,
    /// How many could not.
    pub(super) unreadable: usize,
    /// Why the first of these could not. Untrusted.
    pub(super) complaint: Option<String>,
}

/// The JSON texts of a native answer: an array, an object that holds one, one run, or NDJSON.
pub(super) fn native_items(body: &[u8]) -> Result<Vec<&[u8]>, String> {
    let text = std::str::from_utf8(body).map_err(|_| not_a_list("it is not UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None => Err(not_a_list("it is empty")),
        Some(b'[') => elements(text).map_err(|error| not_a_list(&error)),
        Some(b'{') => match serde_json::from_str::<&RawValue>(text) {
            Ok(_) => Ok(inside(text)),
            Err(_) => lines(text),
        },
        Some(b'<') => Err(not_a_list("it is HTML")),
        Some(_) => Err(not_a_list("it is not JSON")),
    }
}

/// The JSON texts that a filter gave: a stream of runs, or arrays of them. `null` stands for nothing.
pub(super) fn filtered_items(outputs: &[Vec<u8>]) -> Result<Vec<&[u8]>, String> {
    let mut items = Vec::new();
    for output in outputs {
        let text = std::str::from_utf8(output).map_err(|_| not_a_list("the filter gives no UTF-8"))?;
        match text.as_bytes().first() {
            Some(b'[') => items.extend(elements(text).map_err(|error| not_a_list(&error))?),
            Some(_) if text == "null" => {}
            _ => items.push(output.as_slice()),
        }
    }
    Ok(items)
}

/// Reads each item for itself.
///
/// # Errors
/// When there are items and none of them can be read: that is the wrong answer, not a list with a few bad rows.
pub(super) fn read_items(texts: &[&[u8]]) -> Result<Items, String> {
    let mut items = Items::default();
    for text in texts {
        match read_run(text, Limits::default()) {
            Ok(run) => items.runs.push((run, hash(text))),
            Err(error) => {
                items.unreadable += 1;
                items.complaint.get_or_insert_with(|| error.to_string());
            }
        }
    }
    match &items.complaint {
        Some(complaint) if items.runs.is_empty() => Err(not_a_list(complaint)),
        _ => Ok(items),
    }
}

/// How many rows the engine sent, before any filter: what tells a short page. Unknown when there is no array.
pub(super) fn rows(body: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(body).ok()?.trim();
    longest_array(text, 2)
}

fn longest_array(text: &str, levels: u8) -> Option<usize> {
    if text.starts_with('[') {
        return serde_json::from_str::<Vec<serde::de::IgnoredAny>>(text).ok().map(|rows| rows.len());
    }
    if levels == 0 || !text.starts_with('{') {
        return None;
    }
    let fields: std::collections::BTreeMap<std::borrow::Cow<'_, str>, &RawValue> = serde_json::from_str(text).ok()?;
    fields.values().filter_map(|value| longest_array(value.get(), levels - 1)).max()
}

/// A hash for this process only: what was handed over is remembered in memory and nowhere else.
pub(super) fn hash(value: impl std::hash::Hash) -> u64 {
    use std::hash::Hasher;
    let mut hasher = std::hash::DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn elements(text: &str) -> Result<Vec<&[u8]>, String> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(items.into_iter().map(|item| item.get().as_bytes()).collect())
}

fn inside(text: &str) -> Vec<&[u8]> {
    #[derive(Deserialize)]
    struct Lists<'a> {
        #[serde(borrow)]
        runs: Option<&'a RawValue>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(borrow)]
        items: Option<&'a RawValue>,
    }
    let Ok(lists) = serde_json::from_str::<Lists<'_>>(text) else { return vec![text.as_bytes()] };
    let list = [lists.runs, lists.data, lists.items].into_iter().flatten().find(|list| list.get().starts_with('['));
    list.and_then(|list| elements(list.get()).ok()).unwrap_or_else(|| vec![text.as_bytes()])
}

fn lines(text: &str) -> Result<Vec<&[u8]>, String> {
    let mut items = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        serde_json::from_str::<&RawValue>(line).map_err(|error| not_a_list(&error.to_string()))?;
        items.push(line.as_bytes());
    }
    Ok(items)
}

fn not_a_list(why: &str) -> String {
    let lists = WHERE_LISTS_ARE.join("`, `");
    format!("not the shape of a list of runs (an array, or an object with `{lists}`): {why}")
}
