//! Why an attempt failed, in one word of a fixed list: what can be counted and put on a graph without growing. Pure: it reads the reason that
//! the receiver gave, and knows no receiver.

use super::Outcome;

/// The word of what is in no list.
const OTHER: &str = "other";

/// The words that services answer with, as they write them. What is not here becomes its status, or `other`.
const WORDS: [&str; 41] = [
    "account_inactive",
    "action_prohibited",
    "cant_update_message",
    "channel_is_archived",
    "channel_not_found",
    "ekm_access_denied",
    "fatal_error",
    "internal_error",
    "invalid_arguments",
    "invalid_attachments",
    "invalid_auth",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_payload",
    "invalid_token",
    "is_archived",
    "message_limit_exceeded",
    "message_not_found",
    "missing_scope",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_active_hooks",
    "no_service",
    "no_service_id",
    "no_team",
    "no_text",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "posting_to_general_channel_denied",
    "ratelimited",
    "restricted_action",
    "rollup_error",
    "service_unavailable",
    "team_disabled",
    "token_expired",
    "token_revoked",
    "too_many_attachments",
    "unknown_channel",
    "user_not_found",
    "webhook_disabled",
];

/// The HTTP statuses that are counted for themselves; the others by their hundred.
const STATUSES: [(&str, &str); 14] = [
    ("400", "http_400"),
    ("401", "http_401"),
    ("403", "http_403"),
    ("404", "http_404"),
    ("405", "http_405"),
    ("407", "http_407"),
    ("408", "http_408"),
    ("410", "http_410"),
    ("413", "http_413"),
    ("422", "http_422"),
    ("429", "http_429"),
    ("500", "http_500"),
    ("502", "http_502"),
    ("503", "http_503"),
];

/// What the way to a receiver says, by how our own words for it begin or go on.
const WAYS: [(&str, &str); 8] = [
    ("certificate", "tls"),
    ("failed to connect", "connect"),
    ("connection lost", "lost"),
    ("no complete answer", "timeout"),
    ("no answer", "timeout"),
    ("given up", "given_up"),
    ("failed while sending", "bug"),
    ("redirect", "redirect"),
];

impl Outcome {
    /// Why it did not arrive, in a word of a fixed list; none where it did.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Delivered { .. } => None,
            Self::Refused { reason, .. } | Self::Unknown { reason } => Some(word(reason)),
        }
    }
}

fn word(reason: &str) -> &'static str {
    // The service's own words come soon; what follows them may be anything.
    let mut parts = reason.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|part| !part.is_empty());
    let own = parts.clone().take(12).find_map(|part| WORDS.iter().copied().find(|word| *word == part));
    if let Some(word) = own {
        return word;
    }
    let lower = reason.to_ascii_lowercase();
    if let Some((_, word)) = WAYS.iter().find(|(begins, _)| lower.contains(begins)) {
        return word;
    }
    let mut before = "";
    for part in parts.by_ref().take(24) {
        if before == "HTTP" || before == "answered" {
            return status(part);
        }
        if let Some(word) = reply(part) {
            return word;
        }
        before = part;
    }
    OTHER
}

fn status(code: &str) -> &'static str {
    let known = STATUSES.iter().find(|(known, _)| *known == code).map(|(_, word)| *word);
    known.unwrap_or(match code.as_bytes() {
        [b'2', _, _] => "no_ok",
        [b'3', _, _] => "redirect",
        [b'4', _, _] => "http_4xx",
        [b'5', _, _] => "http_5xx",
        _ => OTHER,
    })
}

/// The reply of a mail server: three digits, of which the first is 4 or 5.
fn reply(part: &str) -> Option<&'static str> {
    match part {
        "421" => Some("smtp_421"),
        "450" => Some("smtp_450"),
        "451" => Some("smtp_451"),
        "452" => Some("smtp_452"),
        "454" => Some("smtp_454"),
        "530" => Some("smtp_530"),
        "535" => Some("smtp_535"),
        "550" => Some("smtp_550"),
        "552" => Some("smtp_552"),
        "553" => Some("smtp_553"),
        "554" => Some("smtp_554"),
        _ => match part.as_bytes() {
            [b'4', b'0'..=b'5', b'0'..=b'9'] => Some("smtp_4xx"),
            [b'5', b'0'..=b'5', b'0'..=b'9'] => Some("smtp_5xx"),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_becomes_a_word_of_the_list() {
        for (reason, expected) in [
            ("HTTP 404: no_service", "no_service"),
            ("HTTP 404: <html>not here</html>", "http_404"),
            ("HTTP 418: short and stout", "http_4xx"),
            ("HTTP 504", "http_5xx"),
            ("HTTP 302: a redirect, which is not followed", "redirect"),
            ("answered 200 but not ok: <html>", "no_ok"),
            ("failed to connect: tcp connect error", "connect"),
            ("connection lost after the request was sent: reset", "lost"),
            ("no complete answer within 15 s", "timeout"),
            ("no answer at the greeting within 15 s", "timeout"),
            ("the server's certificate or its TLS is not accepted: expired", "tls"),
            ("data@example.com: 550 no such user", "smtp_550"),
            ("refused at the login: 535 5.7.8 bad credentials", "smtp_535"),
            ("refused at the sender: 503 bad sequence", "smtp_5xx"),
            ("given up: it waited for more than 24 h, and the receiver can't be reached", "given_up"),
            ("no!", "other"),
            ("", "other"),
        ] {
            assert_eq!(word(reason), expected, "{reason}");
        }
    }

    #[test]
    fn a_hostile_reason_makes_no_new_word() {
        let long = "x_y_z ".repeat(10_000) + "HTTP 404";
        assert_eq!(word(&long), OTHER);
        assert_eq!(word("\u{1b}[31m{receiver=\"evil\"} 1"), OTHER);
    }
}
