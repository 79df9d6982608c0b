//! Cuts a body into the JSON texts of its items, without building any of them.
//! It must not know what a run looks like.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The items of a body.
pub(super) struct Parts<'a> {
    /// The body is an array.
    pub(super) array: bool,
    /// The text of each item, or why it is no JSON.
    pub(super) items: Vec<Result<&'a str, serde_json::Error>>,
}

/// Why there are no items.
pub(super) enum Broken {
    Empty,
    TooMany,
    Syntax(serde_json::Error),
}

/// Cuts at the commas of an array, or after each of several values.
pub(super) fn split(text: &str, limit: usize) -> Result<Parts<'_>, Broken> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Broken::Empty);
    }
    if text.starts_with('[') { split_array(text, limit) } else { split_stream(text, limit) }
}

fn split_array(text: &str, limit: usize) -> Result<Parts<'_>, Broken> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let items = deserializer.deserialize_seq(Items { limit }).map_err(Broken::Syntax)?;
    if items.len() > limit {
        return Err(Broken::TooMany);
    }
    deserializer.end().map_err(Broken::Syntax)?;
    Ok(Parts { array: true, items: items.into_iter().map(|item| Ok(item.get())).collect() })
}

fn split_stream(text: &str, limit: usize) -> Result<Parts<'_>, Broken> {
    let mut items = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let skipped = loop {
            if items.len() > limit {
                return Err(Broken::TooMany);
            }
            match stream.next() {
                None => return Ok(Parts { array: false, items }),
                Some(Ok(item)) => items.push(Ok(item.get())),
                Some(Err(error)) => {
                    items.push(Err(error));
                    break stream.byte_offset();
                }
            }
        };
        // Go on at the next line that begins an object. In pretty-printed JSON no inner object stands at the margin.
        rest = rest.get(skipped..).and_then(|tail| Some(&tail[tail.find("\n{")? + 1..])).unwrap_or_default();
    }
    match items.pop() {
        Some(Err(error)) if items.is_empty() => Err(Broken::Syntax(error)),
        last => {
            items.extend(last);
            Ok(Parts { array: false, items })
        }
    }
}

struct Items {
    limit: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of runs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            // One more than allowed tells the caller enough; the rest must still be passed over for `visit_seq` to end well.
            if items.len() <= self.limit {
                items.push(item);
            }
        }
        Ok(items)
    }
}

/// How many elements `steps` has; 0 where that can't be told.
pub(super) fn count_steps(item: &str) -> usize {
    let mut deserializer = serde_json::Deserializer::from_str(item);
    deserializer.deserialize_map(StepCount).unwrap_or(0)
}

struct StepCount;

impl<'de> Visitor<'de> for StepCount {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a run")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut steps = 0;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "steps" {
                let raw: &RawValue = map.next_value()?;
                let elements = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(Count);
                steps = steps.max(elements.unwrap_or(0));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(steps)
    }
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut elements = 0;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            elements += 1;
        }
        Ok(elements)
    }
}
