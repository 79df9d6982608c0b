//! Looks for a message that may have arrived, by the metadata that each of ours has: Slack drops no repeats itself. It posts nothing.

use serde_json::Value as Json;

use super::api::Arguments;
use super::sending::{Part, Sending};
use crate::engine::Outcome;

/// `event_type` of our metadata.
pub(super) const EVENT: &str = "firstred_incident";
/// How far back is looked, before the delivery was first due: Slack's clock may be behind ours.
const SLACK_IN_CLOCKS: i64 = 300;
/// Messages of a page (docs.slack.dev: at most 999, 200 are recommended), and pages.
const PAGE: &str = "100";
const PAGES: usize = 10;
/// So often a look that fails puts the message off; then it goes out, and may be a repeat.
pub(super) const PATIENCE: u32 = 4;

impl Sending<'_> {
    /// The `ts` of this delivery's message: in the channel, or among the replies to `thread`. None: it is not there, or nobody may look.
    ///
    /// # Errors
    /// When it can't be known now, and is worth waiting for.
    pub(super) async fn find(
        &self,
        channel: Option<&str>,
        thread: Option<&str>,
        part: Part,
    ) -> Result<Option<String>, Outcome> {
        let Some(channel) = channel else {
            self.bot.say_blind("the channel is configured by its name, and only an id can be searched");
            return Ok(None);
        };
        let since = self.delivery.created_at.as_second().saturating_sub(SLACK_IN_CLOCKS).to_string();
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut arguments = vec![
                ("channel", channel),
                ("include_all_metadata", "true"),
                ("limit", PAGE),
                ("oldest", since.as_str()),
                ("cursor", cursor.as_str()),
            ];
            arguments.extend(thread.map(|ts| ("ts", ts)));
            arguments.retain(|(_, value)| !value.is_empty());
            let method = if thread.is_some() { "conversations.replies" } else { "conversations.history" };
            let answer = match self.call(method, Arguments::Form(&arguments)).await {
                Ok(answer) => answer,
                Err(no) if no.is_permanent() => {
                    self.bot.say_blind(no.reason());
                    return Ok(None);
                }
                Err(_) if self.delivery.attempts > PATIENCE => return Ok(None),
                // Nothing was posted, whatever came of the look.
                Err(no) => {
                    let reason = format!("looking for what may have arrived: {}", no.reason());
                    let retry_after = match no.outcome() {
                        Outcome::Refused { retry_after, .. } => retry_after,
                        Outcome::Delivered { .. } | Outcome::Unknown { .. } => None,
                    };
                    return Err(Outcome::Refused { permanent: false, reason, retry_after });
                }
            };
            let messages = answer["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(found) = messages.iter().find(|message| self.is_it(message, part)) {
                return Ok(found["ts"].as_str().map(str::to_owned));
            }
            let next = answer["response_metadata"]["next_cursor"].as_str();
            next.unwrap_or_default().clone_into(&mut cursor);
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }

    fn is_it(&self, message: &Json, part: Part) -> bool {
        let (event, payload) = (&message["metadata"]["event_type"], &message["metadata"]["event_payload"]);
        event == EVENT && payload["delivery"] == self.key.as_str() && payload["part"] == part.word()
    }
}
