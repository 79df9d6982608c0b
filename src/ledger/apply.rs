//! From observations to rows, inside the writer's transaction. What follows from an observation is the engine's to say; this
//! only fetches what the engine needs to know and writes what it answers.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::LedgerError;
use super::bells::Effects;
use super::command::Observed;
use super::failing::Memory;
use super::journal::{Lines, Seen, Written};
use super::repeated;
use super::rows::{Buffer, micros};
use super::save::{self, row_of};
use super::tally::Tally;
use crate::engine::{Board, Changes, Context, Input, Known, Number, Policy, Stumble, Told};
use crate::run::RunKey;

/// A run that is seen again without any change is marked as seen this often: it must not be pruned, and told anew, while the
/// engine still lists it.
const MARK_SEEN_EVERY: SignedDuration = SignedDuration::from_hours(12);

/// The statements of the hot path, prepared once.
pub(super) struct Hot<'c> {
    pub(super) db: &'c Connection,
    pub(super) memory: Memory,
    pub(super) board: Board,
    /// What changed on the board was taken from it to be written, and is not committed yet.
    pub(super) taken: bool,
    /// When the board has to be asked again, as of the last commit.
    pub(super) next_tick: Option<Timestamp>,
    /// For the bodies of rows.
    pub(super) buffer: Buffer,
    /// What goes into the journal with this transaction.
    pub(super) journal: Lines,
    /// What this transaction counts.
    pub(super) tally: Tally,
    /// When a read of a source was last journaled.
    pub(super) reads: BTreeMap<String, Timestamp>,
    /// Runs whose holds met a bug in the engine when they were to end: rows to be put off.
    pub(super) spoiled: Vec<i64>,
    /// What a tick of the board stumbled over, and until when it is put off.
    pub(super) stumbles: Vec<(Stumble, Timestamp)>,
    find: CachedStatement<'c>,
    parent: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    update: CachedStatement<'c>,
    member: CachedStatement<'c>,
    pub(super) incident: CachedStatement<'c>,
    pub(super) say: CachedStatement<'c>,
    pub(super) deliver: CachedStatement<'c>,
}

impl<'c> Hot<'c> {
    pub(super) fn prepare(db: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            db,
            memory: Memory::default(),
            board: Board::default(),
            taken: false,
            next_tick: None,
            buffer: Buffer::default(),
            journal: Lines::default(),
            tally: Tally::default(),
            reads: BTreeMap::new(),
            spoiled: Vec::new(),
            stumbles: Vec::new(),
            find: db.prepare_cached(
                "SELECT id, seen_at, known, workflow, source FROM runs
                 WHERE run = ?1 AND workspace = ?3
                   AND (workflow = ?2 OR (?4 IS NULL AND title = ?2) OR (title IS NULL AND workflow = ?4))
                 ORDER BY workflow = ?2 DESC, id LIMIT 1",
            )?,
            parent: db.prepare_cached("SELECT 1 FROM runs WHERE run = ?1 AND workspace = ?2 AND +open = 1")?,
            insert: db.prepare_cached(
                "INSERT INTO runs (run, workflow, workspace, source, first_seen, seen_at, open, hold_until, known, title)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9)",
            )?,
            update: db
                .prepare_cached("UPDATE runs SET seen_at = ?2, open = ?3, hold_until = ?4, known = ?5 WHERE id = ?1")?,
            member: db.prepare_cached("INSERT OR IGNORE INTO members (incident, run) VALUES (?1, ?2)")?,
            incident: db.prepare_cached(save::WRITE_INCIDENT)?,
            say: db.prepare_cached(
                "INSERT INTO notifications (run, name, at, body, incident) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?,
            deliver: db.prepare_cached(
                "INSERT INTO deliveries (notification, receiver, address, state, attempts, created_at, next_at)
                 VALUES (?1, ?2, ?3, 0, 0, ?4, ?4) ON CONFLICT DO NOTHING",
            )?,
        })
    }

    /// Writes a run's memory and what is to be said about it. `before` is what was stored of it.
    pub(super) fn write(
        &mut self,
        before: Option<&Before>,
        named: Named<'_>,
        now: Timestamp,
        changes: &Changes,
        policy: &Policy,
        effects: &mut Effects,
    ) -> Result<(), LedgerError> {
        let known = &changes.known;
        self.tally.run(before.map(|before| before.failures), known);
        let hold_until = known.hold_until();
        let text = match named.card {
            Some(card) => self.buffer.json_with(known, "card", card)?,
            None => self.buffer.json(known)?,
        };
        let (now, until) = (micros(now), hold_until.map(micros));
        let held_before = before.and_then(|before| before.hold_until);
        // A hold that goes on as it was changes nothing for who waits for its end.
        effects.held |= hold_until.is_some() && hold_until != held_before;
        let row = if let Some(before) = before {
            self.update.execute(params![before.row, now, known.is_open(), until, text])?;
            before.row
        } else {
            let key = (&named.key.run, &named.key.workflow, &named.key.workspace);
            self.insert.insert(params![
                key.0,
                key.1,
                key.2,
                known.source,
                now,
                known.is_open(),
                until,
                text,
                named.title
            ])?
        };
        let was_there = |number| before.is_some_and(|before| before.incidents.contains(&number));
        for part in known.incidents.iter().filter(|part| !was_there(part.number)) {
            self.member.execute(params![row_of(part.number), row])?;
        }
        self.say_all(row, &changes.told, policy, effects)
    }

    /// Writes what is to be said, because of the run in this row.
    pub(super) fn say_all(
        &mut self,
        row: i64,
        told: &[Told],
        policy: &Policy,
        effects: &mut Effects,
    ) -> Result<(), LedgerError> {
        for told in told {
            self.tell(row, told.incident, &told.notification, &told.receivers, policy, effects)?;
        }
        Ok(())
    }
}

/// What was stored of a run before it changed.
#[derive(Debug)]
pub(super) struct Before {
    row: i64,
    /// The deadline of its hold.
    hold_until: Option<Timestamp>,
    /// How often it had failed.
    failures: u32,
    /// The incidents that it belonged to.
    incidents: Vec<Number>,
}

impl Before {
    /// What is to be kept in mind of `known`.
    pub(super) fn of(row: i64, known: Option<&Known>) -> Self {
        Self {
            row,
            hold_until: known.and_then(Known::hold_until),
            failures: known.map_or(0, Known::failures),
            incidents: known.into_iter().flat_map(|known| &known.incidents).map(|part| part.number).collect(),
        }
    }
}

/// A run's key, the name of its workflow where the key goes by the id, and its card where that is written down already.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) key: &'a RunKey,
    pub(super) title: Option<&'a str>,
    /// The card as JSON, where it is not in the run's memory.
    pub(super) card: Option<&'a str>,
}

/// What is stored of a run.
struct Stored {
    row: i64,
    seen_at: i64,
    known: Option<Known>,
    workflow: String,
    /// The source that is asked about it while it is open: the one that first saw it, until a polled one does. One that is pushed
    /// to can't be asked, and never takes a run from one that can.
    source: String,
}

/// Writes a batch: its runs, then what was forgotten, then its checkpoint.
pub(super) fn observe(
    hot: &mut Hot<'_>,
    batch: &Observed,
    written: &Written,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    for index in 0..batch.observations.len() {
        observe_one(hot, batch, written, index, policy, effects)?;
    }
    for key in &batch.forgotten {
        forget_one(hot, batch.at, key, policy, effects)?;
    }
    if let Some(checkpoint) = &batch.checkpoint {
        hot.db
            .prepare_cached("INSERT OR REPLACE INTO checkpoints (source, value, at) VALUES (?1, ?2, ?3)")?
            .execute(params![batch.source, checkpoint, micros(batch.at)])?;
    }
    Ok(())
}

fn observe_one(
    hot: &mut Hot<'_>,
    batch: &Observed,
    written: &Written,
    index: usize,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let Some((observation, history)) = batch.observations.get(index) else {
        return Ok(());
    };
    let (now, history) = (batch.at, *history);
    let stored = find(hot, &observation.key, observation.workflow_name.as_deref())?;
    let parent_open = match &observation.parent {
        Some(parent) => hot.parent.exists(params![parent, observation.key.workspace])?,
        None => false,
    };
    // The queue's copy is kept: after a neighbour failed, this one is written again.
    let mut seen = observation.clone();
    let (before, seen_at, known) = match stored {
        Some(stored) => {
            if batch.polled && stored.source != batch.source {
                hot.db
                    .prepare_cached("UPDATE runs SET source = ?2 WHERE id = ?1")?
                    .execute(params![stored.row, batch.source])?;
            }
            // Whatever a source calls the workflow, what is said about the run goes by the key that it was first known by.
            seen.key.workflow = stored.workflow;
            (Some(Before::of(stored.row, stored.known.as_ref())), stored.seen_at, stored.known)
        }
        None => (None, 0, None),
    };
    let workflow = (seen.key.workflow != observation.key.workflow).then(|| seen.key.workflow.clone());
    let replayed = repeated::load(hot, &seen)?;
    let context = Context { history, parent_open, replayed };
    let mut changes = guarded(|| hot.board.observe(now, known, seen, context, policy))?;
    repeated::write(hot, &changes.also)?;
    if !changes.idle {
        let seen = Seen { at: now, history, parent_open, workflow: workflow.as_deref() };
        hot.journal.observed(&seen, written, index)?;
    }
    if !changes.unchanged {
        // It was written down once: that is most of what a failed run's memory costs.
        let card = written.card(index).filter(|_| changes.known.card == observation.card);
        if card.is_some() {
            changes.known.card = None;
        }
        let named = Named { key: &observation.key, title: observation.workflow_name.as_deref(), card };
        return hot.write(before.as_ref(), named, now, &changes, policy, effects);
    }
    let Some(Before { row, .. }) = before else {
        return Ok(());
    };
    // What is known of the run stays as it was, but it may have shown that others are over.
    hot.say_all(row, &changes.told, policy, effects)?;
    if micros(now).saturating_sub(seen_at) > i64::try_from(MARK_SEEN_EVERY.as_micros()).unwrap_or(i64::MAX) {
        hot.db.prepare_cached("UPDATE runs SET seen_at = ?2 WHERE id = ?1")?.execute(params![row, micros(now)])?;
    }
    Ok(())
}

fn forget_one(
    hot: &mut Hot<'_>,
    now: Timestamp,
    key: &RunKey,
    policy: &Policy,
    effects: &mut Effects,
) -> Result<(), LedgerError> {
    let Some(Stored { row, known: Some(known), workflow, .. }) = find(hot, key, None)? else {
        return Ok(());
    };
    let key = &RunKey { workflow, ..key.clone() };
    let before = Before::of(row, Some(&known));
    let changes = guarded(|| hot.board.forget_run(now, key, known, policy))?;
    if changes.unchanged {
        return Ok(());
    }
    hot.journal.input(&Input::Forgotten { at: now, key: key.clone() })?;
    hot.write(Some(&before), Named { key, title: None, card: None }, now, &changes, policy, effects)
}

fn find(hot: &mut Hot<'_>, key: &RunKey, title: Option<&str>) -> Result<Option<Stored>, LedgerError> {
    let stored = hot.find.query_row(params![key.run, key.workflow, key.workspace, title], |row| {
        // A memory that can't be read must not keep its run from being told; the notification's id still says it once.
        let known = serde_json::from_str(row.get_ref(2)?.as_str()?);
        let known = known.inspect_err(|error| tracing::error!(?key, ?error, "a run's memory can't be read")).ok();
        Ok(Stored { row: row.get(0)?, seen_at: row.get(1)?, known, workflow: row.get(3)?, source: row.get(4)? })
    });
    Ok(stored.optional()?)
}

/// Asks the engine. A bug in it costs the one item that met it, not the writer: the board may be half changed, so that the transaction
/// has to be undone and the board read back.
pub(super) fn guarded<T>(ask: impl FnOnce() -> T) -> Result<T, LedgerError> {
    catch_unwind(AssertUnwindSafe(ask)).map_err(|_| LedgerError::Failed("a bug in firstred, its log says where".into()))
}
