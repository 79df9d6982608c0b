//! The identity of an error once ids, times, numbers and addresses are taken out of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::mask::mask;
use crate::run::StepError;

/// `v1:` and 32 hex digits: equal for the same error with other ids, times, numbers and addresses; different for
/// another provider status or exit code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// What the fingerprint is made of.
pub(super) struct Parts<'a> {
    /// The workflow's key.
    pub(super) workflow: &'a str,
    /// The failed step's title.
    pub(super) step: Option<&'a str>,
    /// The error that is shown first, redacted.
    pub(super) error: Option<&'a StepError>,
}

impl Fingerprint {
    pub(super) fn of(parts: &Parts<'_>) -> Self {
        let status = parts.error.and_then(|error| error.provider_status).map(|status| status.to_string());
        let message = parts.error.map(|error| mask(&error.message));
        let step = parts.step.map(without_index);
        Self::of_fields([
            Some(parts.workflow),
            step.as_deref(),
            parts.error.map(|error| error.code.as_str()),
            status.as_deref(),
            message.as_deref(),
        ])
    }

    pub(super) fn of_fields<const N: usize>(fields: [Option<&str>; N]) -> Self {
        let mut hash = Sha256::new();
        for field in fields {
            // The length in front keeps `a|b, c` and `a, b|c` apart; an absent field differs from an empty one.
            let length = field.map_or(u64::MAX, |field| field.len() as u64);
            hash.update(length.to_le_bytes());
            hash.update(field.unwrap_or_default());
        }
        let mut text = String::with_capacity(35);
        text.push_str("v1:");
        for byte in hash.finalize().iter().take(16) {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or_default());
            }
        }
        Self(text)
    }
}

/// A step's title without the index of a mapped task: `load[17]`, `load (3)` and `load #4` are the same step.
pub(crate) fn without_index(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(open) = rest.find(['[', '(', '#']) {
        let (before, from) = rest.split_at(open);
        let digits = from[1..].bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(before);
        out.push_str(&from[..1]);
        rest = &from[1..];
        let closed = from.starts_with('#') || matches!(rest.as_bytes().get(digits), Some(b']' | b')' | b',' | b'/'));
        if digits > 0 && closed {
            out.push('#');
            rest = &rest[digits..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(step: &str, status: Option<u16>, message: &str) -> Fingerprint {
        let error = StepError { message: message.to_owned(), provider_status: status, ..StepError::default() };
        Fingerprint::of(&Parts { workflow: "w", step: Some(step), error: Some(&error) })
    }

    #[test]
    fn the_form_is_versioned_and_never_changes() {
        let fingerprint = of("load", Some(401), "status 401 for user 17");
        assert_eq!(fingerprint.0.len(), 35);
        assert!(fingerprint.0.starts_with("v1:"));
    }

    #[test]
    fn ids_and_mapped_indexes_make_no_difference_but_statuses_and_exit_codes_do() {
        assert_eq!(of("load[1]", None, "row 5 at 10:00"), of("load[27]", None, "row 612 at 23:59"));
        assert_ne!(of("load", None, "status 401"), of("load", None, "status 404"));
        assert_ne!(of("load", Some(401), "x"), of("load", Some(404), "x"));
        assert_ne!(of("load", None, "exit code 1"), of("load", None, "exit code 137"));
        assert_ne!(of("load", None, "x"), of("save", None, "x"));
    }
}
