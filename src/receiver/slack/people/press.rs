//! What Slack sends when people do something: a click on a button, a slash command, whichever way it came. It does nothing.

use jiff::SignedDuration;
use serde_json::Value as Json;
use url::form_urlencoded;

use super::buttons::{self, Click};
use crate::receiver::message::text;
use crate::receiver::{Action, Person};

/// The longest name of a person that is kept.
const NAME: usize = 60;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Press {
    pub(super) what: What,
    pub(super) person: Person,
    /// The receiver whose message it was, as that says.
    pub(super) receiver: Option<String>,
    /// Where it was done: the channel's id and name.
    pub(super) channel: (String, String),
    /// Where an answer can be sent.
    pub(super) response_url: Option<String>,
}

/// What it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A button.
    Click(Click),
    /// `/firstred …`
    Command(Command),
}

/// A slash command, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Act(Action),
    Help,
    /// It can't be read, and why.
    Wrong(&'static str),
}

/// Reads the body of a signed request. None: it is nothing that we answer.
pub(super) fn of_form(body: &[u8]) -> Option<Press> {
    let field =
        |name: &str| form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(payload) = field("payload") {
        return of_click(&serde_json::from_str(&payload).ok()?);
    }
    let mut fields = serde_json::Map::new();
    for (key, value) in form_urlencoded::parse(body) {
        fields.insert(key.into_owned(), value.into_owned().into());
    }
    of_command(&Json::Object(fields))
}

/// Reads a `block_actions` payload.
pub(super) fn of_click(payload: &Json) -> Option<Press> {
    if payload["type"] != "block_actions" {
        return None;
    }
    // One click is one action.
    let action = payload["actions"].as_array()?.first()?;
    let user = &payload["user"];
    let mut names = ["name", "username"].iter().filter_map(|key| user[*key].as_str());
    Some(Press {
        what: What::Click(buttons::click(action)?),
        person: person(user["id"].as_str()?, names.next().unwrap_or_default())?,
        receiver: buttons::receiver(action).map(str::to_owned),
        channel: (owned(&payload["channel"]["id"]), owned(&payload["channel"]["name"])),
        response_url: payload["response_url"].as_str().map(str::to_owned),
    })
}

/// Reads the fields of a slash command.
pub(super) fn of_command(fields: &Json) -> Option<Press> {
    fields["command"].as_str().filter(|command| command.starts_with('/'))?;
    Some(Press {
        what: What::Command(command(fields["text"].as_str().unwrap_or_default())),
        person: person(fields["user_id"].as_str()?, fields["user_name"].as_str().unwrap_or_default())?,
        receiver: None,
        channel: (owned(&fields["channel_id"]), owned(&fields["channel_name"])),
        response_url: fields["response_url"].as_str().map(str::to_owned),
    })
}

fn owned(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Who it was: Slack's own id, and the name cleaned.
fn person(id: &str, name: &str) -> Option<Person> {
    let fits = (2..=24).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let name = text::end_cut(&text::line(text::head(name, 1_000)), NAME);
    fits.then(|| Person { id: id.to_owned(), name })
}

fn command(said: &str) -> Command {
    const WHICH: &str = "say which: the id of an incident, as `/firstred incidents` lists it";
    let said = text::line(text::head(said, 1_000));
    let mut words = said.split_whitespace();
    let verb = words.next().unwrap_or_default().to_ascii_lowercase();
    let (first, second, more) = (words.next(), words.next(), words.next());
    let incident = first.and_then(buttons::incident);
    match (verb.as_str(), incident, second, more) {
        ("" | "incidents" | "list", _, None, None) if first.is_none() => Command::Act(Action::Incidents),
        ("help", ..) => Command::Help,
        ("ack" | "acknowledge", Some(incident), None, None) => Command::Act(Action::Acknowledge { incident }),
        ("why", Some(incident), None, None) => Command::Act(Action::Why { incident }),
        ("silence", Some(incident), Some(length), None) => match span(length) {
            Some(length) => Command::Act(Action::Silence { incident, length }),
            None => Command::Wrong("say how long, such as 30m, 2h or 3d"),
        },
        ("silence", Some(_), None, None) => Command::Wrong("say how long, such as 30m, 2h or 3d"),
        ("ack" | "acknowledge" | "why" | "silence", None, ..) => Command::Wrong(WHICH),
        _ => Command::Wrong("that is no command"),
    }
}

fn span(length: &str) -> Option<SignedDuration> {
    let length = humantime::parse_duration(length).ok()?;
    SignedDuration::try_from(length).ok().filter(SignedDuration::is_positive)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_is_read_word_by_word() {
        let incident = || "i_01".to_owned();
        assert_eq!(command(""), Command::Act(Action::Incidents));
        assert_eq!(command(" Incidents "), Command::Act(Action::Incidents));
        assert_eq!(command("ack i_01"), Command::Act(Action::Acknowledge { incident: incident() }));
        assert_eq!(command("why i_01"), Command::Act(Action::Why { incident: incident() }));
        let length = SignedDuration::from_hours(2);
        assert_eq!(command("silence i_01 2h"), Command::Act(Action::Silence { incident: incident(), length }));
        assert_eq!(command("help me"), Command::Help);
        for wrong in [
            "ack",
            "silence",
            "silence i_01",
            "silence i_01 soon",
            "silence i_01 0s",
            "why <!channel>",
            "sing",
            "ack a b",
        ] {
            assert!(matches!(command(wrong), Command::Wrong(_)), "{wrong}");
        }
    }

    #[test]
    fn who_clicked_is_cleaned_and_has_slacks_own_id() {
        let click = |id: &str, name: &str| {
            of_click(&json!({
                "type": "block_actions", "user": { "id": id, "username": name }, "channel": { "id": "C0TEST0001" },
                "actions": [{ "action_id": "firstred.acknowledge", "value": "i_01", "block_id": "firstred/oncall" }],
            }))
        };
        let press = click("U012AB3CD", "ada\u{202e}\n<!channel>").expect("a click");
        assert_eq!(press.person.on_record(), "ada <!channel> (U012AB3CD)");
        assert_eq!(press.receiver.as_deref(), Some("oncall"));
        assert_eq!(click("<!channel>", "ada"), None);
        assert_eq!(click("", "ada"), None);
    }

    #[test]
    fn what_is_no_click_and_no_command_is_nothing() {
        for body in
            ["", "payload=x", "payload={}", "payload={\"type\":\"view_submission\"}", "ssl_check=1&token=x", "text=ack"]
        {
            assert_eq!(of_form(body.as_bytes()), None, "{body}");
        }
        let body = "command=%2Ffirstred&text=ack+i_01&user_id=U1&user_name=ada&channel_id=C1&channel_name=alerts";
        assert!(matches!(of_form(body.as_bytes()).expect("a command").what, What::Command(Command::Act(_))));
    }
}
