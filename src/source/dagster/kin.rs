//! What a failed run has of its own. Re-executed from Dagster's pages, a run begins with the tags of the run that it repeats, also with those
//! by which Dagster marked that one: which they are shows in the rows of its relatives. It must not know what follows from a mark.

use std::collections::{BTreeMap, BTreeSet};

use super::api::{Fault, Transport};
use super::ask::{PAGE, Which};
use super::poll::Watcher;
use super::wire::{AUTO_RETRY, FAILURE_REASON, RETRY_NUMBER, Run, Tag, WILL_RETRY};

/// What Dagster marks a run with. No other tag says what became of a run.
const MARKS: [&str; 4] = [AUTO_RETRY, FAILURE_REASON, RETRY_NUMBER, WILL_RETRY];
/// The most relatives that are remembered.
const KNOWN: usize = 20_000;

/// The relatives of runs, by their ids. `None`: Dagster no longer has it.
#[derive(Debug, Default)]
pub(super) struct Kin(BTreeMap<String, Option<Relative>>);

/// A run that another one names.
#[derive(Debug)]
struct Relative {
    parent: Option<String>,
    marks: Vec<Tag>,
}

impl Relative {
    fn of(run: &Run) -> Self {
        let marks = run.tags.iter().filter(|tag| MARKS.contains(&tag.key.as_str())).cloned().collect();
        Self { parent: run.parent_run_id.clone(), marks }
    }

    fn mark(&self, key: &str) -> Option<&str> {
        self.marks.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}

/// The relatives that a run's marks have to be held against.
fn relatives(run: &Run) -> impl Iterator<Item = &str> {
    let failed = run.status == "FAILURE";
    let marked = |key: &&str| (failed || *key == RETRY_NUMBER) && run.tag(key).is_some();
    let parent = run.parent_run_id.as_deref().filter(|_| MARKS.iter().any(marked));
    let next = run.tag(AUTO_RETRY).filter(|_| failed);
    parent.into_iter().chain(next).filter(|id| !id.is_empty() && *id != run.id)
}

impl Kin {
    /// Whether all is known that the run's marks have to be held against.
    pub(super) fn knows_of(&self, run: &Run) -> bool {
        relatives(run).all(|id| self.0.contains_key(id))
    }

    /// Asks no more for what can't be had.
    pub(super) fn give_up(&mut self, run: &Run) {
        for id in relatives(run) {
            self.0.entry(id.to_owned()).or_insert(None);
        }
    }

    /// Takes off the run what is not its own.
    pub(super) fn strip(&self, run: &mut Run) {
        let of = |id: &str| self.0.get(id).and_then(Option::as_ref);
        let parent = run.parent_run_id.as_deref().and_then(of);
        // A run that Dagster itself starts in the place of another is not given its marks.
        let number = |value: Option<&str>| value.and_then(|value| value.trim().parse::<u32>().ok()).unwrap_or(0);
        let of_dagster = parent.is_some_and(|parent| {
            parent.mark(AUTO_RETRY) == Some(&run.id)
                || number(run.tag(RETRY_NUMBER)) > number(parent.mark(RETRY_NUMBER))
        });
        let id = run.id.clone();
        run.tags.retain(|tag| match tag.key.as_str() {
            // The run in its place names it.
            AUTO_RETRY => of(&tag.value).is_some_and(|next| next.parent.as_deref() == Some(id.as_str())),
            // It is the answer almost always, and written anew a tenth of a second after the failure: waiting for that costs more.
            WILL_RETRY if tag.value == "false" => true,
            // What the parent had as well proves nothing.
            key if MARKS.contains(&key) && !of_dagster => {
                parent.and_then(|parent| parent.mark(key)) != Some(&tag.value)
            }
            _ => true,
        });
    }
}

impl<T: Transport> Watcher<T> {
    /// Gets to know the relatives of these runs: among themselves, and what is missing from Dagster.
    ///
    /// # Errors
    /// When not all could be asked for.
    pub(super) async fn meet(&mut self, runs: &[&Run]) -> Result<(), Fault> {
        if self.kin.0.len() > KNOWN {
            self.kin.0.clear();
        }
        let missing: BTreeSet<&str> =
            runs.iter().flat_map(|run| relatives(run)).filter(|id| !self.kin.0.contains_key(*id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let here = runs.iter().filter(|run| missing.contains(run.id.as_str()));
        self.kin.0.extend(here.map(|run| (run.id.clone(), Some(Relative::of(run)))));
        let missing: Vec<&str> = missing.into_iter().filter(|id| !self.kin.0.contains_key(*id)).collect();
        for chunk in missing.chunks(PAGE) {
            let list = self.api.runs("asking for the runs that others repeat", Which::These(chunk)).await;
            self.kin.0.extend(list.rows.iter().map(|run| (run.id.clone(), Some(Relative::of(run)))));
            if let Some(fault) = list.fault {
                return Err(fault);
            }
            for id in chunk {
                self.kin.0.entry((*id).to_owned()).or_insert(None);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(id: &str, parent: Option<&str>, tags: &[(&str, &str)]) -> Run {
        let tags: Vec<_> = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        serde_json::from_value(json!({"runId": id, "status": "FAILURE", "parentRunId": parent, "tags": tags})).unwrap()
    }

    fn stripped(mut run: Run, others: &[Run]) -> Vec<String> {
        let kin = Kin(others.iter().map(|run| (run.id.clone(), Some(Relative::of(run)))).collect());
        assert!(kin.knows_of(&run));
        kin.strip(&mut run);
        run.tags.into_iter().map(|tag| tag.key).collect()
    }

    #[test]
    fn what_a_re_executed_run_has_of_its_parent_is_taken_off_and_what_dagster_wrote_stays() {
        let marks = [(AUTO_RETRY, "x"), (FAILURE_REASON, "STEP_FAILURE"), (WILL_RETRY, "true"), ("team", "a")];
        let parent = run("p", None, &marks);
        let next = run("x", Some("p"), &[(RETRY_NUMBER, "1"), (WILL_RETRY, "true"), (AUTO_RETRY, "y")]);
        let third = run("y", Some("x"), &[]);
        let own = |again: Run| stripped(again, &[parent.clone(), next.clone(), third.clone()]);
        assert_eq!(own(run("r", Some("p"), &marks)), ["team"]);
        assert_eq!(own(run("r", Some("p"), &[(AUTO_RETRY, "x"), (WILL_RETRY, "false")])), [WILL_RETRY]);
        assert_eq!(own(parent.clone()).len(), 4, "it was run again");
        assert_eq!(own(next.clone()).len(), 3, "Dagster started it, and its marks are its own");
        assert_eq!(own(run("r", Some("x"), &[(RETRY_NUMBER, "1")])).len(), 0);
    }
}
