//! Reads native runs from JSON: with limits, each item for itself, and mistakes named by JSON pointer.
//! It must not know where the bytes came from, nor what becomes of the runs.

pub(super) mod fields;
mod scan;
mod split;
#[cfg(test)]
mod tests;

use super::Run;
use split::Broken;

/// What a body may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nesting of the JSON of one run.
    pub depth: usize,
    /// Steps of one run.
    pub steps: usize,
    /// Runs in one body.
    pub runs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, steps: 5_000, runs: 10_000 }
    }
}

/// Why an item can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {message}")]
pub struct NativeError {
    /// Which item of the body, from 0.
    pub index: usize,
    /// JSON pointer (RFC 6901) from the body's root to what is wrong; empty for the whole body. NDJSON of several values
    /// counts as if it were an array of them.
    pub pointer: String,
    /// What is wrong and what was expected.
    pub message: String,
}

/// The longest message of a [`NativeError`], in bytes: it may quote what was sent.
const MESSAGE_CAP: usize = 300;

/// Reads one run.
///
/// # Errors
/// When it is not a native run, or breaks a limit.
pub fn read_run(json: &[u8], limits: Limits) -> Result<Run, NativeError> {
    let text = match std::str::from_utf8(json) {
        Ok(text) => text,
        Err(error) => return Err(whole(format!("not UTF-8 from byte {} on", error.valid_up_to()))),
    };
    read_item(without_mark(text), limits, "", 0)
}

/// Reads a body of runs: one object, an array of them, or NDJSON (JSON values one after the other). Each item is read
/// for itself: a bad one does not spoil the others.
///
/// # Errors
/// When the body as a whole can't be read: empty, not JSON, too many runs.
pub fn read_batch(json: &[u8], limits: Limits) -> Result<Vec<Result<Run, NativeError>>, NativeError> {
    let (text, holes) = match std::str::from_utf8(json) {
        Ok(text) => (std::borrow::Cow::Borrowed(text), Vec::new()),
        // Read on, so that only the items with the bad bytes in them are refused.
        Err(_) => lossy(json),
    };
    let text = without_mark(&text);
    if holes.is_empty() && text.trim_start().starts_with('{') {
        let shape = scan::shape(text);
        if shape.depth <= limits.depth
            && shape.objects <= limits.steps
            && let Ok(run) = serde_json::from_str::<Run>(text)
        {
            return Ok(vec![Ok(run)]);
        }
    }
    let parts = split::split(text, limits.runs).map_err(|why| match why {
        Broken::Empty => whole("the body is empty: expected a run, an array of runs, or one run a line".to_owned()),
        Broken::TooMany => whole(format!("more than {} runs in one body", limits.runs)),
        Broken::Syntax(error) if holes.is_empty() => whole(format!("not JSON: {error}")),
        Broken::Syntax(error) => whole(format!("neither UTF-8 nor JSON: {error}")),
    })?;
    let numbered = parts.array || parts.items.len() > 1;
    let read = parts.items.iter().enumerate().map(|(index, part)| {
        let base = if numbered { format!("/{index}") } else { String::new() };
        let item = match part {
            Ok(item) => *item,
            Err(error) => return Err(bad(index, base, format!("not JSON: {error}"))),
        };
        // Items are slices of the text, so the difference of their addresses is their place in it.
        let start = item.as_ptr().addr() - text.as_ptr().addr();
        if holes.iter().any(|hole| (start..start + item.len()).contains(hole)) {
            return Err(bad(index, base, "not UTF-8".to_owned()));
        }
        read_item(item, limits, &base, index)
    });
    Ok(read.collect())
}

fn read_item(item: &str, limits: Limits, base: &str, index: usize) -> Result<Run, NativeError> {
    let shape = scan::shape(item);
    if shape.depth > limits.depth {
        let message = format!("nested deeper than {} levels", limits.depth);
        return Err(bad(index, base.to_owned(), message));
    }
    // A struct can be read from an array too, field by field: nobody means that.
    if !item.trim_start().starts_with('{') {
        return Err(bad(
            index,
            base.to_owned(),
            "expected a run: an object with `id`, `workflow` and `status`".to_owned(),
        ));
    }
    // Every step is an object. Only an item with very many of them is worth counting before memory is spent on it.
    if shape.objects > limits.steps && split::count_steps(item) > limits.steps {
        let message = format!("more than {} steps in one run", limits.steps);
        return Err(bad(index, format!("{base}/steps"), message));
    }
    match serde_json::from_str(item) {
        Ok(run) => Ok(run),
        Err(_) => read_slowly(item, base, index),
    }
}

/// Reads again what failed, this time keeping the path.
fn read_slowly(item: &str, base: &str, index: usize) -> Result<Run, NativeError> {
    let mut deserializer = serde_json::Deserializer::from_str(item);
    let error = match serde_path_to_error::deserialize::<_, Run>(&mut deserializer) {
        Ok(run) => match deserializer.end() {
            Ok(()) => return Ok(run),
            Err(error) => {
                return Err(bad(index, base.to_owned(), format!("expected one run and nothing after it: {error}")));
            }
        },
        Err(error) => error,
    };
    let mut pointer = base.to_owned();
    let mut field = "";
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            serde_path_to_error::Segment::Map { key } if !key.starts_with("$serde_json::private") => {
                field = key;
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            _ => {}
        }
    }
    let inner = error.inner();
    let mut message = inner.to_string();
    if inner.is_data() {
        // The place inside the item would mislead; the pointer is better.
        if let Some(place) = message.rfind(" at line ") {
            message.truncate(place);
        }
        if field.ends_with("At") {
            message = format!("expected an RFC 3339 time such as \"2026-11-22T02:07:00Z\": {message}");
        }
    } else {
        message = format!("not JSON: {message}");
    }
    Err(bad(index, pointer, message))
}

fn whole(message: String) -> NativeError {
    bad(0, String::new(), message)
}

fn bad(index: usize, pointer: String, mut message: String) -> NativeError {
    if message.len() > MESSAGE_CAP {
        message.truncate(message.floor_char_boundary(MESSAGE_CAP));
        message.push('…');
    }
    NativeError { index, pointer, message }
}

/// A byte order mark is no JSON, yet Windows tools write it.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The text with U+FFFD for what is not UTF-8, and where those stand in it (a byte order mark does not count).
fn lossy(bytes: &[u8]) -> (std::borrow::Cow<'_, str>, Vec<usize>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut holes = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            holes.push(text.len());
            text.push('\u{fffd}');
        }
    }
    (text.into(), holes)
}
