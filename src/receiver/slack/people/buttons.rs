//! The buttons of an incident's message, and what a click on one says. Pure.
//!
//! Three are seen, the rest is behind the dots (facts/receivers.md 4, the lesson that all good cards share). The value is the incident's
//! id and nothing that would be believed; the block says which receiver's message it is.

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use crate::engine::{Kind, Notification, Subject};
use crate::receiver::Action;
use crate::receiver::message::Message;

/// What our actions begin with.
const PREFIX: &str = "firstred.";
/// What the block of a receiver's buttons begins with; the receiver's name has 64 characters at most, and a block's id takes 255.
const BLOCK: &str = "firstred/";

const ACKNOWLEDGE: &str = "firstred.acknowledge";
const OPEN: &str = "firstred.open";
const MORE: &str = "firstred.more";

/// The buttons under the message of `receiver`. None: nothing can be done about it.
pub(in crate::receiver::slack) fn of(notification: &Notification, message: &Message, receiver: &str) -> Option<Json> {
    let note = notification.incident.as_deref()?;
    let over = matches!(notification.kind, Kind::Resolved | Kind::Summary | Kind::Test | Kind::Trouble);
    if over || !matches!(notification.subject, Subject::Run(_)) {
        return None;
    }
    let id = note.id.as_str();
    let mut elements = Vec::new();
    if note.acknowledged.is_none() {
        elements.push(json!({
            "type": "button", "action_id": ACKNOWLEDGE, "style": "primary", "text": label("Acknowledge"), "value": id,
        }));
    }
    if let Some((said, url)) = message.links.first().filter(|(said, _)| *said != "Runbook") {
        elements.push(json!({ "type": "button", "action_id": OPEN, "text": label(said), "url": url, "value": id }));
    }
    let option = |said: &str, verb: &str| json!({ "text": label(said), "value": format!("{verb}:{id}") });
    let mut options = vec![option("Silence for 1 h", "silence-1h"), option("Silence for 24 h", "silence-24h")];
    if let Some((_, url)) = message.links.iter().find(|(said, _)| *said == "Runbook") {
        let mut runbook = option("Open runbook", "runbook");
        runbook["url"] = url.as_str().into();
        options.push(runbook);
    }
    options.push(option("Why was this told?", "why"));
    elements.push(json!({ "type": "overflow", "action_id": MORE, "options": options }));
    Some(json!({ "type": "actions", "block_id": format!("{BLOCK}{receiver}"), "elements": elements }))
}

fn label(said: &str) -> Json {
    json!({ "type": "plain_text", "text": said, "emoji": true })
}

/// What a click means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Click {
    /// Do this.
    Act(Action),
    /// A link: the browser has opened it.
    Nothing,
}

/// What the click on `action` says; none where the button is none of ours.
pub(super) fn click(action: &Json) -> Option<Click> {
    let name = action["action_id"].as_str().filter(|name| name.starts_with(PREFIX))?;
    let value = action["value"].as_str().or_else(|| action["selected_option"]["value"].as_str()).unwrap_or_default();
    Some(match name {
        ACKNOWLEDGE => Click::Act(Action::Acknowledge { incident: incident(value)? }),
        MORE => {
            let (verb, id) = value.split_once(':')?;
            let incident = incident(id)?;
            match verb {
                "silence-1h" => Click::Act(Action::Silence { incident, length: SignedDuration::from_hours(1) }),
                "silence-24h" => Click::Act(Action::Silence { incident, length: SignedDuration::from_hours(24) }),
                "why" => Click::Act(Action::Why { incident }),
                _ => Click::Nothing,
            }
        }
        _ => Click::Nothing,
    })
}

/// The receiver whose message has this block.
pub(super) fn receiver(action: &Json) -> Option<&str> {
    action["block_id"].as_str()?.strip_prefix(BLOCK)
}

/// An incident's id, or how one begins. It is looked up, so that nothing but its form is checked here.
pub(super) fn incident(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_says_what_its_button_says_and_nothing_else_is_believed() {
        let read = |action: &str, value: &str| click(&json!({ "action_id": action, "value": value }));
        let acknowledge = Action::Acknowledge { incident: "i_01".to_owned() };
        assert_eq!(read(ACKNOWLEDGE, "i_01"), Some(Click::Act(acknowledge)));
        assert_eq!(read(OPEN, "i_01"), Some(Click::Nothing));
        for (action, value) in [
            ("other.acknowledge", "i_01"),
            (ACKNOWLEDGE, ""),
            (ACKNOWLEDGE, "i_01; drop"),
            (ACKNOWLEDGE, "<!channel>"),
            (MORE, "i_01"),
        ] {
            assert_eq!(read(action, value), None, "{action} {value}");
        }
        let chosen = |value: &str| click(&json!({ "action_id": MORE, "selected_option": { "value": value } }));
        let silence = Action::Silence { incident: "i_01".to_owned(), length: SignedDuration::from_hours(24) };
        assert_eq!(chosen("silence-24h:i_01"), Some(Click::Act(silence)));
        assert_eq!(chosen("why:i_01"), Some(Click::Act(Action::Why { incident: "i_01".to_owned() })));
        assert_eq!(chosen("runbook:i_01"), Some(Click::Nothing));
    }
}
