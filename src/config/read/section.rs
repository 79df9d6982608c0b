//! A table whose keys are asked for one by one. What nobody asked for is unknown; so keys are listed in one place only.

use std::cell::RefCell;

use toml::{Table, Value};

use super::At;
use crate::config::path::Path;
use crate::config::suggest;

/// A table that is being read.
pub(in crate::config) struct Section<'a> {
    at: At<'a>,
    table: &'a Table,
    /// The name of its kind, as in `sources.http`.
    scope: &'static str,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// Opens a table; anything else is reported.
    pub(in crate::config) fn open(at: &At<'a>, scope: &'static str) -> Option<Self> {
        match at.value {
            Value::Table(table) => Some(Self { at: at.clone(), table, scope, asked: RefCell::default() }),
            _ => at.wrong("a table"),
        }
    }

    /// What the table is known as once its `type` is read.
    pub(in crate::config) fn rescope(&mut self, scope: &'static str) {
        self.scope = scope;
    }

    pub(in crate::config) fn at(&self) -> &At<'a> {
        &self.at
    }

    pub(in crate::config) fn path(&self) -> &Path {
        &self.at.path
    }

    /// The value at `key`, unread.
    pub(in crate::config) fn value(&self, key: &'static str) -> Option<At<'a>> {
        self.asked.borrow_mut().push(key);
        self.table.get(key).map(|value| self.at.entry(key, value))
    }

    /// The value at `key` as `reader` reads it; none when it is absent or wrong.
    pub(in crate::config) fn get<T>(&self, key: &'static str, reader: impl FnOnce(&At<'a>) -> Option<T>) -> Option<T> {
        self.value(key).and_then(|at| reader(&at))
    }

    /// The value at `key`, which must be there.
    pub(in crate::config) fn need<T>(
        &self,
        key: &'static str,
        help: &str,
        reader: impl FnOnce(&At<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key);
        if value.is_none() {
            self.at.cx.missing(self.path(), format!("the key `{key}` is missing"), Some(help.to_owned()));
        }
        value.and_then(|at| reader(&at))
    }

    /// The value at the first of `keys`, which are names for one thing.
    pub(in crate::config) fn alias<T>(
        &self,
        keys: &[&'static str],
        reader: impl FnOnce(&At<'a>) -> Option<T>,
    ) -> Option<T> {
        let mut found: Vec<At<'a>> = keys.iter().filter_map(|key| self.value(key)).collect();
        if let [first, second, ..] = found.as_slice() {
            let names: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            let help = format!("{} are one thing; keep `{}`", names.join(", "), keys.first().unwrap_or(&""));
            first.cx.wrong_key(&second.path, "the same is said twice".to_owned(), Some(help));
        }
        (!found.is_empty()).then(|| found.remove(0)).and_then(|at| reader(&at))
    }

    /// Whether the key is there, right or wrong.
    pub(in crate::config) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Reports the keys that nobody asked for.
    pub(in crate::config) fn finish(self) {
        let asked = self.asked.into_inner();
        for key in &asked {
            self.at.cx.know(self.scope, key, self.table.contains_key(*key));
        }
        for key in self.table.keys().filter(|key| !asked.contains(&key.as_str())) {
            let path = self.at.path.key(key);
            self.at.cx.hide(&path);
            let known = asked.iter().copied().filter(|known| !self.table.contains_key(*known));
            let message = if self.at.path.is_root() { "unknown section" } else { "unknown key" };
            let near = suggest::nearest(key, known.clone()).map(|near| format!("did you mean `{near}`?"));
            let help = near.or_else(|| suggest::hint(key, "known are", asked.iter().copied()));
            self.at.cx.wrong_key(&path, message.to_owned(), help);
        }
    }
}
