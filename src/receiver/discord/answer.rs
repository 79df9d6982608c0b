//! What Discord's answer means: its own code first, then the status. Pure. Codes of Discord's developer documentation, "Opcodes and Status
//! Codes"; those that matter are in facts/receivers.md 3.

use super::is_id;
use crate::engine::Outcome;
use crate::receiver::heard::Heard;

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is in the channel, as this message: `CHANNEL/ID`.
    Posted { id: Option<String> },
    /// The message that was to be edited is not there any more.
    Gone(String),
    /// Discord does not like the form: say it plainly.
    Rephrase(String),
    /// Anything else.
    Other(Outcome),
}

/// Unknown Message.
const UNKNOWN_MESSAGE: i64 = 10_008;
/// Cannot send an empty message; invalid form body; invalid JSON; request entity too large.
const FORM: [i64; 4] = [50_006, 50_035, 50_109, 40_005];

pub(super) fn meaning(heard: &Heard<'_>) -> Meaning {
    let said = heard.text("/message");
    match (heard.status(), heard.number("/code")) {
        (200, _) if is_id(heard.text("/id")) => Meaning::Posted { id: Some(place(heard)) },
        // What stands in between forgot that the answer was asked for; Discord itself sends this only without `wait`.
        (204, _) => Meaning::Posted { id: None },
        (404, Some(UNKNOWN_MESSAGE)) => Meaning::Gone(heard.reason(said)),
        (400 | 413, Some(code)) if FORM.contains(&code) => Meaning::Rephrase(heard.reason(said)),
        // A 401 or 403 without a code comes from the network in front of Discord, which refuses for a while, with a page.
        _ => Meaning::Other(heard.refused(said, "/retry_after")),
    }
}

fn place(heard: &Heard<'_>) -> String {
    let (channel, id) = (heard.text("/channel_id"), heard.text("/id"));
    if is_id(channel) { format!("{channel}/{id}") } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::heard::table::{told, word};

    #[test]
    fn every_known_answer_has_its_meaning() {
        let rows = [
            (200, r#"{"id":"11","channel_id":"7"}"#, "posted 7/11"),
            (200, r#"{"id":"11"}"#, "posted 11"),
            (200, r#"{"id":"../../x"}"#, "transient"),
            (200, "<html>Sign in to the guest network</html>", "transient"),
            (204, "", "posted"),
            (400, r#"{"message":"Invalid Form Body","code":50035,"errors":{}}"#, "rephrase"),
            (400, r#"{"message":"Cannot send an empty message","code":50006}"#, "rephrase"),
            (413, r#"{"message":"Request entity too large","code":40005}"#, "rephrase"),
            (400, r#"{"message":"Thread is archived","code":50083}"#, "permanent"),
            (401, r#"{"message":"Invalid Webhook Token","code":50027}"#, "permanent"),
            (403, r#"{"message":"Missing Access","code":50001}"#, "permanent"),
            (403, "<html>error code: 1015</html>", "transient"),
            (404, r#"{"message":"Unknown Webhook","code":10015}"#, "permanent"),
            (404, r#"{"message":"Unknown Message","code":10008}"#, "gone"),
            (429, r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#, "wait 65"),
            (429, r#"{"retry_after":1e300}"#, "wait 86400"),
            (429, "<html>", "wait 30"),
            (302, "", "transient"),
            (500, "", "transient"),
            (502, "<html>", "transient"),
        ];
        for (status, body, expected) in rows {
            let found = match told(status, body, meaning) {
                Meaning::Posted { id } => format!("posted {}", id.unwrap_or_default()).trim().to_owned(),
                Meaning::Gone(_) => "gone".to_owned(),
                Meaning::Rephrase(_) => "rephrase".to_owned(),
                Meaning::Other(outcome) => word(&outcome),
            };
            assert_eq!(found, expected, "{status} {body}");
        }
    }
}
