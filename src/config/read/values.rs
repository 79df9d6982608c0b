//! Readers of plain values: words, counts, durations, sizes, lists.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use toml::Value;
use tracing_subscriber::EnvFilter;

use super::At;
use crate::config::suggest;

/// The longest duration, ten years: nothing that is added to a date can overflow.
const MAX_DURATION: Duration = Duration::from_hours(24 * 3650);

/// A string that is not empty and has no control characters.
pub(in crate::config) fn text(at: &At<'_>) -> Option<String> {
    let Value::String(text) = at.value else {
        return at.wrong("a string");
    };
    if text.trim().is_empty() {
        return at.fail("expected a text, found an empty one", None);
    }
    if text.chars().any(char::is_control) {
        return at
            .fail("control characters can't stand here", Some("write it on one line, without escapes".to_owned()));
    }
    Some(text.clone())
}

/// `true` or `false`.
pub(in crate::config) fn boolean(at: &At<'_>) -> Option<bool> {
    match at.value {
        Value::Boolean(boolean) => Some(*boolean),
        Value::String(text) if at.is_override() && text.trim() == "true" => Some(true),
        Value::String(text) if at.is_override() && text.trim() == "false" => Some(false),
        _ => at.wrong("true or false"),
    }
}

/// An integer from `low` to `high`.
pub(in crate::config) fn count<T: TryFrom<i64>>(low: i64, high: i64) -> impl Fn(&At<'_>) -> Option<T> {
    move |at| {
        let read = match at.value {
            Value::Integer(integer) => Some(*integer),
            Value::String(text) if at.is_override() => text.trim().parse().ok(),
            _ => None,
        };
        match read {
            Some(integer) if (low..=high).contains(&integer) => T::try_from(integer).ok(),
            Some(integer) => at.fail(format!("expected an integer from {low} to {high}, found {integer}"), None),
            None if at.is_override() => at.fail(format!("expected an integer from {low} to {high}"), None),
            None => at.wrong(&format!("an integer from {low} to {high}")),
        }
    }
}

/// A number, with a fraction or without.
pub(in crate::config) fn number(at: &At<'_>) -> Option<f64> {
    match at.value {
        Value::Float(number) => Some(*number),
        Value::Integer(integer) => i32::try_from(*integer).ok().map(f64::from).or_else(|| at.wrong("a smaller number")),
        _ => at.wrong("a number"),
    }
}

/// A duration such as `10s` or `1h30m`, at least `low`.
pub(in crate::config) fn duration(low: Duration) -> impl Fn(&At<'_>) -> Option<Duration> {
    move |at| {
        let help = || Some("write a number and a unit: \"500ms\", \"10s\", \"15m\", \"4h\", \"2d\"".to_owned());
        let text = match at.value {
            Value::String(text) => text,
            Value::Integer(seconds) => {
                return at.fail(
                    format!("expected a duration, found the integer {seconds}"),
                    Some(format!("a duration has a unit: \"{seconds}s\" or \"{seconds}m\"")),
                );
            }
            _ => {
                at.cx.error(&at.path, format!("expected a duration, found {}", super::kind_of(at.value)), help());
                return None;
            }
        };
        match parse_duration(text) {
            None => at.fail(format!("expected a duration, found {text:?}"), help()),
            Some(duration) if duration < low => at.fail(format!("expected at least {low:?}, found \"{text}\""), help()),
            Some(duration) if duration > MAX_DURATION => at.fail("expected at most ten years", help()),
            Some(duration) => Some(duration),
        }
    }
}

/// A duration as the engine counts.
pub(in crate::config) fn span(low: Duration) -> impl Fn(&At<'_>) -> Option<SignedDuration> {
    move |at| duration(low)(at).and_then(|duration| SignedDuration::try_from(duration).ok())
}

fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let millis: u64 = match &after[..unit] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = after[unit..].trim_start();
    }
    Some(total)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim_start()))
}

/// A size in bytes, `1048576` or `"1MiB"`, from 1 KiB to 64 MiB.
pub(in crate::config) fn size(at: &At<'_>) -> Option<usize> {
    let help = || Some("write bytes, 1048576, or a unit: \"512KiB\", \"1MiB\", from 1KiB to 64MiB".to_owned());
    let bytes = match at.value {
        Value::Integer(bytes) => u64::try_from(*bytes).ok(),
        Value::String(text) => parse_size(text),
        other => return at.fail(format!("expected a size, found {}", super::kind_of(other)), help()),
    };
    match bytes {
        Some(bytes @ 0x400..=0x400_0000) => usize::try_from(bytes).ok(),
        Some(bytes) => at.fail(format!("expected a size from 1 KiB to 64 MiB, found {bytes} bytes"), help()),
        None => at.fail("this is no size", help()),
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text.trim())?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "kib" | "k" => 1 << 10,
        "mb" => 1_000_000,
        "mib" | "m" => 1 << 20,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A path, as it is written: a relative one is relative to the working directory of the process.
pub(in crate::config) fn path(at: &At<'_>) -> Option<PathBuf> {
    text(at).map(PathBuf::from)
}

/// A file with PEM certificates.
pub(in crate::config) fn certificate(at: &At<'_>) -> Option<PathBuf> {
    let path = path(at)?;
    match at.cx.files.read(&path, 1 << 20) {
        Ok(pem) if pem.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") => Some(path),
        Ok(_) => at.fail(format!("`{}` holds no PEM certificate", path.display()), None),
        Err(error) => at.fail(format!("failed to read `{}`: {error}", path.display()), None),
    }
}

/// A jq filter that compiles.
pub(in crate::config) fn filter(at: &At<'_>) -> Option<String> {
    let Value::String(filter) = at.value else {
        return at.wrong("a jq filter as a string");
    };
    if filter.trim().is_empty() {
        return at.fail("an empty jq filter yields nothing", Some("leave the key out, or write `.`".to_owned()));
    }
    match (at.cx.filter_check)(filter) {
        Ok(()) => Some(filter.clone()),
        Err(error) => at.fail(format!("the jq filter does not compile: {error}"), None),
    }
}

/// One of `words`.
pub(in crate::config) fn word<'w, T: Copy>(what: &'w str, words: &'w [(&'w str, T)]) -> impl Fn(&At<'_>) -> Option<T> {
    move |at| {
        let Value::String(text) = at.value else {
            return at.wrong(what);
        };
        let found = words.iter().find(|(word, _)| word == text).map(|(_, value)| *value);
        found.or_else(|| {
            at.fail(
                format!("expected {what}, found {text:?}"),
                suggest::hint(text, "known are", words.iter().map(|(word, _)| *word)),
            )
        })
    }
}

/// A list, of which every item is read.
pub(in crate::config) fn list<'a, T>(reader: impl Fn(&At<'a>) -> Option<T>) -> impl FnOnce(&At<'a>) -> Option<Vec<T>> {
    move |at| match at.value {
        Value::Array(items) => {
            let read: Vec<Option<T>> = items.iter().enumerate().map(|(i, item)| reader(&at.item(i, item))).collect();
            read.into_iter().collect()
        }
        _ => at.wrong("a list"),
    }
}

/// One value, or a list of them that is not empty.
pub(in crate::config) fn one_or_many<'a, T>(
    reader: impl Fn(&At<'a>) -> Option<T>,
) -> impl FnOnce(&At<'a>) -> Option<Vec<T>> {
    move |at| match at.value {
        Value::Array(items) if items.is_empty() => {
            at.fail("the list is empty", Some("name at least one, or leave the key out".to_owned()))
        }
        Value::Array(_) => list(reader)(at),
        _ => reader(at).map(|one| vec![one]),
    }
}

/// Whether `name` is made of letters, digits and `more`, 1 to 64 of them.
pub(in crate::config) fn name_like(name: &str, more: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

/// A `tracing` filter.
pub(in crate::config) fn log_level(at: &At<'_>) -> Option<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = text(at)?;
    for part in text.split(',').map(str::trim) {
        // A word alone is a level. To `tracing` it may be a module as well, which would hide every typo.
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            return at.fail(
                format!("`{level}` is no level"),
                suggest::nearest(level, LEVELS)
                    .map(|near| format!("did you mean `{near}`?"))
                    .or_else(|| Some("write `info`, or `info,firstred=debug` for one part of it".to_owned())),
            );
        }
    }
    match EnvFilter::builder().parse(&text) {
        Ok(_) => Some(text),
        Err(error) => at.fail(format!("not a log filter: {error}"), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("2d"), Some(Duration::from_hours(48)));
        for wrong in ["", "10", "s", "-1s", "1.5h", "10 parsecs", "1M", "99999999999999999999d", "9999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_size_is_bytes_or_has_a_unit() {
        assert_eq!(parse_size("1MiB"), Some(1 << 20));
        assert_eq!(parse_size("64 kb"), Some(64_000));
        assert_eq!(parse_size("1 parsec"), None);
    }
}
