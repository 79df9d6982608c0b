//! What the writer remembers of what is wrong: receivers that fail, and troubles that are open. In memory, so that a success at a
//! receiver with which nothing is wrong costs no statement; in the tables for who reads, and read back when a transaction was undone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::LedgerError;
use super::apply::Hot;
use super::rows::{micros, time};
use crate::engine::{About, Failing, Outcome, Policy};

/// Something of each address of each name.
#[derive(Debug)]
pub(super) struct ByAddress<T>(BTreeMap<String, BTreeMap<String, T>>);

impl<T> Default for ByAddress<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Copy> ByAddress<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn get(&self, name: &str, address: &str) -> Option<T> {
        self.0.get(name)?.get(address).copied()
    }

    pub(super) fn put(&mut self, name: &str, address: &str, value: T) {
        self.0.entry(name.to_owned()).or_default().insert(address.to_owned(), value);
    }

    pub(super) fn take(&mut self, name: &str, address: &str) {
        if let Some(addresses) = self.0.get_mut(name) {
            addresses.remove(address);
            if addresses.is_empty() {
                self.0.remove(name);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, T)> {
        self.0
            .iter()
            .flat_map(|(name, addresses)| addresses.iter().map(move |(address, value)| (&**name, &**address, *value)))
    }
}

/// A trouble that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    /// The next success ends it. Otherwise something was refused for good, and a success says nothing about that.
    pub(super) transient: bool,
    /// When it was last met.
    pub(super) last_at: Timestamp,
}

/// What is wrong, as of the last commit.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By receiver.
    pub(super) failing: ByAddress<Failing>,
    /// By what is broken.
    pub(super) open: ByAddress<Open>,
}

impl Memory {
    /// What the tables say.
    pub(super) fn load(db: &Connection) -> Result<Self, LedgerError> {
        let mut memory = Self::default();
        let mut failing = db.prepare_cached("SELECT name, address, failing_since, refused FROM receivers")?;
        let mut rows = failing.query([])?;
        while let Some(row) = rows.next()? {
            let since = row.get::<_, Option<i64>>(2)?.map(time);
            let (name, address): (String, String) = (row.get(0)?, row.get(1)?);
            memory.failing.put(&name, &address, Failing { since, refused: row.get(3)? });
        }
        let mut open =
            db.prepare_cached("SELECT what, address, transient, last_at FROM troubles WHERE settled_at IS NULL")?;
        let mut rows = open.query([])?;
        while let Some(row) = rows.next()? {
            let (what, address): (String, String) = (row.get(0)?, row.get(1)?);
            memory.open.put(&what, &address, Open { transient: row.get(2)?, last_at: time(row.get(3)?) });
        }
        Ok(memory)
    }
}

/// Notes how a receiver stands after an attempt. Writes only what changes: nothing for a success where nothing fails.
pub(super) fn note(
    hot: &mut Hot<'_>,
    receiver: &str,
    address: &str,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<(), LedgerError> {
    let before = hot.memory.failing.get(receiver, address).unwrap_or_default();
    let after = before.after(outcome, at);
    if after == before {
        return Ok(());
    }
    if after == Failing::default() {
        hot.db
            .prepare_cached("DELETE FROM receivers WHERE name = ?1 AND address = ?2")?
            .execute(params![receiver, address])?;
        hot.memory.failing.take(receiver, address);
    } else {
        hot.db
            .prepare_cached(
                "INSERT OR REPLACE INTO receivers (name, address, failing_since, refused) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![receiver, address, after.since.map(micros), after.refused])?;
        hot.memory.failing.put(receiver, address, after);
    }
    Ok(())
}

/// After a start, and after another configuration came into force: what is no longer configured is no trouble, the configuration is
/// accepted, and every receiver gets a fresh chance. Its next success ends its trouble, whatever it refused before: a person may have
/// repaired that. What is still broken is not told anew, for its trouble stays open.
pub(super) fn begin_anew(hot: &mut Hot<'_>, policy: &Policy, now: Timestamp) -> Result<(), LedgerError> {
    if !hot.memory.failing.is_empty() {
        hot.db.execute("DELETE FROM receivers", [])?;
        hot.memory.failing = ByAddress::default();
    }
    let open: Vec<(String, String, Open)> =
        hot.memory.open.iter().map(|(what, address, open)| (what.to_owned(), address.to_owned(), open)).collect();
    for (what, address, open) in open {
        let about = About::of(&what);
        if about == About::Configuration || !policy.knows(about, &address) {
            super::trouble::settle_one(hot, &what, &address, now)?;
        } else if !open.transient {
            hot.db
                .prepare_cached("UPDATE troubles SET transient = 1 WHERE what = ?1 AND address = ?2")?
                .execute(params![what, address])?;
            hot.memory.open.put(&what, &address, Open { transient: true, ..open });
        }
    }
    Ok(())
}
