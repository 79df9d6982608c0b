//! What is broken beside the runs, and would leave none: a code location that does not load, daemons without a sign of life. Each is told
//! as a run of its own under an id that stays, once, and as completed when it is over. It must not know how runs are read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::checkpoint::Broken;
use super::wire::{Daemon, Location};
use super::{error, links};
use crate::run::{Run, RunStatus, StepError, Workflow};

/// The daemon that starts runs in the place of failed ones. It is required where the instance runs failed runs again.
const RETRIES: &str = "EVENT_LOG_CONSUMER";

/// Something that is broken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The id of its run and its workflow.
    pub id: String,
    pub error: StepError,
}

/// What one look says: what is broken, and what is known to be well. What is neither keeps its state.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub broken: Vec<Trouble>,
    /// The ids of what is still being loaded.
    pub unknown: Vec<String>,
}

/// The kind of a trouble, by the beginning of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Location,
    Daemons,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Location => "code-location/",
            Self::Daemons => "daemons",
        }
    }

    /// Whether a trouble is of this kind.
    pub(super) fn has(self, id: &str) -> bool {
        id.starts_with(self.prefix())
    }
}

/// The code locations that don't load.
pub(super) fn of_locations(locations: &[Location]) -> Seen {
    let mut seen = Seen::default();
    for location in locations {
        let id = format!("{}{}", Kind::Location.prefix(), location.name);
        match &location.location_or_load_error {
            None => seen.unknown.push(id),
            Some(loaded) if loaded.kind == "PythonError" => {
                seen.broken
                    .push(Trouble { id, error: error::of(&loaded.error, Some("the code location does not load")) });
            }
            Some(_) => {}
        }
    }
    seen
}

/// The daemons that are needed and give no sign of life. They mostly share one process: one trouble for all.
pub(super) fn of_daemons(daemons: &[Daemon]) -> Seen {
    let dead = daemons.iter().filter(|daemon| daemon.required && daemon.healthy == Some(false));
    let dead: Vec<&str> = dead.map(|daemon| daemon.kind.as_str()).collect();
    if dead.is_empty() {
        return Seen::default();
    }
    let error = StepError {
        code: "DAEMON_DOWN".to_owned(),
        message: format!("No sign of life from {}: what they start or watch does not happen.", dead.join(", ")),
        ..StepError::default()
    };
    Seen { broken: vec![Trouble { id: Kind::Daemons.prefix().to_owned(), error }], unknown: Vec::new() }
}

/// Whether the instance runs failed runs again by itself, as far as its daemons tell.
pub(super) fn retries(daemons: &[Daemon]) -> Option<bool> {
    (!daemons.is_empty()).then(|| daemons.iter().any(|daemon| daemon.kind == RETRIES && daemon.required))
}

/// What is remembered of troubles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// What was told and is not over.
    pub known: BTreeMap<String, Broken>,
    /// What is broken and has to be so for a while: a code server that is being replaced is away for a moment.
    pub suspects: BTreeMap<String, Timestamp>,
}

/// Compares what is broken with what was, and answers what is to be told of it. `patience`: so long it has to be broken.
pub(super) fn compare(
    kind: Kind,
    seen: &Seen,
    Memory { known, suspects }: &mut Memory,
    patience: SignedDuration,
    now: Timestamp,
    ui: &str,
) -> Vec<Run> {
    let mut runs = Vec::new();
    for trouble in &seen.broken {
        let said = in_short(&trouble.error);
        let before = known.get(&trouble.id);
        if before.is_some_and(|before| before.said == said || kind == Kind::Daemons) {
            continue;
        }
        if now.duration_since(*suspects.entry(trouble.id.clone()).or_insert(now)) < patience {
            continue;
        }
        suspects.remove(&trouble.id);
        // Broken otherwise is another failure, and has to end after the last one.
        let since = before.map_or(now, |before| now.max(before.since));
        known.insert(trouble.id.clone(), Broken { since, said });
        runs.push(run(kind, &trouble.id, Some(trouble.error.clone()), since, ui));
    }
    let is_broken = |id: &String| seen.broken.iter().any(|trouble| trouble.id == *id) || seen.unknown.contains(id);
    suspects.retain(|id, _| !kind.has(id) || is_broken(id));
    let over: Vec<String> = known.keys().filter(|id| kind.has(id) && !is_broken(id)).cloned().collect();
    for id in over {
        known.remove(&id);
        runs.push(run(kind, &id, None, now, ui));
    }
    runs
}

fn run(kind: Kind, id: &str, error: Option<StepError>, at: Timestamp, ui: &str) -> Run {
    let name = id.strip_prefix(kind.prefix()).unwrap_or_default();
    let (title, url) = match kind {
        Kind::Location => (format!("code location {name}"), links::locations(ui)),
        Kind::Daemons => ("Dagster daemons".to_owned(), links::daemons(ui)),
    };
    let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Completed };
    let workflow = Workflow { id: Some(id.to_owned()), name: Some(title), version: None };
    let mut run = Run::bare(id, workflow, status);
    if kind == Kind::Location {
        run.labels.insert("code_location".to_owned(), name.to_owned());
    }
    Run {
        trigger: Some("dagster".to_owned()),
        url: Some(url),
        started_at: Some(at),
        completed_at: Some(at),
        updated_at: Some(at),
        error,
        ..run
    }
}

/// What tells two errors of one thing apart: not numbers, which may be of processes or addresses.
fn in_short(error: &StepError) -> String {
    let line = error.message.lines().next().unwrap_or_default();
    let text: String = line.chars().filter(|c| !c.is_ascii_digit()).take(200).collect();
    format!("{}: {text}", error.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(message: &str) -> Seen {
        let error = StepError { code: "ImportError".into(), message: message.into(), ..StepError::default() };
        Seen { broken: vec![Trouble { id: "code-location/a".into(), error }], unknown: Vec::new() }
    }

    #[test]
    fn what_is_broken_for_a_while_is_told_once_and_over_when_it_is_well() {
        let mut memory = Memory::default();
        let mut told = Vec::new();
        let unknown = Seen { unknown: vec!["code-location/a".into()], ..Seen::default() };
        let looks = [
            broken("no x (pid 1)"),
            unknown,
            broken("no x (pid 2)"),
            broken("no x (pid 3)"),
            Seen::default(),
            Seen::default(),
        ];
        for (second, seen) in looks.iter().enumerate() {
            let now = Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
            told.extend(compare(Kind::Location, seen, &mut memory, SignedDuration::from_secs(2), now, "http://ui"));
        }
        let states: Vec<_> = told.iter().map(|run| (run.id.as_str(), run.status)).collect();
        assert_eq!(states, [("code-location/a", RunStatus::Failed), ("code-location/a", RunStatus::Completed)]);
        assert_eq!(told[0].workflow.title(), "code location a");
    }

    #[test]
    fn what_is_away_for_a_moment_is_not_told() {
        let mut memory = Memory::default();
        for seen in [broken("x"), Seen::default(), broken("x"), Seen::default()] {
            let told =
                compare(Kind::Location, &seen, &mut memory, SignedDuration::from_secs(2), Timestamp::UNIX_EPOCH, "");
            assert!(told.is_empty(), "{told:?}");
        }
    }

    #[test]
    fn dead_daemons_are_one_trouble_and_the_one_for_retries_says_whether_there_are_any() {
        let daemon = |kind: &str, required, healthy| Daemon { kind: kind.into(), required, healthy };
        let daemons = [
            daemon("SENSOR", true, Some(false)),
            daemon("SCHEDULER", true, Some(false)),
            daemon("ASSET", false, Some(false)),
            daemon("EVENT_LOG_CONSUMER", true, Some(true)),
        ];
        let seen = of_daemons(&daemons);
        assert_eq!(seen.broken.len(), 1);
        assert!(seen.broken[0].error.message.starts_with("No sign of life from SENSOR, SCHEDULER:"));
        assert_eq!((retries(&daemons), retries(&daemons[..3]), retries(&[])), (Some(true), Some(false), None));
    }
}
