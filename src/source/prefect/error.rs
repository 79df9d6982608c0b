//! From the sentence of a state, or a traceback in a log, to code, message, status and "would another try help".
//! It must not know where the sentence came from.

use std::sync::LazyLock;

use regex::Regex;

use super::super::python::{self, compiled, exception};
use super::wire::{LogLine, State};
use crate::run::{StepError, UNKNOWN_ERROR};

const PREFIXES: [&str; 4] = [
    "Task run encountered an exception: ",
    "Task run encountered an exception ",
    "Flow run encountered an exception: ",
    "Flow run encountered an exception ",
];

/// Sentences that say that it failed, and nothing else.
const EMPTY_WORDS: [&str; 3] = [
    r"^[0-9]+/[0-9]+ states failed\.?$",
    r"^Process exited with status code: [0-9]+\.?(?: Process exited with a general error\.?)?$",
    r"^Flow run infrastructure exited with non-zero status code:? [0-9]+\.?$",
];

static EMPTY: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&EMPTY_WORDS));
/// What a failed state says.
pub(super) fn of_state(state: &State) -> StepError {
    let message = state.message.as_deref().unwrap_or_default();
    if let Some((code, text)) = strip_prefix(message).and_then(exception) {
        return finish(code, text, None);
    }
    let name = state.name.trim();
    finish(if name.is_empty() { UNKNOWN_ERROR } else { name }, strip_prefix(message).unwrap_or(message), None)
}

/// Whether a state's sentence names an exception, as an error does and a person's note does not.
pub(super) fn is_exception(state: &State) -> bool {
    state.message.as_deref().and_then(strip_prefix).is_some()
}

/// Whether a state says no more than that it failed.
pub(super) fn says_nothing(state: &State) -> bool {
    let message = state.message.as_deref().unwrap_or_default().trim();
    message.is_empty() || EMPTY.iter().any(|pattern| pattern.is_match(message))
}

/// The same sentence, whoever says it? Prefect cuts the sentences of tasks but not those of runs, so the beginning decides.
pub(super) fn same_words(one: &StepError, other: &StepError) -> bool {
    one.code == other.code && one.message.chars().take(2_000).eq(other.message.chars().take(2_000))
}

/// The newest traceback that the flow itself logged.
pub(super) fn of_logs(lines: &[LogLine]) -> Option<StepError> {
    lines
        .iter()
        .filter(|line| line.level >= 40 && line.name == "prefect.flow_runs")
        .filter_map(|line| Some((line.timestamp, of_traceback(&line.message)?)))
        .max_by_key(|(at, _)| *at)
        .map(|(_, error)| error)
}

/// Why the last try of a task failed, which a task that waits for its next try says only in its log:
/// `Task run failed with exception: NAME(…) - Retry 1/2 will start …`.
pub(super) fn of_retry_log(lines: &[LogLine], task_run_id: &str) -> Option<StepError> {
    let line = lines
        .iter()
        .filter(|line| line.task_run_id.as_deref() == Some(task_run_id))
        .filter(|line| line.message.starts_with("Task run failed with exception: "))
        .max_by_key(|line| line.timestamp)?;
    let text = line.message.strip_prefix("Task run failed with exception: ")?;
    let text = text.rfind(" - Retry ").map_or(text, |at| &text[..at]);
    let text = text.find("\nTraceback (most recent call last)").map_or(text, |at| &text[..at]);
    let Some((code, inside)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return Some(finish("Failed", text, None));
    };
    let quoted = ['\'', '"'].iter().find_map(|quote| inside.strip_prefix(*quote)?.strip_suffix(*quote));
    let text = quoted.unwrap_or(inside).replace("\\n", "\n").replace("\\'", "'").replace("\\\"", "\"");
    Some(finish(code, &text, None))
}

/// The exception that ends the last traceback of a log message; the whole message is the detail.
fn of_traceback(message: &str) -> Option<StepError> {
    let header = "Traceback (most recent call last):\n";
    let frames = &message[message.rfind(header)? + header.len()..];
    // Frames are indented, the exception is not; its own text may have more lines.
    let mut at = 0;
    let end = frames.split_inclusive('\n').find_map(|line| {
        let start = at;
        at += line.len();
        (!line.starts_with([' ', '\t']) && !line.trim().is_empty()).then_some(start)
    })?;
    let (code, text) = exception(&frames[end..])?;
    Some(finish(code, text, Some(message.to_owned())))
}

fn strip_prefix(message: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| message.strip_prefix(prefix))
}

fn finish(code: &str, message: &str, detail: Option<String>) -> StepError {
    let provider_status = python::provider_status(code, message);
    let retryable = python::retryable(provider_status, code, message);
    StepError { code: code.to_owned(), message: message.to_owned(), provider_status, retryable, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &str, message: &str) -> State {
        State {
            id: "s".into(),
            kind: "FAILED".into(),
            name: name.into(),
            timestamp: jiff::Timestamp::UNIX_EPOCH,
            message: Some(message.into()),
            details: super::super::wire::Details::default(),
        }
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(EMPTY.len(), EMPTY_WORDS.len());
    }

    #[test]
    fn each_client_of_python_has_its_own_way_to_name_a_status() {
        let cases = [
            ("HTTPStatusError: Client error '404 Not Found' for url 'http://x/'", Some(404), Some(false)),
            ("HTTPError: 503 Server Error: Service Unavailable for url: http://x/", Some(503), Some(true)),
            ("HTTPError: HTTP Error 429: Too Many Requests", Some(429), Some(true)),
            ("ClientResponseError: 401, message='Unauthorized', url='http://x/'", Some(401), Some(false)),
            ("ReadTimeout: The read operation timed out", None, Some(true)),
            ("ValueError: 404 things", None, None),
        ];
        for (text, status, retryable) in cases {
            let error = of_state(&state("Failed", &format!("Task run encountered an exception {text}")));
            assert_eq!((error.provider_status, error.retryable), (status, retryable), "{text}");
        }
    }

    #[test]
    fn an_exception_without_words_keeps_its_class() {
        for text in ["ValueError", "ValueError:", "ValueError: "] {
            let error = of_state(&state("Failed", &format!("Flow run encountered an exception: {text}")));
            assert_eq!((error.code.as_str(), error.message.as_str()), ("ValueError", ""), "{text:?}");
        }
    }

    #[test]
    fn a_sentence_that_is_no_exception_takes_the_name_of_the_state_for_its_code() {
        let error = of_state(&state("Odd name", "Validation failed: n: not a number"));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("Odd name", "Validation failed: n: not a number"));
        assert_eq!(of_state(&state("", "x")).code, UNKNOWN_ERROR);
    }

    #[test]
    fn the_cause_of_a_retry_is_read_from_the_log_line_that_announces_it() {
        let line = LogLine {
            name: "prefect.task_runs".into(),
            level: 20,
            message: "Task run failed with exception: HTTPStatusError(\"Client error '429 Too Many Requests' for url 'http://x'\") \
                      - Retry 1/2 will start 3 second(s) from now"
                .into(),
            timestamp: jiff::Timestamp::UNIX_EPOCH,
            task_run_id: Some("t".into()),
        };
        let error = of_retry_log(&[line], "t").expect("a cause");
        assert_eq!(error.code, "HTTPStatusError");
        assert_eq!(error.message, "Client error '429 Too Many Requests' for url 'http://x'");
        assert_eq!((error.provider_status, error.retryable), (Some(429), Some(true)));
    }

    #[test]
    fn a_traceback_ends_in_a_message_of_several_lines() {
        let log = "Engine exited\nTraceback (most recent call last):\n  File \"a.py\", line 1\n    f()\nlib.BadError: two\n - lines";
        let error = of_traceback(log).expect("an exception");
        assert_eq!((error.code.as_str(), error.message.as_str()), ("lib.BadError", "two\n - lines"));
        assert_eq!(of_traceback("no traceback here"), None);
    }
}
