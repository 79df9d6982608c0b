//! How the engine's types become columns and come back. It knows no statement.

use jiff::Timestamp;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use crate::engine::Outcome;
use crate::run::RunStatus;

/// A column's value of a time.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time of a column's value. What no clock can say becomes the nearest that one can.
pub(super) fn time(micros: i64) -> Timestamp {
    let limit = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(limit)
}

/// Reads a JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// JSON in a buffer that is used again and again: what is written is large enough that growing anew each time would show.
#[derive(Debug, Default)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// The JSON of `value`.
    pub(super) fn json<T: Serialize>(&mut self, value: &T) -> Result<&str, LedgerError> {
        self.0.clear();
        serde_json::to_writer(&mut self.0, value)?;
        self.text()
    }

    /// The JSON of `value`, which is an object, with one field more that is JSON already.
    pub(super) fn json_with<T: Serialize>(&mut self, value: &T, field: &str, json: &str) -> Result<&str, LedgerError> {
        self.0.clear();
        serde_json::to_writer(&mut self.0, value)?;
        self.0.pop();
        for part in [",\"", field, "\":", json, "}"] {
            self.0.extend_from_slice(part.as_bytes());
        }
        self.text()
    }

    fn text(&self) -> Result<&str, LedgerError> {
        std::str::from_utf8(&self.0).map_err(|error| LedgerError::Failed(error.to_string()))
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// It is due, or waits for its next attempt.
    Waiting,
    /// The receiver said yes.
    Done,
    /// It was given up here; the fallback, where there is one, has a delivery of its own.
    GivenUp,
}

impl DeliveryState {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::GivenUp => "given up",
        }
    }

    pub(super) fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Done => 1,
            Self::GivenUp => 2,
        }
    }

    pub(super) fn of(code: i64) -> Self {
        match code {
            0 => Self::Waiting,
            1 => Self::Done,
            _ => Self::GivenUp,
        }
    }
}

/// One attempt in the log of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptNote {
    /// When it ended.
    pub at: Timestamp,
    /// Its number, from 1.
    pub number: u32,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What `open_runs` needs of a run's memory; the rest is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenPart {
    pub(super) status: RunStatus,
    #[serde(default)]
    pub(super) started_at: Option<Timestamp>,
}
