//! What ended a try of a task, in the words of its log, and what follows for its error: code, message, status, "would another try
//! help". It must not know how a log is written.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::super::python::{self, compiled};
use crate::run::StepError;

/// The most characters that are kept of a message, and of a detail. Cards show less.
const LONGEST: usize = 64 * 1024;

/// How the clients that Airflow's operators use name the status that they got, besides those of [`python`].
const STATUS_PATTERNS: [&str; 6] = [
    r"^([0-9]{3}):",
    r"\b([0-9]{3}) (?:Client|Server) Error\b",
    r"'([0-9]{3}) ",
    r"\bHTTP Error ([0-9]{3})\b",
    r"\bHTTP ([0-9]{3})\b",
    r"\bstatus(?:_code)?[=: ]+([0-9]{3})\b",
];

/// Exceptions that say that no other try will help.
const HOPELESS: [&str; 4] = ["AirflowFailException", "AirflowNotFoundException", "UndefinedError", "TemplateNotFound"];
/// Exceptions that say that it took too long.
const TOO_LONG: [&str; 3] = ["AirflowTaskTimeout", "TimeoutError", "Timeout"];

static STATUS: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&STATUS_PATTERNS));

/// What ended a try.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fatal {
    /// When it was written down. The end of the instance comes up to five seconds later.
    pub at: Option<Timestamp>,
    /// What it was.
    pub end: End,
    /// What the service that was called answered, where Airflow's own HTTP client wrote it down.
    pub body: Option<String>,
}

/// The ways in which a try ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    /// Exceptions, the one that ended it first, then those that led to it.
    Exception(Vec<Raised>),
    /// The process left by itself.
    Exit(i64, String),
    /// The process was killed: the name of the signal.
    Signal(String, String),
    /// The DAG was not in its file when the worker looked.
    DagNotFound(String, Option<Raised>),
    /// The run that the task had started, and waited for, failed.
    ChildFailed(String),
    /// Somebody changed the state while it ran.
    Outside(String),
}

/// One exception.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Raised {
    /// Its class, without its module.
    pub class: String,
    /// What it says.
    pub text: String,
}

impl Raised {
    fn sentence(&self) -> String {
        let text = self.text.trim();
        if text.is_empty() { self.class.clone() } else { format!("{}: {text}", self.class) }
    }
}

impl Fatal {
    /// Whether it is what somebody did from outside and no failure of the task itself.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.end, End::Outside(_))
    }

    /// Whether a run that the task had started, and waited for, failed. Airflow 2 says so by an exception.
    pub(super) fn is_of_child(&self) -> bool {
        match &self.end {
            End::ChildFailed(_) => true,
            End::Exception(chain) => chain.first().is_some_and(|first| first.text.contains("failed with failed state")),
            _ => false,
        }
    }

    /// The error of the step.
    pub(super) fn error(&self) -> StepError {
        let plain = |code: &str, text: &str| StepError {
            code: code.to_owned(),
            message: cut(text.to_owned()),
            ..StepError::default()
        };
        match &self.end {
            End::Exception(chain) => of_chain(chain, self.body.as_deref()),
            End::Exit(code, text) => plain(&format!("exit_{code}"), text),
            End::Signal(name, text) => plain(name, text),
            End::DagNotFound(text, import) => match import {
                Some(import) => plain("DagNotFound", &format!("{text}: {}", import.sentence())),
                None => plain("DagNotFound", text),
            },
            End::ChildFailed(text) => plain("ChildRunFailed", text),
            End::Outside(text) => plain("ExternallySet", text),
        }
    }
}

fn of_chain(chain: &[Raised], body: Option<&str>) -> StepError {
    let (class, text) = chain.first().map_or(("", ""), |first| (first.class.as_str(), first.text.as_str()));
    let provider_status = chain.iter().find_map(status);
    let inner = || {
        let rest: Vec<String> = chain.iter().skip(1).map(Raised::sentence).collect();
        (!rest.is_empty()).then(|| rest.join(" <- "))
    };
    // A body that was written down without a status belongs to a call that the task survived.
    let detail = body.filter(|_| provider_status.is_some()).map(str::to_owned).or_else(inner);
    StepError {
        code: class.to_owned(),
        message: cut(if text.trim().is_empty() { class.to_owned() } else { text.to_owned() }),
        provider_status,
        retryable: retryable(provider_status, class, text),
        detail: detail.map(cut),
    }
}

/// The status that a service answered, as one exception names it. Only refusals count.
fn status(raised: &Raised) -> Option<u16> {
    let head: String = raised.text.chars().take(2_000).collect();
    let refusal = |status: &u16| (400..600).contains(status);
    let named = STATUS.iter().find_map(|pattern| {
        let found = pattern.captures(&head)?.get(1)?.as_str().parse().ok();
        found.filter(refusal)
    });
    named.or_else(|| python::provider_status(&raised.class, &head).filter(refusal))
}

fn retryable(status: Option<u16>, class: &str, text: &str) -> Option<bool> {
    if status.is_none() && HOPELESS.contains(&class) {
        return Some(false);
    }
    if status.is_none() && TOO_LONG.contains(&class) {
        return Some(true);
    }
    python::retryable(status, class, text)
}

/// A text, not endlessly long.
pub(super) fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(class: &str, text: &str) -> StepError {
        of_chain(&[Raised { class: class.into(), text: text.into() }], None)
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(STATUS.len(), STATUS_PATTERNS.len());
    }

    #[test]
    fn each_client_names_the_status_in_its_own_way() {
        for (text, status, retryable) in [
            ("429:Too Many Requests", Some(429), Some(true)),
            ("404 Client Error: Not Found for url: http://x/", Some(404), Some(false)),
            ("Server error '503 Service Unavailable' for url 'http://x/'", Some(503), Some(true)),
            ("HTTP Error 401: Unauthorized", Some(401), Some(false)),
            ("HTTP 404 for customer initech", Some(404), Some(false)),
            ("call failed, status_code=502", Some(502), Some(true)),
            ("HTTP 200 but no rows; status: 500", Some(500), Some(true)),
            ("room 404 is empty", None, None),
        ] {
            let error = error("RuntimeError", text);
            assert_eq!((error.provider_status, error.retryable), (status, retryable), "{text}");
        }
    }

    #[test]
    fn what_airflow_raises_itself_says_whether_another_try_helps() {
        let retryable = |class| error(class, "x").retryable;
        assert_eq!(retryable("AirflowFailException"), Some(false));
        assert_eq!(retryable("AirflowTaskTimeout"), Some(true));
        assert_eq!(retryable("ConnectionError"), Some(true));
        assert_eq!(retryable("AirflowSensorTimeout"), None);
    }

    #[test]
    fn the_answer_of_the_service_is_the_detail_only_of_a_refusal() {
        let chain = |text: &str| vec![Raised { class: "E".into(), text: text.into() }, Raised::default()];
        assert_eq!(of_chain(&chain("401:Unauthorized"), Some("{}")).detail.as_deref(), Some("{}"));
        assert_eq!(of_chain(&chain("no rows")[..1], Some("{}")).detail, None);
    }

    #[test]
    fn an_exception_without_words_says_its_class() {
        assert_eq!(error("RuntimeError", " ").message, "RuntimeError");
    }
}
