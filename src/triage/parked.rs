//! Why a run that waits, or is paused, can't go on, where its engine says so. It must not know what is expected of a run, nor for how
//! long it may wait.

use serde::{Deserialize, Serialize};

use super::build::{self, CODE};
use super::cause::{self, Found};
use super::text::Texts;
use super::{Class, Classes, class, provider};
use crate::run::{Run, RunStatus, Step, StepStatus};

/// What keeps a run from going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parked {
    /// What kind of obstacle.
    pub class: Class,
    /// The error's code, redacted.
    pub code: String,
    /// The service that the step called, where the error names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl Parked {
    /// What a run that waits or is paused waits for; none where its engine names no obstacle.
    pub(super) fn of(run: &Run, classes: &Classes) -> Option<Self> {
        if !matches!(run.status, RunStatus::Waiting | RunStatus::Paused) {
            return None;
        }
        // The step that waits says why; a step that failed made the engine pause; else the run speaks for itself.
        let waits = |step: &&Step| step.status == StepStatus::Waiting && step.error.is_some();
        let found = match run.steps.iter().find(waits) {
            Some(step) => Found::Step(step, None),
            None => cause::find(run),
        };
        let (said, of_run) = match found {
            Found::Step(step, run_error) => (step.error.as_ref().or(run_error)?, step.error.is_none()),
            Found::Run { error, .. } => (error, true),
            Found::Nothing => return None,
        };
        let (class, _) = class::classify(Some(said), of_run, classes);
        let mut texts = Texts::default();
        let cause = build::told(found, &mut texts);
        let own = [run.url.as_deref(), None];
        Some(Self { class, code: texts.line(&said.code, CODE), provider: provider::of(&cause, own) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::observe;

    fn parked(status: &str, error: &serde_json::Value, steps: &serde_json::Value) -> Option<Parked> {
        let run =
            serde_json::json!({"id": "r", "workflow": {"id": "w"}, "status": status, "error": error, "steps": steps});
        let run: Run = serde_json::from_value(run).unwrap();
        observe("prod", run, &Classes::default()).parked.map(|parked| *parked)
    }

    #[test]
    fn a_run_that_waits_says_what_for_by_its_waiting_step_or_by_itself() {
        let revoked = serde_json::json!({"code": "TOKEN_REVOKED", "message": "POST https://api.example.com/v1: 401", "providerStatus": 401});
        let none = serde_json::Value::Null;
        let step = serde_json::json!([{"title": "Create contact", "status": "waiting", "error": revoked}]);
        let api = Some(Parked {
            class: Class::Authorization,
            code: "TOKEN_REVOKED".to_owned(),
            provider: Some("api.example.com".to_owned()),
        });
        assert_eq!(parked("waiting", &none, &step), api);
        assert_eq!(parked("paused", &revoked, &serde_json::json!([])), api);
        let failed = serde_json::json!([{"title": "Create contact", "status": "failed", "error": revoked}]);
        assert_eq!(parked("paused", &none, &failed), api, "the engine paused the run because a step failed");
    }

    #[test]
    fn a_run_that_goes_on_or_waits_for_nothing_in_particular_is_not_parked() {
        let revoked = serde_json::json!({"code": "TOKEN_REVOKED", "message": "revoked"});
        let none = serde_json::Value::Null;
        assert_eq!(parked("running", &revoked, &serde_json::json!([])), None);
        assert_eq!(parked("waiting", &none, &serde_json::json!([{"title": "approve", "status": "waiting"}])), None);
    }

    #[test]
    fn its_code_is_redacted() {
        let leaky = serde_json::json!({"code": "AUTH token=abcdefgh12345678", "message": ""});
        let code = parked("paused", &leaky, &serde_json::json!([])).unwrap().code;
        assert!(!code.contains("abcdefgh12345678"), "{code}");
    }
}
