//! From annotations to an error: what the job said, or what the machine that it ran on said. It must not know which job.

use std::sync::LazyLock;

use regex::Regex;

use super::super::python::{self, compiled};
use super::wire::Annotation;
use crate::run::{StepError, UNKNOWN_ERROR};

/// What the runner and GitHub themselves say, and the code that stands for it. The first that fits decides: they are ordered from the
/// reason to its consequences.
const SENTENCES: [(&str, &str); 19] = [
    ("has exceeded the maximum execution time", JOB_TIMEOUT),
    ("lost communication with the server", "RUNNER_LOST"),
    ("received a shutdown signal", "RUNNER_SHUTDOWN"),
    ("No space left on device", "DISK_FULL"),
    ("not enough space on the disk", "DISK_FULL"),
    ("was not acquired by Runner", "RUNNER_UNAVAILABLE"),
    ("no enabled runners online", "RUNNER_UNAVAILABLE"),
    ("No runner matching", "RUNNER_UNAVAILABLE"),
    ("GitHub Actions has encountered an internal error", "RUNNER_FAILED"),
    ("job was not started because", "JOB_NOT_STARTED"),
    ("Unable to resolve action", "ACTION_NOT_FOUND"),
    ("Can't find 'action.yml'", "ACTION_NOT_FOUND"),
    ("uses a deprecated version of", "ACTION_DEPRECATED"),
    ("Failed to download action", "ACTION_DOWNLOAD_FAILED"),
    ("is not allowed to deploy to", "PERMISSION_DENIED"),
    ("is not allowed to be used in", "PERMISSION_DENIED"),
    ("because all actions must be", "PERMISSION_DENIED"),
    ("Resource not accessible by integration", "PERMISSION_DENIED"),
    ("has timed out after", "STEP_TIMEOUT"),
];

/// The code of a job that its own time limit ended.
pub(super) const JOB_TIMEOUT: &str = "JOB_TIMEOUT";
/// What every cancelled step says, whoever cancelled it.
const CANCELLED: &str = "The operation was canceled.";
/// The most annotations that make the detail.
const MOST: usize = 20;
const PATTERNS: [&str; 2] =
    [r"^Process completed with exit code (-?[0-9]+)\.?$", r"has timed out after [0-9]+ (?:minutes|seconds)"];

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&PATTERNS));

/// Whether the job was ended by its own time limit, which GitHub calls cancelled.
pub(super) fn is_timeout(notes: &[Annotation]) -> bool {
    notes.iter().any(|note| note.level == "failure" && code_of(note) == Some(JOB_TIMEOUT))
}

/// What the annotations of a failed job say went wrong. Nothing where no annotation is a failure.
pub(super) fn error(notes: &[Annotation]) -> Option<StepError> {
    let failures: Vec<&Annotation> = notes.iter().filter(|note| note.level == "failure").collect();
    // What the job itself says, without the sentences that stand under every failure.
    let telling: Vec<&Annotation> = failures
        .iter()
        .copied()
        .filter(|note| exit_code(note).is_none() && note.message.trim() != CANCELLED && !note.message.trim().is_empty())
        .collect();
    let of_machine = SENTENCES.iter().find_map(|(_, code)| {
        telling.iter().copied().find(|note| code_of(note) == Some(code)).map(|note| (*code, note))
    });
    if let Some((code, note)) = of_machine {
        let others = telling.iter().copied().filter(|other| !std::ptr::eq(*other, note)).collect::<Vec<_>>();
        return Some(StepError {
            code: code.to_owned(),
            message: text(note),
            detail: detail(&others),
            ..StepError::default()
        });
    }
    let exits: Vec<(i64, &Annotation)> =
        failures.iter().filter_map(|note| exit_code(note).map(|code| (code, *note))).collect();
    let exit = exits.first().copied().filter(|(code, _)| exits.iter().all(|(other, _)| other == code));
    match (telling.split_first(), exit) {
        (None, None) => {
            let any = failures.first()?;
            // A step that is tolerated says its code, too, and nothing says which step said what.
            let codes: Vec<String> = exits.iter().map(|(code, _)| code.to_string()).collect();
            let several = format!("Steps of this job ended with exit codes {}.", codes.join(" and "));
            let message = if codes.is_empty() { text(any) } else { several };
            Some(StepError { code: UNKNOWN_ERROR.to_owned(), message, ..StepError::default() })
        }
        (None, Some((code, note))) => {
            Some(StepError { code: format!("EXIT_{code}"), message: text(note), ..StepError::default() })
        }
        (Some((first, others)), exit) => {
            let said = python::sentence(first.message.trim(), None);
            let code = exit.map_or(said.code, |(code, _)| format!("EXIT_{code}"));
            let detail = Some(first.raw_details.trim().to_owned())
                .filter(|details| !details.is_empty())
                .into_iter()
                .chain(detail(others))
                .collect::<Vec<_>>();
            Some(StepError {
                code,
                message: text(first),
                provider_status: said.provider_status,
                retryable: said.retryable,
                detail: (!detail.is_empty()).then(|| detail.join("\n")),
            })
        }
    }
}

/// `src/app.ts:10 error TS2304: …`; only the words where it speaks of no place in the code.
fn text(note: &Annotation) -> String {
    let message = note.message.trim();
    let title = note.title.trim();
    let words =
        if title.is_empty() || message.contains(title) { message.to_owned() } else { format!("{title}: {message}") };
    // What speaks of no file stands under `.github`.
    let path = note.path.trim();
    if path.is_empty() || path == ".github" {
        return words;
    }
    match note.start_line.filter(|line| *line > 0) {
        Some(line) => format!("{path}:{line} {words}"),
        None => format!("{path} {words}"),
    }
}

fn detail(notes: &[&Annotation]) -> Option<String> {
    let lines: Vec<String> = notes.iter().take(MOST).map(|note| text(note)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn exit_code(note: &Annotation) -> Option<i64> {
    COMPILED.first()?.captures(note.message.trim())?.get(1)?.as_str().parse().ok()
}

fn code_of(note: &Annotation) -> Option<&'static str> {
    // A step's time limit is said in a form of its own; other texts may use the same words.
    let fits = |(words, code): &&(&str, &str)| {
        note.message.contains(words)
            && (*code != "STEP_TIMEOUT" || COMPILED.get(1).is_some_and(|form| form.is_match(&note.message)))
    };
    SENTENCES.iter().find(fits).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(path: &str, line: u64, message: &str) -> Annotation {
        Annotation {
            path: path.into(),
            start_line: Some(line),
            level: "failure".into(),
            message: message.into(),
            ..Annotation::default()
        }
    }

    fn exit(code: i64) -> Annotation {
        note(".github", 28, &format!("Process completed with exit code {code}."))
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), PATTERNS.len());
    }

    #[test]
    fn an_exit_code_is_the_code_and_what_the_job_said_is_the_message() {
        let compiler = note("src/app.ts", 10, "error TS2304: Cannot find name 'foo'");
        let error = error(&[exit(2), compiler, note("src/b.ts", 1, "error TS1005: ';' expected")]).unwrap();
        assert_eq!(error.code, "EXIT_2");
        assert_eq!(error.message, "src/app.ts:10 error TS2304: Cannot find name 'foo'");
        assert_eq!(error.detail.as_deref(), Some("src/b.ts:1 error TS1005: ';' expected"));
    }

    #[test]
    fn an_exit_code_alone_is_all_that_is_said() {
        let warning = Annotation { level: "warning".into(), ..note(".github", 2, "Node 20 is deprecated") };
        let error = error(&[warning, exit(1)]).unwrap();
        assert_eq!((error.code.as_str(), error.message.as_str()), ("EXIT_1", "Process completed with exit code 1."));
        assert_eq!(error.detail, None);
    }

    #[test]
    fn what_the_machine_says_goes_before_what_it_led_to() {
        let lost = "The self-hosted runner: build-7 lost communication with the server. Verify the machine is running.";
        let shutdown = "The runner has received a shutdown signal. This can happen when the runner service is stopped.";
        let limit = "The job has exceeded the maximum execution time of 45m0s";
        for (notes, code) in [
            (vec![exit(143), note(".github", 1, shutdown), note(".github", 1, CANCELLED)], "RUNNER_SHUTDOWN"),
            (vec![note(".github", 1, shutdown), note(".github", 1, lost)], "RUNNER_LOST"),
            (vec![note(".github", 1, CANCELLED), note(".github", 1, limit)], "JOB_TIMEOUT"),
            (vec![note(".github", 1, "System.IO.IOException: No space left on device"), exit(1)], "DISK_FULL"),
            (vec![note(".github", 1, "The action 'Test' has timed out after 5 minutes.")], "STEP_TIMEOUT"),
        ] {
            assert_eq!(error(&notes).unwrap().code, code, "{notes:?}");
        }
        assert!(is_timeout(&[note(".github", 1, limit)]));
    }

    #[test]
    fn an_error_that_an_action_names_keeps_its_class_and_status() {
        let named = note(".github", 9, "HTTPError: 503 Server Error: Service Unavailable for url");
        let error = error(&[named]).unwrap();
        assert_eq!((error.code.as_str(), error.provider_status, error.retryable), ("HTTPError", Some(503), Some(true)));
    }

    #[test]
    fn without_a_failure_nothing_is_said() {
        assert_eq!(error(&[]), None);
        assert_eq!(error(&[Annotation { level: "notice".into(), ..exit(1) }]), None);
    }
}
