//! The class of a failure, and what decided it. The order is DESIGN.md section 5's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::codes;
use crate::run::StepError;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// It may pass by itself.
    Transient,
    /// Somebody must renew or grant access.
    Authorization,
    /// Somebody must change the workflow or its input.
    Configuration,
    /// The engine or its machine let the run down.
    Engine,
    /// Nothing says.
    Unknown,
}

impl Class {
    /// The word in the configuration and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Authorization => "authorization",
            Self::Configuration => "configuration",
            Self::Engine => "engine",
            Self::Unknown => "unknown",
        }
    }
}

/// What decided the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum ClassReason {
    /// The user's override for this code.
    Override {
        /// The pattern that matched, as the configuration has it.
        code: String,
    },
    /// The engine says `retryable: true`.
    EngineRetryable,
    /// The provider's HTTP status.
    ProviderStatus {
        /// The status.
        status: u16,
    },
    /// A well-known code.
    Code {
        /// The code.
        code: String,
    },
    /// The engine ended the run: crashed, lost, killed, timed out as a whole.
    EngineEnd {
        /// What says so.
        code: String,
    },
    /// Nothing did.
    Nothing,
}

/// The user's overrides of the class by code (`[classes]` in the configuration): exact codes and `*` globs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes {
    /// Pattern to class, the configuration's order does not matter: an exact code wins over a glob, a longer glob over a shorter.
    pub overrides: BTreeMap<String, Class>,
}

/// The class of a failure and what decided it. `of_run` says that the error is the run's, not a step's.
pub(super) fn classify(error: Option<&StepError>, of_run: bool, classes: &Classes) -> (Class, ClassReason) {
    let Some(error) = error else {
        return (Class::Unknown, ClassReason::Nothing);
    };
    if let Some((pattern, class)) = classes.find(&error.code) {
        return (class, ClassReason::Override { code: pattern.to_owned() });
    }
    if error.retryable == Some(true) {
        return (Class::Transient, ClassReason::EngineRetryable);
    }
    if let Some((status, class)) = error.provider_status.and_then(|status| Some((status, of_status(status)?))) {
        return (class, ClassReason::ProviderStatus { status });
    }
    let code = || error.code.clone();
    match codes::class(&error.code, of_run) {
        Some(Class::Engine) => (Class::Engine, ClassReason::EngineEnd { code: code() }),
        Some(class) => (class, ClassReason::Code { code: code() }),
        None => (Class::Unknown, ClassReason::Nothing),
    }
}

impl Classes {
    /// The override for a code, with the pattern that decided.
    fn find(&self, code: &str) -> Option<(&str, Class)> {
        if let Some((exact, class)) = self.overrides.get_key_value(code) {
            return Some((exact, *class));
        }
        let is_glob = |pattern: &str| pattern.contains(['*', '?']);
        let spelled = |pattern: &str| !is_glob(pattern) && codes::same(pattern, code);
        let fits = |pattern: &str| is_glob(pattern) && WildMatch::new_case_insensitive(pattern).matches(code);
        let exact = self.overrides.iter().find(|(pattern, _)| spelled(pattern));
        let found = exact.or_else(|| {
            self.overrides
                .iter()
                .filter(|(pattern, _)| fits(pattern))
                .max_by_key(|(pattern, _)| pattern.chars().count())
        })?;
        Some((found.0, *found.1))
    }
}

/// The class that an HTTP status of the called service stands for.
fn of_status(status: u16) -> Option<Class> {
    match status {
        408 | 425 | 429 | 500..=599 => Some(Class::Transient),
        401 | 403 | 407 => Some(Class::Authorization),
        400..=499 => Some(Class::Configuration),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str) -> StepError {
        StepError { code: code.to_owned(), ..StepError::default() }
    }

    fn class(error: &StepError) -> Class {
        classify(Some(error), false, &Classes::default()).0
    }

    #[test]
    fn each_reason_decides_before_the_next() {
        let all = StepError { provider_status: Some(401), retryable: Some(true), ..error("VALIDATION_ERROR") };
        let overrides = BTreeMap::from([("VALIDATION_*".to_owned(), Class::Engine)]);
        assert_eq!(
            classify(Some(&all), false, &Classes { overrides }),
            (Class::Engine, ClassReason::Override { code: "VALIDATION_*".to_owned() })
        );
        let none = Classes::default();
        assert_eq!(classify(Some(&all), false, &none), (Class::Transient, ClassReason::EngineRetryable));
        let all = StepError { retryable: Some(false), ..all };
        assert_eq!(
            classify(Some(&all), false, &none),
            (Class::Authorization, ClassReason::ProviderStatus { status: 401 })
        );
        let all = StepError { provider_status: Some(200), ..all };
        let code = "VALIDATION_ERROR".to_owned();
        assert_eq!(classify(Some(&all), false, &none), (Class::Configuration, ClassReason::Code { code }));
        let code = "WorkflowCrashedError".to_owned();
        assert_eq!(classify(Some(&error(&code)), true, &none), (Class::Engine, ClassReason::EngineEnd { code }));
        assert_eq!(classify(Some(&error("PAYMENT_DUPLICATE")), true, &none), (Class::Unknown, ClassReason::Nothing));
        assert_eq!(classify(None, true, &none), (Class::Unknown, ClassReason::Nothing));
    }

    #[test]
    fn an_exact_override_beats_a_glob_and_a_longer_glob_a_shorter() {
        let overrides = BTreeMap::from([
            ("*".to_owned(), Class::Engine),
            ("HTTP_*".to_owned(), Class::Transient),
            ("HTTP_4*".to_owned(), Class::Configuration),
            ("HTTP_401".to_owned(), Class::Authorization),
        ]);
        let classes = Classes { overrides };
        for (code, class) in [
            ("HTTP_401", Class::Authorization),
            ("http-401", Class::Authorization),
            ("HTTP_404", Class::Configuration),
            ("HTTP_502", Class::Transient),
            ("X", Class::Engine),
        ] {
            assert_eq!(classify(Some(&error(code)), false, &classes).0, class, "{code}");
        }
    }

    #[test]
    fn statuses_have_their_class() {
        for (status, expected) in [
            (408, Class::Transient),
            (425, Class::Transient),
            (429, Class::Transient),
            (503, Class::Transient),
            (401, Class::Authorization),
            (403, Class::Authorization),
            (407, Class::Authorization),
            (404, Class::Configuration),
            (302, Class::Unknown),
        ] {
            assert_eq!(class(&StepError { provider_status: Some(status), ..error("X") }), expected, "{status}");
        }
    }

    #[test]
    fn well_known_codes_compare_without_case_and_separators() {
        for code in ["TIMEOUT", "ETIMEDOUT", "ConnectError", "httpx.ReadTimeout", "rate-limited", "TimeoutError"] {
            assert_eq!(class(&error(code)), Class::Transient, "{code}");
        }
        for code in ["auth_missing", "AUTH_MISSING", "AuthMissing", "TokenExpired", "InvalidTokenError"] {
            assert_eq!(class(&error(code)), Class::Authorization, "{code}");
        }
        for code in ["VALIDATION_ERROR", "ENOTFOUND", "ModuleNotFoundError", "prefect.exceptions.ScriptError"] {
            assert_eq!(class(&error(code)), Class::Configuration, "{code}");
        }
        for code in ["Crashed", "OOMKilled", "java.lang.OutOfMemoryError", "WORKER_LOST", "SIGKILL"] {
            assert_eq!(class(&error(code)), Class::Engine, "{code}");
        }
        for code in ["ValueError", "KeyError", "UNKNOWN_ERROR", "CANCELLED", "Error", "Exception", "", "…"] {
            assert_eq!(class(&error(code)), Class::Unknown, "{code}");
        }
    }

    #[test]
    fn a_timeout_is_transient_at_a_step_and_the_engines_at_the_run() {
        assert_eq!(classify(Some(&error("TimedOut")), false, &Classes::default()).0, Class::Transient);
        assert_eq!(classify(Some(&error("TimedOut")), true, &Classes::default()).0, Class::Engine);
        assert_eq!(classify(Some(&error("ETIMEDOUT")), true, &Classes::default()).0, Class::Transient);
    }
}
