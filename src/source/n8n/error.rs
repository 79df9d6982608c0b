//! From n8n's errors to code, message, status and "would another try help". It must not know which node failed.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::run::{StepError, UNKNOWN_ERROR};

/// What an error says whose text n8n hides.
const HIDDEN: &str = "(redacted by n8n)";

/// How a provider's answer begins among the messages: `503 - "…"`.
static ANSWER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([1-5][0-9]{2}) - ((?s).*)$").ok());
static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bstatus code ([1-5][0-9]{2})\b").ok());

/// What an error of a node, or of a run, says.
pub(super) fn of(error: &Value) -> StepError {
    if let Some(hidden) = hidden(error) {
        return hidden;
    }
    let own = &error["context"]["metadata"];
    let answer = Answer::of(error);
    let errno = errno(error);
    let provider_status = http_code(error).or(answer.status).or_else(|| cause_status(error)).or_else(|| of_object(own));
    let code = code(&own["code"]).or(answer.code).or_else(|| errno.clone()).or_else(|| text(&error["name"]));
    StepError {
        code: code.unwrap_or_else(|| "Error".to_owned()),
        message: message(error),
        provider_status,
        retryable: own["retryable"].as_bool().or_else(|| retryable(provider_status, errno.as_deref())),
        detail: anything(&error["description"]).or_else(|| first_message(error)),
    }
}

/// What a node put out instead of failing: a sentence, or an object with a message.
pub(super) fn swallowed(error: &Value) -> StepError {
    let Some(sentence) = error.as_str() else {
        let error = of(error);
        let Some(answer) = Answer::read(&error.message) else { return error };
        let retryable = retryable(answer.status, None);
        return StepError {
            provider_status: answer.status,
            retryable,
            code: answer.code.unwrap_or(error.code),
            ..error
        };
    };
    StepError { code: UNKNOWN_ERROR.to_owned(), message: sentence.to_owned(), ..StepError::default() }
}

/// The run that the node started and that failed.
pub(super) fn child(error: &Value) -> Option<u64> {
    super::wire::id_of(&error["executionId"])
}

fn hidden(error: &Value) -> Option<StepError> {
    let kind = text(&error["type"]).filter(|_| error["message"].is_null() && error["name"].is_null())?;
    Some(StepError { code: kind, message: HIDDEN.to_owned(), ..StepError::default() })
}

/// Where n8n passes an error on without its sentence, as it does with those of triggers, another part of it may have one.
fn message(error: &Value) -> String {
    let said = [error, &error["message"], &error["description"], &error["cause"]["message"], &error["messages"][0]];
    said.into_iter().find_map(text).unwrap_or_default()
}

/// What the provider answered, as n8n passes it on.
#[derive(Default)]
struct Answer {
    status: Option<u16>,
    code: Option<String>,
}

impl Answer {
    fn of(error: &Value) -> Self {
        let all = [&error["messages"], &error["errorResponse"]["messages"]];
        let mut messages = all.into_iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        messages.find_map(Self::read).unwrap_or_default()
    }

    fn read(message: &str) -> Option<Self> {
        let found = ANSWER.as_ref()?.captures(message)?;
        let status = found.get(1)?.as_str().parse().ok();
        Some(Self { status, code: code_of_body(found.get(2)?.as_str().trim()) })
    }
}

/// The code in a provider's body, which is JSON inside of a JSON string, or JSON as it is.
fn code_of_body(body: &str) -> Option<String> {
    let inner = serde_json::from_str::<String>(body);
    let body: Value = serde_json::from_str(inner.as_deref().unwrap_or(body)).ok()?;
    let error = &body["error"];
    // OAuth says `{"error": "invalid_grant"}`: a word, where others write a sentence.
    let word = error.as_str().filter(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    code(&error["code"])
        .or_else(|| word.map(str::to_owned))
        .or_else(|| body["code"].as_str().and_then(|_| code(&body["code"])))
}

fn code(value: &Value) -> Option<String> {
    text(value).or_else(|| value.as_i64().map(|number| number.to_string()))
}

/// The status that the provider answered. n8n writes it as text, and in its place the system's word where nobody answered.
fn http_code(error: &Value) -> Option<u16> {
    [&error["httpCode"], &error["errorResponse"]["httpCode"]].into_iter().find_map(status)
}

fn status(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u16::try_from(number).ok().filter(|status| (100..600).contains(status))
}

/// `ECONNREFUSED` and the like.
fn errno(error: &Value) -> Option<String> {
    let is_errno = |word: &&str| {
        word.len() > 1 && word.starts_with('E') && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    };
    let places = [&error["httpCode"], &error["errorResponse"]["httpCode"], &error["code"], &error["cause"]["code"]];
    places.into_iter().filter_map(Value::as_str).find(is_errno).map(str::to_owned)
}

/// A trigger that asks for news says the status only in words.
fn cause_status(error: &Value) -> Option<u16> {
    let pattern = STATUS.as_ref()?;
    [&error["cause"]["message"], &error["message"]]
        .into_iter()
        .filter_map(Value::as_str)
        .find_map(|said| pattern.captures(said)?.get(1)?.as_str().parse().ok())
}

/// What somebody wrote into the error object of a Stop and Error node.
fn of_object(own: &Value) -> Option<u16> {
    ["httpCode", "statusCode", "providerStatus"].into_iter().find_map(|name| status(&own[name]))
}

fn retryable(status: Option<u16>, errno: Option<&str>) -> Option<bool> {
    match (status, errno) {
        (Some(408 | 425 | 429 | 500..=599), _) => Some(true),
        (Some(400..=499), _) | (_, Some("ENOTFOUND")) => Some(false),
        (_, Some(errno)) if errno.starts_with("ECONN") || errno == "ETIMEDOUT" => Some(true),
        _ => None,
    }
}

fn first_message(error: &Value) -> Option<String> {
    text(&error["messages"][0])
}

/// A text that says anything.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// A text, or the JSON that stands in its place.
fn anything(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(_) => text(value),
        other => Some(other.to_string()),
    }
}
