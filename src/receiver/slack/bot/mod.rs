//! Slack by an app with a bot token: one message for an incident. It knows no webhook, and not what people do.

mod api;
mod find;
mod form;
mod meaning;
mod place;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

pub(super) use self::api::{Api, Arguments};
pub(super) use self::place::Channel;
use self::place::Place;
use self::sending::Sending;
use crate::clock;
use crate::config::SlackBot;
use crate::engine::{Delivery, Outcome};
use crate::net::Client;
use crate::receiver::common::Common;
use crate::receiver::draft::Composer;
use crate::receiver::{BuildError, own_secrets};

/// Messages that are posted and not on record: no more than the lane has in flight, and what was put off.
const MOST_HALF: usize = 1_000;

/// What is said in two messages is said within one attempt, however slow the lane is to be.
const LONGEST_PACE: Duration = Duration::from_secs(2);

/// A channel that an app posts to.
pub(crate) struct Bot {
    /// The receiver's name.
    pub(super) name: String,
    /// As the configuration has it.
    pub(super) settings: SlackBot,
    pub(super) channel: Channel,
    /// Without the token.
    pub(super) client: Client,
    api: Api,
    /// What people do comes back: there are buttons.
    interactive: bool,
    timeout: Duration,
    /// Slack takes about one message a second in a channel.
    pace: Duration,
    composer: Composer,
    /// What was due before may have been tried by another process.
    born: Timestamp,
    last_post: Mutex<Option<Instant>>,
    /// Where the message of a delivery stands that is not all said yet.
    half: Mutex<BTreeMap<String, Place>>,
    blind: AtomicBool,
}

impl Bot {
    pub(super) fn build(name: &str, settings: &SlackBot, common: &Common) -> Result<Self, BuildError> {
        let client = Client::new(&common.client())?;
        let own = own_secrets::slack_bot(settings);
        let api = Api::new(client.clone(), settings.api_url.clone(), &settings.token, own)?;
        Ok(Self {
            name: name.to_owned(),
            settings: settings.clone(),
            channel: Channel::new(&settings.channel),
            client,
            api,
            interactive: settings.is_interactive(),
            timeout: common.timeout,
            pace: common.pace,
            composer: common.composer.clone(),
            born: clock::now(),
            last_post: Mutex::default(),
            half: Mutex::default(),
            blind: AtomicBool::default(),
        })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(super) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        let present = form::present(&draft, self.interactive.then_some(self.name.as_str()));
        let change = form::change(&draft);
        let detail = form::detail(&draft).map(|detail| [("detail", detail.rich), ("plain detail", detail.plain)]);
        [("message", present.rich), ("plain", present.plain), ("change", change.rich), ("plain change", change.plain)]
            .into_iter()
            .chain(detail.into_iter().flatten())
            .map(|(form, said)| (form, said.to_string().into_bytes()))
            .collect()
    }

    /// One attempt.
    pub(super) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        Sending::new(self, delivery, now).run().await
    }

    /// Waits until the channel takes another message: one delivery may be two.
    async fn keep_pace(&self) {
        let last = *self.last_post.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last {
            tokio::time::sleep_until(last + self.pace.min(LONGEST_PACE)).await;
        }
    }

    /// A post was answered: Slack counts from its arrival, which was before.
    fn has_posted(&self) {
        *self.last_post.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn posted(&self, key: &str) -> Option<Place> {
        self.half.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn remember(&self, key: &str, place: &Place) {
        let mut half = self.half.lock().unwrap_or_else(PoisonError::into_inner);
        if half.len() < MOST_HALF {
            half.insert(key.to_owned(), place.clone());
        }
    }

    fn forget(&self, key: &str) {
        self.half.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Once for each life: it stays so until somebody changes the app.
    fn say_blind(&self, reason: &str) {
        if !self.blind.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                receiver = %self.name, ?reason,
                "firstred can't look whether a message arrived whose answer was lost, so that it may be there twice: give the app \
                 the scopes channels:history and groups:history, and the channel by its id"
            );
        }
    }
}
