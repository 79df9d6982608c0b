//! What an answer of Slack's Web API means. An error is HTTP 200 with `ok: false` and a word. Pure.
//!
//! The words are those of facts/receivers.md 1.4 (docs.slack.dev, errors of chat.postMessage, chat.update and conversations.history).

use serde_json::Value as Json;

use crate::engine::Outcome;
use crate::receiver::message::text;
use crate::triage::redact::Secrets;

/// Why a call was not answered with yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::receiver::slack) enum No {
    /// Slack does not like the form: say it plainly.
    Form(String),
    /// The message that is meant is not there, or can't be edited or answered any more.
    Gone(String),
    /// Anything else.
    Other(Outcome),
}

impl No {
    /// What it means for a delivery where the form and the place are not at fault.
    pub(in crate::receiver::slack) fn outcome(self) -> Outcome {
        match self {
            Self::Form(reason) | Self::Gone(reason) => Outcome::Refused { permanent: true, reason, retry_after: None },
            Self::Other(outcome) => outcome,
        }
    }

    /// Asking the same again will be answered the same.
    pub(in crate::receiver::slack) fn is_permanent(&self) -> bool {
        match self {
            Self::Form(_) | Self::Gone(_) => true,
            Self::Other(outcome) => matches!(outcome, Outcome::Refused { permanent: true, .. }),
        }
    }

    /// In words.
    pub(in crate::receiver::slack) fn reason(&self) -> &str {
        match self {
            Self::Form(reason)
            | Self::Gone(reason)
            | Self::Other(Outcome::Refused { reason, .. } | Outcome::Unknown { reason }) => reason,
            Self::Other(Outcome::Delivered { receipt, .. }) => receipt,
        }
    }
}

/// Our form is wrong, or beyond a limit that we don't know.
const FORM: [&str; 11] = [
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "too_many_attachments",
    "no_text",
    "only_one_table_allowed",
    "msg_blocks_too_long",
    "msg_too_long",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "metadata_too_large",
];

/// The message is gone or closed; a new one can be posted.
const GONE: [&str; 7] = [
    "message_not_found",
    "cant_update_message",
    "edit_window_closed",
    "thread_not_found",
    "invalid_thread_ts",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
];

/// The token, the channel, or the right to post there.
const NEVER: [&str; 26] = [
    "not_authed",
    "invalid_auth",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "ekm_access_denied",
    "org_login_required",
    "team_access_not_granted",
    "access_denied",
    "channel_not_found",
    "channel_type_not_supported",
    "not_in_channel",
    "is_archived",
    "is_inactive",
    "restricted_action",
    "restricted_action_read_only_channel",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_only_channel",
    "unknown_method",
    "method_not_supported_for_channel_type",
    "invalid_arguments",
    "invalid_arg_name",
    "deprecated_endpoint",
];

/// "Some aspect of the operation may have succeeded".
const WHO_KNOWS: [&str; 2] = ["internal_error", "fatal_error"];

/// The answer, where it is yes. `own` is what no reason may repeat.
pub(in crate::receiver::slack) fn meaning(
    status: u16,
    body: &[u8],
    retry_after: Option<i64>,
    own: &Secrets,
) -> Result<Json, No> {
    let answer = serde_json::from_slice::<Json>(body).ok().filter(|answer| answer["ok"].is_boolean());
    let later = |reason: &str, retry_after| {
        Err(No::Other(Outcome::Refused { permanent: false, reason: text::reason(reason, own), retry_after }))
    };
    let Some(answer) = answer else {
        // Slack answers in JSON: somebody stands in between, and may go away again.
        return match status {
            429 => later("HTTP 429", retry_after),
            300..=399 => later(&format!("HTTP {status}: a redirect, which is not followed"), None),
            200..=299 => later(&format!("answered {status}, but not as Slack's API does"), None),
            _ => later(&format!("HTTP {status}"), retry_after),
        };
    };
    if answer["ok"] == true {
        return Ok(answer);
    }
    let word = answer["error"].as_str().unwrap_or("no word");
    let reason = text::reason(&format!("{word}{}", more(&answer)), own);
    if status == 429 {
        return later(&format!("HTTP 429: {word}"), retry_after);
    }
    if FORM.contains(&word) {
        return Err(No::Form(reason));
    }
    if GONE.contains(&word) {
        return Err(No::Gone(reason));
    }
    if NEVER.contains(&word) {
        return Err(No::Other(Outcome::Refused { permanent: true, reason, retry_after: None }));
    }
    if WHO_KNOWS.contains(&word) {
        return Err(No::Other(Outcome::Unknown { reason }));
    }
    // `ratelimited`, `service_unavailable`, `request_timeout`; and words that are not known yet, which cost least if they pass.
    later(&reason, retry_after)
}

/// What Slack says more: the scope that is missing, the place of the mistake.
fn more(answer: &Json) -> String {
    let needed = answer["needed"].as_str().map(|scope| format!(", the scope {scope}"));
    let messages = answer["response_metadata"]["messages"].as_array();
    let first = messages.and_then(|messages| messages.first()).and_then(Json::as_str).map(|said| format!(": {said}"));
    needed.into_iter().chain(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Result<Json, No> {
        meaning(status, body.as_bytes(), Some(7), &Secrets::new(["xoxb-of-ours-17"]))
    }

    #[test]
    fn every_word_has_its_meaning() {
        let said = |word: &str| format!(r#"{{"ok": false, "error": "{word}"}}"#);
        for word in FORM {
            assert!(matches!(of(200, &said(word)), Err(No::Form(_))), "{word}");
        }
        for word in GONE {
            assert!(matches!(of(200, &said(word)), Err(No::Gone(_))), "{word}");
        }
        for word in NEVER {
            let permanent = matches!(of(200, &said(word)), Err(No::Other(Outcome::Refused { permanent: true, .. })));
            assert!(permanent, "{word}");
        }
        for word in WHO_KNOWS {
            assert!(matches!(of(200, &said(word)), Err(No::Other(Outcome::Unknown { .. }))), "{word}");
        }
        for word in
            ["ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "request_timeout", "new"]
        {
            let later = matches!(of(200, &said(word)), Err(No::Other(Outcome::Refused { permanent: false, .. })));
            assert!(later, "{word}");
        }
    }

    #[test]
    fn a_yes_is_a_yes_only_in_slacks_own_json() {
        assert_eq!(of(200, r#"{"ok": true, "ts": "1.2"}"#).expect("yes")["ts"], "1.2");
        for (status, body) in
            [(200, "<html>Sign in</html>"), (200, "ok"), (200, "{}"), (302, ""), (500, ""), (200, r#"{"ok": "true"}"#)]
        {
            let later = matches!(of(status, body), Err(No::Other(Outcome::Refused { permanent: false, .. })));
            assert!(later, "{status} {body}");
        }
        let Err(No::Other(Outcome::Refused { retry_after, .. })) = of(429, "") else { panic!("later") };
        assert_eq!(retry_after, Some(7));
    }

    #[test]
    fn a_reason_names_what_is_missing_and_no_token() {
        let body = r#"{"ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "none"}"#;
        assert_eq!(of(200, body).expect_err("no").reason(), "missing_scope, the scope chat:write");
        let body = r#"{"ok": false, "error": "invalid_auth xoxb-of-ours-17 at https://slack.com/api"}"#;
        let no = of(200, body).expect_err("no");
        assert!(!no.reason().contains("of-ours") && !no.reason().contains("slack.com"), "{no:?}");
    }
}
