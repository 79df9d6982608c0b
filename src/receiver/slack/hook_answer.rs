//! What a Slack incoming webhook's answer means: the word in the body first, then the status. Pure.
//!
//! The words and statuses are those of facts/receivers.md 1.3 (api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks,
//! and reports for the undocumented ones).

use crate::engine::Outcome;
use crate::receiver::message::text;
use crate::triage::redact::Secrets;

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is in the channel.
    Posted,
    /// Slack does not like the form: say it plainly.
    Rephrase(String),
    /// Anything else.
    Other(Outcome),
}

/// Our form is wrong, or beyond a limit that we don't know.
const FORM: [&str; 11] = [
    "invalid_payload",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "too_many_attachments",
    "no_text",
    "missing_text_or_fallback_or_attachments",
    "only_one_table_allowed",
    "msg_blocks_too_long",
    "msg_too_long",
    "invalid_arguments",
];

/// The webhook is gone, or its channel, or the right to post there.
const GONE: [&str; 12] = [
    "user_not_found",
    "invalid_token",
    "token_revoked",
    "action_prohibited",
    "posting_to_general_channel_denied",
    "channel_not_found",
    "no_service",
    "no_service_id",
    "no_active_hooks",
    "no_team",
    "team_disabled",
    "channel_is_archived",
];

/// Later, perhaps.
const LATER: [&str; 5] =
    ["rollup_error", "ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable"];

/// "Some aspect of the operation may have succeeded" (docs.slack.dev, errors of chat.postMessage).
const WHO_KNOWS: [&str; 2] = ["internal_error", "fatal_error"];

/// What an answer means. `own` is what no reason may repeat.
pub(super) fn meaning(status: u16, body: &[u8], retry_after: Option<i64>, own: &Secrets) -> Meaning {
    let said = String::from_utf8_lossy(body);
    let word = said.trim();
    let reason = |rest: &str| text::reason(&format!("HTTP {status}: {word}{rest}"), own);
    let refused =
        |permanent, retry_after| Meaning::Other(Outcome::Refused { permanent, reason: reason(""), retry_after });
    if status == 429 {
        return refused(false, retry_after);
    }
    if FORM.contains(&word) {
        return Meaning::Rephrase(reason(""));
    }
    if GONE.contains(&word) {
        return refused(true, None);
    }
    if LATER.contains(&word) {
        return refused(false, retry_after);
    }
    if WHO_KNOWS.contains(&word) {
        return Meaning::Other(Outcome::Unknown { reason: reason("") });
    }
    match status {
        200 if word == "ok" => Meaning::Posted,
        // A captive portal, a proxy: somebody answered who is not Slack.
        200..=299 => Meaning::Other(Outcome::Refused {
            permanent: false,
            reason: text::reason(&format!("answered {status} but not ok: {word}"), own),
            retry_after: None,
        }),
        // Slack never redirects a webhook: somebody stands in between, and may go away again. Not permanent for that reason.
        300..=399 => Meaning::Other(Outcome::Refused {
            permanent: false,
            reason: format!("HTTP {status}: a redirect, which is not followed"),
            retry_after: None,
        }),
        408 | 425 | 500..=599 => refused(false, retry_after),
        400..=499 => refused(true, None),
        _ => refused(false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_answer_has_its_meaning() {
        let rows: &[(u16, &str, &str)] = &[
            (200, "ok", "posted"),
            (200, "ok\n", "posted"),
            (200, "<html>Sign in to the guest network</html>", "transient"),
            (200, "", "transient"),
            (204, "", "transient"),
            (400, "invalid_payload", "rephrase"),
            (400, "invalid_blocks", "rephrase"),
            (400, "invalid_blocks_format", "rephrase"),
            (400, "invalid_attachments", "rephrase"),
            (400, "too_many_attachments", "rephrase"),
            (400, "msg_blocks_too_long", "rephrase"),
            (400, "only_one_table_allowed", "rephrase"),
            (400, "no_text", "rephrase"),
            (400, "user_not_found", "permanent"),
            (403, "invalid_token", "permanent"),
            (403, "action_prohibited", "permanent"),
            (403, "posting_to_general_channel_denied", "permanent"),
            (403, "team_disabled", "permanent"),
            (404, "channel_not_found", "permanent"),
            (404, "no_service", "permanent"),
            (404, "no_service_id", "permanent"),
            (404, "no_active_hooks", "permanent"),
            (404, "no_team", "permanent"),
            (410, "channel_is_archived", "permanent"),
            (500, "rollup_error", "wait 30"),
            (500, "no_active_hooks", "permanent"),
            (500, "internal_error", "unknown"),
            (500, "fatal_error", "unknown"),
            (429, "", "wait 30"),
            (429, "rate_limited", "wait 30"),
            (503, "", "wait 30"),
            (502, "<html>", "wait 30"),
            (301, "", "transient"),
            (302, "", "transient"),
            (307, "", "transient"),
            (408, "", "wait 30"),
            (400, "something_new", "permanent"),
            (404, "<html>", "permanent"),
        ];
        for (status, body, expected) in rows {
            let found = match meaning(*status, body.as_bytes(), Some(30), &Secrets::default()) {
                Meaning::Posted => "posted",
                Meaning::Rephrase(_) => "rephrase",
                Meaning::Other(Outcome::Refused { permanent: true, .. }) => "permanent",
                Meaning::Other(Outcome::Refused { retry_after: Some(30), .. }) => "wait 30",
                Meaning::Other(Outcome::Refused { .. }) => "transient",
                Meaning::Other(Outcome::Unknown { .. }) => "unknown",
                Meaning::Other(Outcome::Delivered { .. }) => "delivered",
            };
            assert_eq!(&found, expected, "{status} {body}");
        }
    }

    #[test]
    fn a_reason_is_short_and_holds_no_url() {
        let body = format!("see https://hooks.slack.com/services/T/B/secret {}", "x".repeat(5_000));
        let Meaning::Other(Outcome::Refused { reason, .. }) = meaning(404, body.as_bytes(), None, &Secrets::default())
        else {
            panic!("refused")
        };
        assert!(!reason.contains("secret") && text::length(&reason) <= 200, "{reason}");
    }
}
