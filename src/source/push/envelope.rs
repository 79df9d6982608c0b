//! CloudEvents 1.0: the envelope around an event, in its three HTTP forms (structured, batched, binary; HTTP protocol binding 1.0.2,
//! section 3). What has no envelope is an event as a whole, where the format allows it.

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
    let kind = header(headers, CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let structured = kind.starts_with("application/cloudevents");
    // The content type decides, and only then the headers.
    if !structured && headers.contains_key("ce-specversion") {
        return Ok(vec![binary(headers, &kind, body)]);
    }
    let data: Value = serde_json::from_slice(body).map_err(|error| broken(0, format!("not JSON: {error}")))?;
    let items = match data {
        Value::Array(items) if items.len() > limits.runs => {
            return Err(broken(0, format!("more than {} events in one body", limits.runs)));
        }
        Value::Array(items) => items,
        one => vec![one],
    };
    let must = format == PushFormat::CloudEvents || structured;
    Ok(items.into_iter().enumerate().map(|(index, item)| event(index, item, must)).collect())
}

/// One event in the structured form.
fn event(index: usize, item: Value, must: bool) -> Result<Event, NativeError> {
    let is_wrapped = item.get("specversion").is_some() && item.get("type").is_some();
    match item {
        Value::Object(mut attributes) if is_wrapped => {
            complete(index, &attributes)?;
            let kind = attributes.get("datacontenttype").and_then(Value::as_str).unwrap_or_default();
            let is_json = is_json(&kind.to_ascii_lowercase());
            let data = match (attributes.remove("data"), attributes.remove("data_base64")) {
                // Some senders write the JSON into a text.
                (Some(Value::String(text)), _) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
                (Some(data), _) => data,
                (None, Some(Value::String(packed))) => {
                    unpacked(&packed, is_json).map_err(|reason| broken(index, reason))?
                }
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

/// The event of a request whose headers are its attributes and whose body is its data.
fn binary(headers: &HeaderMap, kind: &str, body: &[u8]) -> Result<Event, NativeError> {
    let mut attributes = of_headers(headers);
    complete(0, &attributes)?;
    if !kind.is_empty() {
        attributes.insert("datacontenttype".to_owned(), json!(kind));
    }
    // An event about nothing but itself may have no body.
    let data = if body.trim_ascii().is_empty() {
        Value::Null
    } else {
        of_type(body, is_json(kind)).map_err(|reason| broken(0, reason))?
    };
    Ok(Event { attributes, data })
}

/// The attributes that an event must have (core specification 1.0.2, section 3.1.1).
fn complete(index: usize, attributes: &Map<String, Value>) -> Result<(), NativeError> {
    for name in ["id", "source", "specversion", "type"] {
        if attributes.get(name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
            return Err(broken(index, format!("no CloudEvent: the attribute `{name}` is missing")));
        }
    }
    match attributes.get("specversion").and_then(Value::as_str) {
        Some(version) if version != "1.0" && !version.starts_with("1.0.") => {
            Err(broken(index, format!("CloudEvents {version:?} is not read; send version 1.0")))
        }
        _ => Ok(()),
    }
}

/// Whether a content type is one of JSON. Without one, data is JSON.
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.is_empty() || kind.ends_with("/json") || kind.ends_with("+json")
}

/// Data as its content type says; what is no JSON is a text, for a filter.
fn of_type(bytes: &[u8], is_json: bool) -> Result<Value, String> {
    match serde_json::from_slice(bytes) {
        Ok(data) => Ok(data),
        Err(error) if is_json => Err(format!("not JSON: {error}")),
        Err(_) => Ok(Value::from(String::from_utf8_lossy(bytes))),
    }
}

fn unpacked(packed: &str, is_json: bool) -> Result<Value, String> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .map_err(|error| format!("`data_base64` is no base64: {error}"))?;
    of_type(&bytes, is_json).map_err(|error| format!("what is in `data_base64` is {error}"))
}

/// The attributes of a binary event. Values are percent-encoded where they are not ASCII (HTTP binding 3.1.3.2).
fn of_headers(headers: &HeaderMap) -> Map<String, Value> {
    let named = headers.iter().filter_map(|(name, value)| {
        let attribute = name.as_str().strip_prefix("ce-")?;
        Some((attribute.to_owned(), json!(decoded(value.to_str().ok()?))))
    });
    named.collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let byte = after.get(..2).and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
