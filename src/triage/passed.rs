//! Which steps of an attempt ended well: what proves that a later run is over the step that failed. It must not know which step
//! that was.

use serde::{Deserialize, Serialize};

use super::build::TITLE;
use super::text::Texts;
use super::without_index;
use crate::run::{Step, StepStatus};

/// The steps of an attempt that ended well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passed(
    /// Titles without the index of a mapped step, sorted; a title of which some instance has not ended well is not among them. None:
    /// the source reported no steps.
    pub Option<Vec<String>>,
);

impl Passed {
    /// Whether the source reported no steps.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the step with this title (without an index) ended well; none where no steps were reported.
    #[must_use]
    pub fn has(&self, step: &str) -> Option<bool> {
        self.0.as_ref().map(|passed| passed.binary_search_by(|title| title.as_str().cmp(step)).is_ok())
    }

    /// The steps that ended well, titled as a card titles them: the two are compared.
    pub(super) fn of(steps: Vec<Step>) -> Self {
        if steps.is_empty() {
            return Self(None);
        }
        let mut texts = Texts::default();
        let (mut passed, mut open) = (Vec::new(), Vec::new());
        for step in steps {
            let into = if step.status == StepStatus::Completed { &mut passed } else { &mut open };
            let title = texts.owned_line(step.title, TITLE);
            let title = if title.contains(['[', '(', '#']) { without_index(&title) } else { title };
            // The instances of a mapped step mostly stand together, and there can be thousands.
            if !title.is_empty() && into.last() != Some(&title) {
                into.push(title);
            }
        }
        for titles in [&mut passed, &mut open] {
            titles.sort_unstable();
            titles.dedup();
        }
        if !open.is_empty() {
            passed.retain(|title| open.binary_search(title).is_err());
        }
        Self(Some(passed))
    }
}

#[cfg(test)]
mod tests {
    use crate::triage::{Classes, Observation, observe};

    fn seen(json: &serde_json::Value) -> Observation {
        let run = serde_json::json!({"id": "r2", "workflow": {"id": "w", "version": "15 token=abcdefgh1234"}, "status": "completed",
            "replayOf": "r\u{0}1", "url": "https://x.example/r/2?token=abcdefgh1234", "steps": json});
        observe("prod", serde_json::from_value(run).unwrap(), &Classes::default())
    }

    fn passed(json: &serde_json::Value) -> Option<Vec<String>> {
        seen(json).passed.0
    }

    #[test]
    fn the_steps_that_ended_well_are_sorted_and_each_stands_once() {
        let steps = serde_json::json!([
            {"title": "save", "status": "completed"}, {"title": "load[17]", "status": "completed"},
            {"title": "load[18]", "status": "completed"}, {"title": "", "status": "completed"},
            {"title": "notify", "status": "failed", "tolerated": true}, {"title": "clean", "status": "skipped"}]);
        assert_eq!(passed(&steps), Some(vec!["load[#]".to_owned(), "save".to_owned()]));
        let passed = seen(&steps).passed;
        assert_eq!(
            [passed.has("load[#]"), passed.has("notify"), passed.has("other")],
            [Some(true), Some(false), Some(false)]
        );
    }

    #[test]
    fn a_mapped_step_has_passed_only_when_every_instance_has() {
        let steps = serde_json::json!([
            {"title": "load[1]", "status": "completed"}, {"title": "load[2]", "status": "running"},
            {"title": "load[3]", "status": "completed"}, {"title": "save", "status": "completed"}]);
        assert_eq!(passed(&steps), Some(vec!["save".to_owned()]));
    }

    #[test]
    fn a_source_that_reports_no_steps_does_not_say_that_none_passed() {
        assert_eq!(passed(&serde_json::json!([])), None);
        assert_eq!(passed(&serde_json::json!([{"title": "a", "status": "pending"}])), Some(vec![]));
        assert_eq!(seen(&serde_json::json!([])).passed.has("a"), None);
    }

    #[test]
    fn a_title_reads_as_it_does_on_the_card_of_the_run_that_failed() {
        for title in
            ["charge\ncard", "x".repeat(300).as_str(), "load token=abcdefgh1234 (3)", "a\u{202e}b\0", " trimmed "]
        {
            let run = serde_json::json!({"id": "r1", "workflow": {"id": "w"}, "status": "failed",
                "steps": [{"title": title, "status": "failed"}]});
            let failed = observe("prod", serde_json::from_value(run).unwrap(), &Classes::default()).card.unwrap();
            let step = crate::triage::without_index(failed.cause.step_title().unwrap());
            let later = seen(&serde_json::json!([{"title": title, "status": "completed"}]));
            assert_eq!(later.passed.has(&step), Some(true), "{step:?} of {:?}", later.passed);
        }
    }

    #[test]
    fn version_link_and_repeated_run_are_told_without_secrets_and_nul() {
        let observed = seen(&serde_json::json!([]));
        assert!(
            observed
                .version
                .as_ref()
                .is_some_and(|version| version.starts_with("15 ") && !version.contains("abcdefgh"))
        );
        assert_eq!(observed.url.as_deref(), Some("https://x.example/r/2?token=REDACTED"));
        assert_eq!(observed.replay_of.as_deref(), Some("r\u{fffd}1"));
    }

    #[test]
    fn version_and_link_of_a_failed_run_are_those_of_its_card() {
        let run = serde_json::json!({"id": "r", "workflow": {"id": "w", "version": "15"}, "status": "failed",
            "url": "https://x.example/r/2"});
        let observed = observe("prod", serde_json::from_value(run).unwrap(), &Classes::default());
        let card = observed.card.unwrap();
        assert_eq!((observed.version, observed.url), (card.run.workflow.version, card.run.url));
    }
}
