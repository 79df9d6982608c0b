//! What the exceptions of Python say: their class, the status that an HTTP client got, and whether another try would help. The engines
//! that run Python share it; it knows none of them.

use std::sync::LazyLock;

use regex::Regex;

use crate::run::{StepError, UNKNOWN_ERROR};

/// How the HTTP clients of Python name the status that they got: httpx, requests, urllib, aiohttp; and as people
/// write it: `HTTP 503 from the events API`.
const STATUS_PATTERNS: [&str; 6] = [
    r"(?:Client error|Server error|Redirect response|Informational response) '([1-5][0-9]{2})\b",
    r"\b([1-5][0-9]{2}) (?:Client|Server) Error\b",
    r"\bHTTP Error ([1-5][0-9]{2})\b",
    r"\bClientResponseError: ([1-5][0-9]{2})\b",
    r"^([1-5][0-9]{2}), message=",
    r"\bHTTP(?:/[0-9.]+)? ([45][0-9]{2})\b",
];

/// Exceptions that mean that the other side was not reached, or went away.
const CONNECTION: [&str; 24] = [
    "BrokenPipeError",
    "ClientConnectionError",
    "ClientConnectorError",
    "ClientOSError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectTimeoutError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "ConnectionTimeout",
    "ConnectionTimeoutError",
    "MaxRetryError",
    "NewConnectionError",
    "PoolTimeout",
    "ReadError",
    "ReadTimeout",
    "ReadTimeoutError",
    "RemoteDisconnected",
    "RemoteProtocolError",
    "ServerDisconnectedError",
    "WriteError",
    "WriteTimeout",
];

const CONNECTION_WORDS: [&str; 5] =
    ["[Errno 111]", "[Errno 104]", "[Errno 110]", "Connection refused", "Connection reset by peer"];

static STATUS: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&STATUS_PATTERNS));
static EXCEPTION: LazyLock<Vec<Regex>> =
    LazyLock::new(|| compiled(&[r"^([^\W\d][\w.]*)(?::(?: |\n|$)|\n|$)((?s).*)$"]));

/// The patterns, compiled. One that does not compile is left out: a test sees to it that there is none.
pub(super) fn compiled(patterns: &[&str]) -> Vec<Regex> {
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
}

/// `Class: text`, `Class:` or `Class`, taken apart.
pub(super) fn exception(text: &str) -> Option<(&str, &str)> {
    let found = EXCEPTION.first()?.captures(text)?;
    Some((found.get(1)?.as_str(), found.get(2)?.as_str().trim_end()))
}

/// The status that the service answered, as the client's exception names it.
pub(super) fn provider_status(code: &str, message: &str) -> Option<u16> {
    // The status stands at the beginning; a long message may hold anything further on.
    let head: String = message.chars().take(2_000).collect();
    let named = format!("{code}: {head}");
    STATUS
        .iter()
        .find_map(|pattern| pattern.captures(&head).or_else(|| pattern.captures(&named))?.get(1)?.as_str().parse().ok())
}

/// An error from a sentence that somebody passed on: `Class: text` is taken apart where the class is one of an error, and where only the
/// last line of `stack` says it, it is taken from there.
pub(super) fn sentence(message: &str, stack: Option<&str>) -> StepError {
    let of_class = |text| exception(text).filter(|(class, _)| names_an_error(class));
    let last = stack.and_then(|stack| stack.trim_end().lines().rev().find(|line| !line.starts_with([' ', '\t'])));
    let (code, said) = of_class(message)
        .or_else(|| of_class(last?).filter(|(_, said)| message.contains(said)).map(|(class, _)| (class, message)))
        .unwrap_or((UNKNOWN_ERROR, message));
    let class = code.rsplit('.').next().unwrap_or(code);
    let provider_status = provider_status(class, said);
    StepError {
        code: class.to_owned(),
        message: said.to_owned(),
        provider_status,
        retryable: retryable(provider_status, class, said),
        detail: stack.filter(|stack| *stack != message).map(str::to_owned),
    }
}

/// Whether a word is the class of an error, and no word of a sentence that happens to stand before a colon.
fn names_an_error(class: &str) -> bool {
    let last = class.rsplit('.').next().unwrap_or(class);
    let is_class = last.starts_with(|c: char| c.is_ascii_uppercase());
    is_class && ["Error", "Exception", "Timeout", "Failure", "Interrupt", "Exit"].iter().any(|end| last.ends_with(end))
}

/// Whether another try would help, as far as the status or the class of the exception says.
pub(super) fn retryable(status: Option<u16>, code: &str, message: &str) -> Option<bool> {
    match status {
        Some(408 | 425 | 429 | 500..=599) => Some(true),
        Some(400..=499) => Some(false),
        _ => is_connection(code, message).then_some(true),
    }
}

/// Whether the other side was not reached, or went away.
fn is_connection(code: &str, message: &str) -> bool {
    let class = code.rsplit('.').next().unwrap_or(code);
    CONNECTION.contains(&class) || CONNECTION_WORDS.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(STATUS.len(), STATUS_PATTERNS.len());
        assert_eq!(EXCEPTION.len(), 1);
    }
}
