//! What a step or a run says went wrong.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The code of an error that has none of its own.
pub const UNKNOWN_ERROR: &str = "UNKNOWN_ERROR";

/// An error as the engine reported it. Texts are untrusted and may hold secrets until triage has redacted them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepError {
    /// An open set of codes; [`UNKNOWN_ERROR`] when the engine gives none.
    #[serde(default = "unknown_error", deserialize_with = "code_or_unknown")]
    pub code: String,
    /// The sentence for people. May be empty.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub message: String,
    /// The HTTP status of the service that the step called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_status: Option<u16>,
    /// Whether the engine itself thinks that another try can help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// More of the same: a provider's body, a traceback. JSON that is not a string is kept as its text.
    #[serde(default, deserialize_with = "text_of_anything", skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn unknown_error() -> String {
    UNKNOWN_ERROR.to_owned()
}

fn code_or_unknown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    Ok(code.filter(|code| !code.trim().is_empty()).unwrap_or_else(unknown_error))
}

fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// A card is read back through buffers that keep no raw JSON, so this goes by the value.
fn text_of_anything<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use crate::triage::Cause;

    #[test]
    fn an_error_with_a_detail_survives_the_way_into_the_ledger_and_back() {
        for detail in [r#""plain""#, r#"{"decline_code":"insufficient_funds","n":[1,2]}"#, "null", "7"] {
            let json = format!(
                r#"{{"at":"run","beforeAnyStep":true,"error":{{"code":"X","message":"m","detail":{detail}}}}}"#
            );
            let cause: Cause = serde_json::from_str(&json).expect("a cause");
            let stored = serde_json::to_string(&cause).expect("JSON");
            assert_eq!(serde_json::from_str::<Cause>(&stored).expect("the same cause"), cause, "{detail}");
        }
    }
}
