//! From what Dagster says of an exception to an error: the wrappers that Dagster puts around it taken off, the causes kept as detail.
//! It must not know steps or runs.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::python;
use super::wire::{Entry, Error, Metadata};
use crate::run::{StepError, UNKNOWN_ERROR};

/// What Dagster wraps an exception of a user's code in; what matters is the first of its causes.
const WRAPPERS: [&str; 12] = [
    "DagsterExecutionHandleOutputError",
    "DagsterExecutionLoadInputError",
    "DagsterExecutionStepExecutionError",
    "DagsterImportError",
    "DagsterResourceFunctionError",
    "DagsterTypeLoadingError",
    "DagsterTypeMaterializationError",
    "DagsterUserCodeExecutionError",
    "DagsterUserCodeLoadError",
    "HookExecutionError",
    "RetryRequested",
    "RetryRequestedFromPolicy",
];

/// The most causes that are followed.
const DEEP: usize = 20;

static TRIES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^Exceeded max_retries of (\d+)").ok());

/// One exception of a chain, and what it says without its class in front.
struct Said<'a> {
    class: &'a str,
    text: &'a str,
}

/// The error that an exception stands for. `sentence`: what Dagster itself says about it, for an exception without words.
pub(super) fn of(error: &Error, sentence: Option<&str>) -> StepError {
    let links = error.chain.iter().map(|link| &link.error).take(DEEP);
    let chain: Vec<Said<'_>> = std::iter::once(error).chain(links).map(said).collect();
    let wrapped = |at: usize| WRAPPERS.contains(&chain[at].class) && at + 1 < chain.len();
    let main = (0..chain.len()).find(|at| !wrapped(*at)).unwrap_or(0);
    let Said { class, text } = chain[main];
    let code = if class.is_empty() { UNKNOWN_ERROR } else { class };
    let message = Some(text).filter(|text| !text.is_empty()).or(sentence).unwrap_or(class).to_owned();
    // A wrapper repeats the name of the step, except where it counts the tries.
    let counts = chain[..main].iter().map(|said| said.text).filter(|text| tries(text).is_some());
    let causes = chain[main + 1..].iter().map(|said| if said.text.is_empty() { said.class } else { said.text });
    let detail: Vec<&str> = counts.chain(causes).collect();
    let provider_status = chain[main..].iter().find_map(|said| python::provider_status(said.class, said.text));
    StepError {
        code: code.to_owned(),
        provider_status,
        retryable: python::retryable(provider_status, class, &message),
        message,
        detail: (!detail.is_empty()).then(|| detail.join(" <- ")),
    }
}

/// As [`of`], with what a `Failure` was raised with. It is free text by label; `http_status` (`status_code`, `status`), `code` and `retryable`
/// are taken for what they say.
pub(super) fn of_step(error: &Error, metadata: Option<&Metadata>, sentence: Option<&str>) -> StepError {
    let mut found = of(error, sentence);
    let Some(metadata) = metadata else { return found };
    if let Some(description) = metadata.description.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        description.clone_into(&mut found.message);
    }
    if metadata.metadata_entries.is_empty() {
        return found;
    }
    let value = |label: &str| metadata.metadata_entries.iter().find(|entry| entry.label == label).map(value_of);
    let status = ["http_status", "status_code", "status"].iter().find_map(|label| number(&value(label)?));
    found.provider_status = status.filter(|status| (400..600).contains(status)).or(found.provider_status);
    match value("code") {
        Some(Value::String(code)) if !code.trim().is_empty() => found.code = code,
        Some(Value::Number(code)) => found.code = code.to_string(),
        _ => {}
    }
    found.retryable = match value("retryable") {
        Some(Value::Bool(retryable)) => Some(retryable),
        Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => python::retryable(found.provider_status, &found.code, &found.message),
    };
    let pairs = metadata.metadata_entries.iter();
    let pairs: Vec<String> =
        pairs.map(|entry| format!("{}: {}", Value::from(entry.label.as_str()), value_of(entry))).collect();
    let own = format!("{{{}}}", pairs.join(", "));
    found.detail = Some(match found.detail.take() {
        Some(causes) => format!("{own} <- {causes}"),
        None => own,
    });
    found
}

/// How many tries there were to be, where an exception says that they are used up.
pub(super) fn tries_of(error: &Error) -> Option<u32> {
    tries(said(error).text)?.checked_add(1)
}

fn tries(text: &str) -> Option<u32> {
    TRIES.as_ref()?.captures(text)?.get(1)?.as_str().parse().ok()
}

/// `module.Class: text` and a line break, taken apart.
fn said(error: &Error) -> Said<'_> {
    let text = error.message.trim_end_matches('\n');
    // A SyntaxError shows the place first: the words come last.
    let shows_place = text.trim_start().starts_with("File \"");
    let text = text.lines().last().filter(|_| shows_place).unwrap_or(text);
    let Some(class) = error.class_name.as_deref().filter(|class| !class.is_empty()) else {
        let (class, text) = python::exception(text).unwrap_or(("", text));
        return Said { class: class.rsplit('.').next().unwrap_or(class), text };
    };
    let head = text.find([':', '\n']).unwrap_or(text.len());
    let own = text[..head].rsplit('.').next() == Some(class) && !text[..head].contains(char::is_whitespace);
    let text = if own { text[head..].trim_start_matches(':').trim_start_matches([' ', '\n']) } else { text };
    Said { class, text }
}

fn value_of(entry: &Entry) -> Value {
    let text = || [&entry.text, &entry.url, &entry.path, &entry.json_string, &entry.md_str];
    let number = || {
        let whole = entry.int_repr.as_deref()?;
        Some(whole.parse::<i64>().map_or_else(|_| Value::from(whole), Value::from))
    };
    (entry.bool_value.map(Value::from))
        .or_else(number)
        .or_else(|| entry.float_value.map(Value::from))
        .or_else(|| text().into_iter().flatten().next().map(|text| Value::from(text.as_str())))
        .unwrap_or(Value::Null)
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Link;
    use super::*;

    fn error(class: &str, message: &str, causes: &[(&str, &str)]) -> Error {
        let plain = |(class, message): &(&str, &str)| Error {
            class_name: Some((*class).into()),
            message: (*message).into(),
            chain: Vec::new(),
        };
        let chain = causes.iter().map(|cause| Link { error: plain(cause) }).collect();
        Error { chain, ..plain(&(class, message)) }
    }

    #[test]
    fn what_dagster_wraps_around_an_exception_is_taken_off_however_deep() {
        let raised = error(
            "DagsterExecutionLoadInputError",
            "dagster._core.errors.DagsterExecutionLoadInputError: Error occurred while loading input \"x\":\n",
            &[
                ("DagsterExecutionStepExecutionError", "dagster._core.errors.DagsterExecutionStepExecutionError: x\n"),
                ("BotoError", "lib.sub.BotoError: no such key: 'a: b'\n"),
                ("KeyError", "KeyError\n"),
            ],
        );
        let found = of(&raised, None);
        assert_eq!((found.code.as_str(), found.message.as_str()), ("BotoError", "no such key: 'a: b'"));
        assert_eq!(found.detail.as_deref(), Some("KeyError"));
    }

    #[test]
    fn a_wrapper_without_a_cause_is_the_error_itself() {
        let found = of(&error("DagsterImportError", "dagster._core.errors.DagsterImportError: no module\n", &[]), None);
        assert_eq!((found.code.as_str(), found.message.as_str()), ("DagsterImportError", "no module"));
    }

    #[test]
    fn the_tries_that_are_used_up_are_counted() {
        let exhausted =
            error("RetryRequestedFromPolicy", "Exceeded max_retries of 2\n", &[("OSError", "OSError: x\n")]);
        assert_eq!(tries_of(&exhausted), Some(3));
        assert_eq!(of(&exhausted, None).detail.as_deref(), Some("Exceeded max_retries of 2"));
    }

    #[test]
    fn a_text_that_begins_with_another_word_keeps_it() {
        let found = of(&error("ValueError", "no ValueError: here\n", &[]), None);
        assert_eq!(found.message, "no ValueError: here");
        assert_eq!(of(&error("Odd", "", &[]), Some("the process died")).message, "the process died");
        let nameless = Error { class_name: None, message: "a.B: c\n".into(), chain: Vec::new() };
        assert_eq!((of(&nameless, None).code, of(&nameless, None).message), ("B".into(), "c".into()));
    }

    #[test]
    fn a_syntax_error_says_what_is_wrong_not_where() {
        let text = "  File \"/code/jobs.py\", line 3\n    def sync(:\n             ^\nSyntaxError: invalid syntax\n";
        let found = of(&error("SyntaxError", text, &[]), None);
        assert_eq!((found.code.as_str(), found.message.as_str()), ("SyntaxError", "invalid syntax"));
    }

    #[test]
    fn a_code_may_be_a_number_and_retryable_a_word() {
        let entries = serde_json::json!({"metadataEntries": [
            {"label": "code", "intRepr": "4711"}, {"label": "retryable", "text": "True"}]});
        let metadata: Metadata = serde_json::from_value(entries).unwrap();
        let found = of_step(&error("Failure", "Failure: x\n", &[]), Some(&metadata), None);
        assert_eq!((found.code.as_str(), found.retryable), ("4711", Some(true)));
    }

    #[test]
    fn what_a_failure_was_raised_with_says_more_than_its_text() {
        let entries = serde_json::json!({"description": "Stripe said no", "metadataEntries": [
            {"label": "status_code", "text": "503"}, {"label": "retryable", "boolValue": false},
            {"label": "rows", "intRepr": "99999999999999999999"}, {"label": "odd"},
        ]});
        let metadata: Metadata = serde_json::from_value(entries).unwrap();
        let found = of_step(&error("Failure", "Failure: x\n", &[]), Some(&metadata), None);
        assert_eq!((found.code.as_str(), found.message.as_str()), ("Failure", "Stripe said no"));
        assert_eq!((found.provider_status, found.retryable), (Some(503), Some(false)));
        let detail = r#"{"status_code": "503", "retryable": false, "rows": "99999999999999999999", "odd": null}"#;
        assert_eq!(found.detail.as_deref(), Some(detail));
    }
}
