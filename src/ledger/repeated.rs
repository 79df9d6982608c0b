//! The runs that a completed run repeats, inside the writer's transaction: what the engine needs to know of them, and what it answers.

use rusqlite::params;

use super::LedgerError;
use super::apply::Hot;
use crate::engine::{Known, MOST_REPLAYED};
use crate::run::RunKey;
use crate::triage::{Observation, Standing};

/// The runs that `seen` repeats, nearest first.
pub(super) fn load(hot: &Hot<'_>, seen: &Observation) -> Result<Vec<(RunKey, Known)>, LedgerError> {
    let mut replayed: Vec<(RunKey, Known)> = Vec::new();
    let mut next = seen.replay_of.clone().filter(|_| seen.standing == Standing::Completed);
    while let Some(run) = next.take() {
        let is_known = run == seen.key.run || replayed.iter().any(|(key, _)| key.run == run);
        if is_known || replayed.len() == MOST_REPLAYED {
            break;
        }
        let mut find = hot.db.prepare_cached(
            "SELECT workflow, known FROM runs WHERE run = ?1 AND workspace = ?2 ORDER BY workflow = ?3 DESC, id LIMIT 1",
        )?;
        let mut rows = find.query(params![run, seen.key.workspace, seen.key.workflow])?;
        let Some(row) = rows.next()? else {
            break;
        };
        let key = RunKey { workspace: seen.key.workspace.clone(), workflow: row.get(0)?, run };
        // What can't be read is no reason not to take the run that repeats it.
        let Ok(known) = serde_json::from_str::<Known>(row.get_ref(1)?.as_str().unwrap_or_default()) else {
            break;
        };
        next.clone_from(&known.replay_of);
        replayed.push((key, known));
    }
    Ok(replayed)
}

/// Writes what changed of them.
pub(super) fn write(hot: &Hot<'_>, also: &[(RunKey, Known)]) -> Result<(), LedgerError> {
    for (key, known) in also {
        hot.db
            .prepare_cached("UPDATE runs SET known = ?4 WHERE run = ?1 AND workflow = ?2 AND workspace = ?3")?
            .execute(params![key.run, key.workflow, key.workspace, serde_json::to_string(known)?])?;
    }
    Ok(())
}
