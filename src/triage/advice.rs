//! The one next action: an imperative sentence that follows from the cause and its class. It must not know whom it is
//! for, nor the time.

use super::text::cut_line;
use super::{Cause, Class, Retrying, codes};
use crate::run::StepError;

/// The longest title in a sentence, in characters.
const TITLE: usize = 40;
const AGAIN: &str = "then run it again.";

/// What to do about a cause.
pub(super) fn advise(cause: &Cause, class: Class, retrying: Option<&Retrying>) -> String {
    let error = cause.error();
    if let Some(retrying) = retrying {
        return wait(retrying, class);
    }
    let step = cause.step_title().filter(|title| !title.is_empty()).map(quoted);
    let at = |word: &str| step.as_ref().map_or_else(String::new, |step| format!(" {word} {step}"));
    match class {
        Class::Transient => transient(error),
        Class::Authorization if error.and_then(|error| error.provider_status) == Some(403) => {
            format!("Grant the access that{} needs, {AGAIN}", step.map_or_else(|| " it".to_owned(), |step| format!(" {step}")))
        }
        Class::Authorization => format!("Renew the connection{}, {AGAIN}", at("of")),
        Class::Configuration => match error.and_then(|error| error.provider_status) {
            Some(404 | 410) => format!("Check the address and the ids{}: what it asks for is not there.", at("in")),
            Some(status) => format!("Correct the input{}, {AGAIN} The service answered {status}.", at("of")),
            None => format!("Correct the settings or the input{}, {AGAIN}", at("of")),
        },
        Class::Engine => engine(error).to_owned(),
        Class::Unknown => match cause {
            Cause::Nothing => "Open the run: the engine recorded no failing step and no error.".to_owned(),
            Cause::Step { error: None, run_error: None, .. } => {
                format!("Open the run and its log{}: the step failed without a word.", at("at"))
            }
            _ => format!("Open the run and read the error{}.", at("at")),
        },
    }
}

fn transient(error: Option<&StepError>) -> String {
    let status = error.and_then(|error| error.provider_status);
    if error.is_some_and(|error| error.retryable == Some(false)) {
        let status = status.map_or_else(String::new, |status| format!(" after the {status}"));
        return format!("Run it again{status}: the engine will not try again, yet a re-run may pass.");
    }
    let code = error.map_or("", |error| error.code.as_str());
    match status {
        Some(429) => format!("Wait for the rate limit to pass, {AGAIN}"),
        Some(status) if status >= 500 => format!("Wait until the service recovers (it answered {status}), {AGAIN}"),
        _ if codes::is_rate_limit(code) => format!("Wait for the rate limit to pass, {AGAIN}"),
        _ if status == Some(408) || codes::is_timeout(code) => "Run it again; if it times out again, check the service.".to_owned(),
        _ => "Run it again; if it fails again, check the service that it calls.".to_owned(),
    }
}

fn engine(error: Option<&StepError>) -> &'static str {
    let code = error.map_or("", |error| error.code.as_str());
    if codes::is_out_of_memory(code) {
        "Give the worker more memory, then run it again."
    } else if codes::is_timeout(code) && !code.to_ascii_lowercase().contains("heartbeat") {
        "Find what took so long or raise the time limit, then run it again."
    } else {
        "Check the engine's workers, then run it again."
    }
}

/// The engine is at it. For access and settings, waiting won't help, and the person may as well start.
fn wait(retrying: &Retrying, class: Class) -> String {
    let at = retrying.next_at.map_or_else(String::new, |at| format!(" at {}", at.strftime("%H:%M UTC")));
    let next = retrying.attempt.and_then(|attempt| attempt.checked_add(1));
    let tries = next.zip(retrying.of).filter(|(next, of)| next <= of);
    let tries = tries.map_or_else(String::new, |(next, of)| format!(" (try {next} of {of})"));
    match class {
        Class::Authorization => format!("Renew the access before the engine tries again{at}{tries}."),
        _ => format!("Wait: the engine tries again{at}{tries}."),
    }
}

fn quoted(title: &str) -> String {
    format!("`{}`", cut_line(&title.replace('`', "'"), TITLE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::RetryLevel;

    fn step(error: Option<StepError>) -> Cause {
        Cause::Step {
            number: Some(3),
            title: "Create contact".to_owned(),
            kind: None,
            attempt: None,
            max_attempts: None,
            failed_at: None,
            url: None,
            error,
            run_error: None,
        }
    }

    fn error(code: &str, provider_status: Option<u16>, retryable: Option<bool>) -> Option<StepError> {
        Some(StepError { code: code.to_owned(), provider_status, retryable, ..StepError::default() })
    }

    #[test]
    fn the_advice_fits_cause_and_class() {
        for (error, class, advice) in [
            (error("X", Some(401), None), Class::Authorization, "Renew the connection of `Create contact`, then run it again."),
            (error("X", Some(403), None), Class::Authorization, "Grant the access that `Create contact` needs, then run it again."),
            (error("X", Some(429), None), Class::Transient, "Wait for the rate limit to pass, then run it again."),
            (error("X", Some(503), Some(false)), Class::Transient, "Run it again after the 503: the engine will not try again, yet a re-run may pass."),
            (error("X", Some(404), None), Class::Configuration, "Check the address and the ids in `Create contact`: what it asks for is not there."),
            (error("OOMKilled", None, None), Class::Engine, "Give the worker more memory, then run it again."),
            (error("TimedOut", None, None), Class::Engine, "Find what took so long or raise the time limit, then run it again."),
            (error("X", None, None), Class::Unknown, "Open the run and read the error at `Create contact`."),
            (None, Class::Unknown, "Open the run and its log at `Create contact`: the step failed without a word."),
        ] {
            assert_eq!(advise(&step(error), class, None), advice);
        }
        let nothing = advise(&Cause::Nothing, Class::Unknown, None);
        assert_eq!(nothing, "Open the run: the engine recorded no failing step and no error.");
    }

    #[test]
    fn while_the_engine_tries_again_the_advice_is_to_wait() {
        let next_at = Some("2026-11-22T02:07:00Z".parse().unwrap());
        let retrying = Retrying { level: RetryLevel::Step, step: None, attempt: Some(1), of: Some(3), next_at };
        let advice = advise(&step(None), Class::Unknown, Some(&retrying));
        assert_eq!(advice, "Wait: the engine tries again at 02:07 UTC (try 2 of 3).");
    }

    #[test]
    fn no_sentence_grows_with_the_title() {
        for class in [Class::Transient, Class::Authorization, Class::Configuration, Class::Engine, Class::Unknown] {
            for status in [None, Some(400), Some(401), Some(403), Some(404), Some(503)] {
                let mut cause = step(error("X", status, None));
                if let Cause::Step { title, .. } = &mut cause {
                    *title = "é".repeat(500);
                }
                assert!(advise(&cause, class, None).chars().count() <= 125);
            }
        }
    }
}
