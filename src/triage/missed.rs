//! The card of what did not happen though it was expected: no run has failed, so there is no cause. It must not know what is
//! expected of which workflow, nor the time.

use jiff::{SignedDuration, Timestamp};

use super::build::NAME;
use super::text::Texts;
use super::{Card, Cause, Class, ClassReason, Consequences, Fingerprint, Missed, RunFacts, link};
use crate::run::Workflow;

/// The run that something missed is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissedRun {
    /// The engine's id.
    pub id: String,
    /// Its page.
    pub url: Option<String>,
    /// When it started.
    pub started_at: Option<Timestamp>,
}

/// The card that says what was missed. `run` is the run that goes on or waits for too long, or the last one that succeeded.
#[must_use]
pub fn missed_card(
    source: &str,
    workspace: &str,
    workflow: &Workflow,
    run: Option<&MissedRun>,
    missed: Missed,
) -> Card {
    let mut texts = Texts::default();
    let class = match missed {
        Missed::Authorization { .. } => Class::Authorization,
        Missed::Success { .. } | Missed::Start { .. } | Missed::End { .. } | Missed::Progress { .. } => Class::Unknown,
    };
    let url = run.and_then(|run| link::checked(run.url.as_deref()?)).map(|(url, redacted)| {
        texts.redacted += redacted;
        url
    });
    let run_facts = RunFacts {
        id: run.map(|run| texts.line(&run.id, NAME)).unwrap_or_default(),
        attempt: None,
        max_attempts: None,
        replay_of: None,
        workspace: texts.line(workspace, NAME),
        workflow: Workflow {
            id: texts.optional(workflow.id.as_deref(), NAME),
            name: texts.optional(workflow.name.as_deref(), NAME),
            version: texts.optional(workflow.version.as_deref(), NAME),
        },
        trigger: None,
        url,
        started_at: run.and_then(|run| run.started_at),
        completed_at: None,
        labels: std::collections::BTreeMap::new(),
    };
    Card {
        source: source.to_owned(),
        run: run_facts,
        cause: Cause::Nothing,
        class,
        decided_by: ClassReason::Nothing,
        advice: advice(&missed),
        fingerprint: Fingerprint::of_fields([Some("missed"), Some(missed.as_str()), Some(workflow.key())]),
        progress: None,
        consequences: Consequences::default(),
        retrying: None,
        provider: None,
        missed: Some(missed),
        redacted: texts.redacted,
    }
}

impl Missed {
    /// The word in JSON and in fingerprints.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Success { .. } => "success",
            Self::Start { .. } => "start",
            Self::End { .. } => "end",
            Self::Progress { .. } => "progress",
            Self::Authorization { .. } => "authorization",
        }
    }
}

fn advice(missed: &Missed) -> String {
    match missed {
        Missed::Success { last: None, .. } => {
            "Look whether this workflow is set up as it should be: firstred has never seen it succeed.".to_owned()
        }
        Missed::Success { every, .. } => format!(
            "Look whether the schedule of this workflow is still on: it has not succeeded for {}.",
            exact(*every)
        ),
        Missed::Start { every, .. } => format!(
            "Look whether this workflow is deployed and its schedule is on: it is expected every {} and never ran.",
            exact(*every)
        ),
        Missed::End { at_most, .. } => {
            format!("Open the run and see where it hangs: it may take {} and goes on.", exact(*at_most))
        }
        Missed::Progress { paused: true, at_most, .. } => {
            format!("Resume or cancel the run: it may be paused for {} at most.", exact(*at_most))
        }
        Missed::Progress { paused: false, at_most, .. } => {
            format!("Open the run and give it what it waits for: it may wait for {} at most.", exact(*at_most))
        }
        Missed::Authorization { parked: 0 | 1, .. } => {
            "Authorize the connection again: a run is parked behind it.".to_owned()
        }
        Missed::Authorization { parked, .. } => {
            format!("Authorize the connection again: {parked} runs are parked behind it.")
        }
    }
}

/// A duration as somebody wrote it: `25 h`, `2 d`, `90 min`; what nobody writes, in two units.
pub(crate) fn exact(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let even = |unit: i64| seconds >= unit && seconds % unit == 0;
    if even(86_400) {
        format!("{} d", seconds / 86_400)
    } else if even(3_600) {
        format!("{} h", seconds / 3_600)
    } else if seconds >= 3 * 3_600 {
        format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60)
    } else if seconds >= 600 || even(60) {
        format!("{} min", seconds / 60)
    } else if seconds >= 60 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn workflow(name: &str) -> Workflow {
        Workflow { id: Some(name.to_owned()), name: None, version: None }
    }

    fn all() -> Vec<Missed> {
        let (since, hours) = (at("2026-11-22T02:00:00Z"), SignedDuration::from_hours);
        vec![
            Missed::Success { last: Some(since), every: hours(25) },
            Missed::Start { since, every: hours(48) },
            Missed::End { started: since, at_most: hours(2), usual: None },
            Missed::Progress { since, at_most: hours(24), paused: false },
            Missed::Progress { since, at_most: hours(24), paused: true },
            Missed::Authorization { parked: 7, since },
        ]
    }

    #[test]
    fn each_miss_has_its_one_next_action() {
        let said: Vec<String> =
            all().into_iter().map(|missed| missed_card("prod", "acme", &workflow("w"), None, missed).advice).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        Look whether the schedule of this workflow is still on: it has not succeeded for 25 h.
        Look whether this workflow is deployed and its schedule is on: it is expected every 2 d and never ran.
        Open the run and see where it hangs: it may take 2 h and goes on.
        Open the run and give it what it waits for: it may wait for 1 d at most.
        Resume or cancel the run: it may be paused for 1 d at most.
        Authorize the connection again: 7 runs are parked behind it.
        ");
        assert!(said.iter().all(|advice| advice.chars().count() <= 125));
    }

    #[test]
    fn the_same_miss_of_the_same_workflow_has_the_same_fingerprint_and_another_has_not() {
        let of = |name: &str, missed: Missed| missed_card("prod", "", &workflow(name), None, missed).fingerprint;
        let [success, start] = [all().remove(0), all().remove(1)];
        let later = Missed::Success { last: None, every: SignedDuration::from_hours(3) };
        assert_eq!(of("w", success.clone()), of("w", later));
        assert_ne!(of("w", success.clone()), of("v", success.clone()));
        assert_ne!(of("w", success), of("w", start));
    }

    #[test]
    fn its_texts_are_cleaned_and_its_link_is_checked() {
        let run =
            MissedRun { id: "r\0\u{202e}1".to_owned(), url: Some("javascript:alert(1)".to_owned()), started_at: None };
        let card = missed_card("prod", "a\0", &workflow("w\u{1b}[31m"), Some(&run), all().remove(5));
        assert_eq!(
            (card.run.id.as_str(), card.run.url, card.run.workspace.as_str()),
            ("r\u{fffd}1", None, "a\u{fffd}")
        );
        assert_eq!((card.run.workflow.key(), card.class, &card.cause), ("w", Class::Authorization, &Cause::Nothing));
    }

    #[test]
    fn a_time_is_said_as_it_was_written() {
        let said = |seconds| exact(SignedDuration::from_secs(seconds));
        assert_eq!(
            [90_000, 172_800, 5_400, 5_403, 7_260, 93_840, 45, 90].map(said),
            ["25 h", "2 d", "90 min", "90 min", "121 min", "26 h 4 min", "45 s", "1 min 30 s"]
        );
    }
}
