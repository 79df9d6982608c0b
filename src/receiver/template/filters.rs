//! What templates can do beyond the language's own filters: durations, times in a zone, cutting. Pure; it knows no message.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use crate::receiver::message::{text, when};

/// How a time is shown where the template does not say.
const TIME: &str = "%Y-%m-%d %H:%M %Z";

pub(super) fn add_to(jinja: &mut Environment<'_>) {
    jinja.add_filter("duration", duration);
    jinja.add_filter("until", until);
    jinja.add_filter("time", time);
    jinja.add_filter("truncate", truncate);
    jinja.add_filter("default", default);
    jinja.add_filter("d", default);
}

/// `{{ 200 | duration }}`: `3 min 20 s`. Takes seconds, or a duration of the payload such as `PT25H`.
fn duration(value: &Value) -> Result<String, Error> {
    let read = match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok().and_then(|s| SignedDuration::try_from_secs_f64(s).ok()),
        _ => value.as_str().and_then(|text| text.parse().ok()),
    };
    read.map(when::span).ok_or_else(|| wrong("duration takes seconds or a text such as \"PT25H\""))
}

/// `{{ data.run.startedAt | until(data.run.completedAt) }}`: `12.4 s`.
fn until(from: &Value, to: &Value) -> Result<String, Error> {
    Ok(when::span(moment(to)?.duration_since(moment(from)?)))
}

/// `{{ timestamp | time("Europe/Berlin", format="%H:%M") }}`: `11:14`. Without a zone, UTC.
#[expect(clippy::needless_pass_by_value, reason = "minijinja hands named arguments over")]
fn time(value: &Value, zone: Option<String>, named: Kwargs) -> Result<String, Error> {
    let format: Option<String> = named.get("format")?;
    named.assert_all_used()?;
    let zone = match zone {
        Some(name) => {
            TimeZone::get(&name).map_err(|_| wrong("time takes the IANA name of a zone: \"Europe/Berlin\""))?
        }
        None => TimeZone::UTC,
    };
    let shown = jiff::fmt::strtime::format(format.as_deref().unwrap_or(TIME), &moment(value)?.to_zoned(zone));
    shown.map_err(|_| wrong("time can't be shown so: see strftime for what `format` takes"))
}

/// `{{ data.error.message | truncate(80) }}`: at most so many characters, an ellipsis included.
fn truncate(value: &str, most: usize) -> String {
    text::end_cut(value, most)
}

/// `{{ data.step.title | default("no step") }}`: also for what is there and is nothing.
fn default(value: Value, other: Option<Value>) -> Value {
    if value.is_undefined() || value.is_none() { other.unwrap_or_else(|| Value::from("")) } else { value }
}

fn moment(value: &Value) -> Result<Timestamp, Error> {
    let read = value.as_str().and_then(|text| text.parse().ok());
    read.ok_or_else(|| wrong("expected a time of the payload, such as data.run.startedAt"))
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
