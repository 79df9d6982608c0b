//! CloudEvents 1.0: the envelope around an event, in its three HTTP forms (structured, batched, binary). What has no envelope is an event
//! as a whole, where the format allows it.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Map, Value, json};

use super::broken;
use crate::config::PushFormat;
use crate::run::{Limits, NativeError};

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// The attributes of its envelope; empty where it has none.
    attributes: Map<String, Value>,
    /// What it says.
    pub(super) data: Value,
}

impl Event {
    /// An attribute of the envelope.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Whether it is one of CDEvents.
    pub(super) fn is_cdevent(&self) -> bool {
        let own = self.data.pointer("/context/type").and_then(Value::as_str);
        self.attribute("type").or(own).is_some_and(|kind| kind.starts_with("dev.cdevents."))
    }

    /// The event in the structured form, for a filter.
    pub(super) fn whole(&self) -> Value {
        let mut whole = self.attributes.clone();
        whole.insert("data".to_owned(), self.data.clone());
        Value::Object(whole)
    }
}

/// The events of a body.
///
/// # Errors
/// When the body is no JSON, or has no envelope where one is needed.
pub(super) fn open(
    format: PushFormat,
    headers: &HeaderMap,
    body: &[u8],
    limits: Limits,
) -> Result<Vec<Result<Event, NativeError>>, NativeError> {
    let binary = header(headers, "ce-specversion").is_some();
    // A binary event about nothing but itself may have no body.
    let data: Value = if binary && body.trim_ascii().is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(body).map_err(|error| broken(0, format!("not JSON: {error}")))?
    };
    if binary {
        return Ok(vec![Ok(Event { attributes: of_headers(headers), data })]);
    }
    let kind = header(headers, CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let items = match data {
        Value::Array(items) if items.len() > limits.runs => {
            return Err(broken(0, format!("more than {} events in one body", limits.runs)));
        }
        Value::Array(items) => items,
        one => vec![one],
    };
    let must = format == PushFormat::CloudEvents || kind.starts_with("application/cloudevents");
    Ok(items.into_iter().enumerate().map(|(index, item)| event(index, item, must)).collect())
}

/// One event in the structured form.
fn event(index: usize, item: Value, must: bool) -> Result<Event, NativeError> {
    let is_wrapped = item.get("specversion").is_some() && item.get("type").is_some();
    match item {
        Value::Object(mut attributes) if is_wrapped => {
            let data = match (attributes.remove("data"), attributes.remove("data_base64")) {
                (Some(Value::String(text)), _) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
                (Some(data), _) => data,
                (None, Some(Value::String(packed))) => unpacked(&packed).map_err(|reason| broken(index, reason))?,
                (None, _) => Value::Null,
            };
            Ok(Event { attributes, data })
        }
        Value::Object(_) if must => {
            let message =
                "no CloudEvent: neither `specversion` and `type` in it nor `ce-specversion` among the headers";
            Err(broken(index, message.to_owned()))
        }
        Value::Object(_) => Ok(Event { attributes: Map::new(), data: item }),
        _ => Err(broken(index, "expected an event: a JSON object".to_owned())),
    }
}

fn unpacked(packed: &str) -> Result<Value, String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map_err(|error| format!("`data_base64` is no base64: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("`data_base64` holds no JSON: {error}"))
}

/// The attributes of a binary event. Values are percent-encoded where they are not ASCII (HTTP binding 3.1.3.2); only what is compared
/// or shown matters here, and that is ASCII.
fn of_headers(headers: &HeaderMap) -> Map<String, Value> {
    let named = headers.iter().filter_map(|(name, value)| {
        let attribute = name.as_str().strip_prefix("ce-")?;
        Some((attribute.to_owned(), json!(value.to_str().ok()?)))
    });
    named.collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
