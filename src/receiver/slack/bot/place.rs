//! Where a message stands, as the ledger keeps it for us. It asks nobody.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Where an incident's message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The channel's id, which `chat.update` needs.
    pub(super) channel: String,
    /// The message's `ts`: a text, for as a number it loses its last digits.
    pub(super) ts: String,
    /// The channel as the configuration wrote it then: another one means a new message.
    pub(super) to: String,
}

impl Place {
    /// The place in the ledger, where it is one in the channel `to`.
    pub(super) fn read(post: &str, to: &str) -> Option<Self> {
        serde_json::from_str(post).ok().filter(|place: &Self| place.to == to)
    }

    pub(super) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// A channel of the configuration: its name or id, and its id once Slack said it. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::receiver::slack) struct Channel {
    /// As the configuration has it.
    pub(in crate::receiver::slack) written: String,
    id: Arc<Mutex<Option<String>>>,
}

impl Channel {
    pub(super) fn new(written: &str) -> Self {
        Self { written: written.to_owned(), id: Arc::new(Mutex::new(is_id(written).then(|| written.to_owned()))) }
    }

    /// Its id, where it is known.
    pub(in crate::receiver::slack) fn id(&self) -> Option<String> {
        self.id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn learn(&self, id: &str) {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.to_owned());
    }

    /// Whether this is the channel with this id. A name would not do: another workspace of the same app may have a channel of that name.
    pub(in crate::receiver::slack) fn is(&self, id: &str) -> bool {
        self.id().is_some_and(|known| known == id)
    }
}

/// `C0123ABCD`: Slack's names have no capital letters.
fn is_id(written: &str) -> bool {
    written.len() >= 9
        && written.starts_with(['C', 'G', 'D'])
        && written.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_another_channel_is_none_of_ours() {
        let place =
            Place { channel: "C0TEST0001".to_owned(), ts: "1795342442.000100".to_owned(), to: "alerts".to_owned() };
        let written = place.write().expect("JSON");
        assert_eq!(Place::read(&written, "alerts"), Some(place));
        assert_eq!(Place::read(&written, "other"), None);
        assert_eq!(Place::read("1795342442.000100", "alerts"), None);
    }

    #[test]
    fn a_channel_is_known_by_its_id_once_slack_said_it() {
        let channel = Channel::new("alerts");
        assert!(!channel.is("C0TEST0001"), "its id is not known yet");
        channel.learn("C0TEST0001");
        assert!(channel.is("C0TEST0001") && !channel.is("C0TEST0002"));
        assert_eq!(Channel::new("C0TEST0001").id().as_deref(), Some("C0TEST0001"));
    }
}
