//! What the Bot API's answer means: its words first, then the status. Pure. Words and codes: facts/receivers.md 3, and the Bot API's
//! documentation of `ResponseParameters`.

use serde_json::Value as Json;

use crate::engine::Outcome;
use crate::receiver::heard::Heard;

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is in the chat, as this message.
    Posted { chat: Option<String>, id: i64 },
    /// The message says so already.
    Unchanged,
    /// The message that was to be edited is not there any more.
    Gone(String),
    /// Telegram does not like the marks: say it plainly.
    Rephrase(String),
    /// The group became a supergroup with this number.
    Moved(i64),
    /// Anything else.
    Other(Outcome),
}

/// Our marks are wrong, or the text is too long for them.
const FORM: [&str; 4] = ["can't parse entities", "message is too long", "message_too_long", "entities_too_long"];

/// There is nothing to edit any more.
const GONE: [&str; 3] = ["message to edit not found", "message can't be edited", "message_id_invalid"];

pub(super) fn meaning(heard: &Heard<'_>) -> Meaning {
    let said = heard.text("/description");
    let word = said.to_lowercase();
    let is = |words: &[&str]| words.iter().any(|known| word.contains(known));
    let posted = heard.number("/result/message_id");
    let moved = heard.number("/parameters/migrate_to_chat_id");
    match (heard.status(), posted, moved) {
        (200, Some(id), _) if heard.json.pointer("/ok") == Some(&Json::Bool(true)) => {
            Meaning::Posted { chat: chat(heard), id }
        }
        (400, _, Some(chat)) => Meaning::Moved(chat),
        (400, ..) if is(&["message is not modified"]) => Meaning::Unchanged,
        (400, ..) if is(&GONE) => Meaning::Gone(heard.reason(said)),
        (400, ..) if is(&FORM) => Meaning::Rephrase(heard.reason(said)),
        _ => Meaning::Other(heard.refused(said, "/parameters/retry_after")),
    }
}

fn chat(heard: &Heard<'_>) -> Option<String> {
    heard.number("/result/chat/id").map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::heard::table::{told, word};

    #[test]
    fn every_known_answer_has_its_meaning() {
        let said = |description: &str| format!(r#"{{"ok":false,"description":"{description}"}}"#);
        let rows = [
            (200, r#"{"ok":true,"result":{"message_id":5,"chat":{"id":-100}}}"#.to_owned(), "posted -100/5"),
            (200, r#"{"ok":true,"result":{"message_id":5}}"#.to_owned(), "posted ?/5"),
            (200, r#"{"ok":true,"result":true}"#.to_owned(), "transient"),
            (200, "<html>Sign in</html>".to_owned(), "transient"),
            (400, said("Bad Request: message is not modified: specified new"), "unchanged"),
            (400, said("Bad Request: message to edit not found"), "gone"),
            (400, said("Bad Request: message can't be edited"), "gone"),
            (400, said("Bad Request: MESSAGE_ID_INVALID"), "gone"),
            (400, said("Bad Request: can't parse entities: Unsupported start tag"), "rephrase"),
            (400, said("Bad Request: message is too long"), "rephrase"),
            (400, r#"{"ok":false,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1009}}"#.to_owned(), "moved -1009"),
            (400, said("Bad Request: chat not found"), "permanent"),
            (401, said("Unauthorized"), "permanent"),
            (403, said("Forbidden: bot was kicked from the group chat"), "permanent"),
            (404, said("Not Found"), "permanent"),
            (429, r#"{"ok":false,"description":"Too Many Requests: retry after 44","parameters":{"retry_after":44}}"#.to_owned(), "wait 44"),
            (429, String::new(), "wait 30"),
            (302, String::new(), "transient"),
            (500, said("Internal Server Error"), "transient"),
            (502, "<html>".to_owned(), "transient"),
        ];
        for (status, body, expected) in rows {
            let found = match told(status, &body, meaning) {
                Meaning::Posted { chat, id } => format!("posted {}/{id}", chat.unwrap_or_else(|| "?".to_owned())),
                Meaning::Unchanged => "unchanged".to_owned(),
                Meaning::Gone(_) => "gone".to_owned(),
                Meaning::Rephrase(_) => "rephrase".to_owned(),
                Meaning::Moved(chat) => format!("moved {chat}"),
                Meaning::Other(outcome) => word(&outcome),
            };
            assert_eq!(found, expected, "{status} {body}");
        }
    }
}
