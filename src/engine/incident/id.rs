//! The name of an incident.

use serde::{Deserialize, Serialize};

use crate::engine::NotificationId;

/// The stable identity of an incident, derived from what opened it: `i_` and 16 hex digits, short enough to be typed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(String);

impl IncidentId {
    /// The id made of `parts`.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Self {
        let digits = NotificationId::of_parts(parts);
        let digits = digits.as_str().trim_start_matches("n_");
        Self(format!("i_{}", &digits[..16.min(digits.len())]))
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
