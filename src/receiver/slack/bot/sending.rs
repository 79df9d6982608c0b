//! One attempt to say one thing: one message for an incident, edited as it changes, and what each change adds to its thread. Safe to
//! repeat: an edit says the same twice, and what is posted is looked for first where it may have arrived before.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::Bot;
use super::api::Arguments;
use super::find::EVENT;
use super::find::PATIENCE;
use super::form::{self, Said};
use super::meaning::No;
use super::place::Place;
use crate::engine::{Delivery, Kind, Outcome};
use crate::receiver::draft::Draft;

/// What of a delivery a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The incident's message, or what is no incident's.
    Message,
    /// The whole detail, in its thread.
    Detail,
    /// What changed, in its thread.
    Change,
}

impl Part {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Detail => "detail",
            Self::Change => "change",
        }
    }
}

/// One attempt.
pub(super) struct Sending<'a> {
    pub(super) bot: &'a Bot,
    pub(super) delivery: &'a Delivery,
    draft: Draft<'a>,
    /// What tells this delivery's messages from all others.
    pub(super) key: String,
    now: Timestamp,
    deadline: Instant,
    /// It may have been tried before: by this process, or by one that was killed before it could say so.
    again: bool,
    /// Why something went out as plain text.
    plain: Option<String>,
}

impl<'a> Sending<'a> {
    pub(super) fn new(bot: &'a Bot, delivery: &'a Delivery, now: Timestamp) -> Self {
        Self {
            bot,
            delivery,
            draft: bot.composer.draft(delivery),
            key: delivery.idempotency_key(),
            now,
            deadline: Instant::now() + bot.timeout,
            again: delivery.attempts > 0 || delivery.created_at < bot.born,
            plain: None,
        }
    }

    pub(super) async fn run(mut self) -> Outcome {
        match self.say().await {
            Ok(place) => self.delivered(place.as_ref()),
            Err(outcome) => outcome,
        }
    }

    fn delivered(self, place: Option<&Place>) -> Outcome {
        let at = place.map_or_else(|| "nothing to edit".to_owned(), |place| format!("ts {}", place.ts));
        self.bot.forget(&self.key);
        Outcome::Delivered {
            receipt: match &self.plain {
                Some(reason) => format!("{at} (plain, for {reason})"),
                None => at,
            },
            plain: self.plain.is_some(),
            post: place.and_then(Place::write),
        }
    }

    /// Where the message stands after all is said.
    async fn say(&mut self) -> Result<Option<Place>, Outcome> {
        let post = self.delivery.post.as_deref();
        let Some(place) = post.and_then(|post| Place::read(post, &self.bot.channel.written)) else {
            if self.delivery.notification.kind == Kind::Acknowledged {
                // It was told in a summary: nothing stands here that would be wrong now.
                return Ok(None);
            }
            return self.open().await.map(Some);
        };
        let said = self.present();
        match self.update(&place, &said).await {
            Ok(()) => {}
            Err(No::Gone(reason)) => {
                tracing::warn!(
                    receiver = ?self.delivery.receiver, ?reason,
                    "the message of an incident can't be edited any more; posting a new one"
                );
                return self.open().await.map(Some);
            }
            Err(no) => return Err(no.outcome()),
        }
        self.change(&place).await?;
        Ok(Some(place))
    }

    fn present(&self) -> Said {
        form::present(&self.draft, self.bot.interactive.then_some(self.bot.name.as_str()))
    }

    /// Posts the message, and the whole detail below it.
    async fn open(&mut self) -> Result<Place, Outcome> {
        let place = match self.bot.posted(&self.key) {
            Some(place) => place,
            None => self.post_message().await?,
        };
        let Some(detail) = form::detail(&self.draft) else {
            return Ok(place);
        };
        match self.post_reply(&place, &detail, Part::Detail, false).await {
            Ok(()) => Ok(place),
            Err(no) if no.is_permanent() || self.delivery.attempts >= PATIENCE => {
                // The message itself is there, and says what counts: what comes later must not wait behind its thread.
                tracing::warn!(receiver = ?self.delivery.receiver, reason = ?no.reason(), "the thread takes no detail");
                Ok(place)
            }
            Err(no) => {
                // The repeat must not post it again, whether or not it may look for it.
                self.bot.remember(&self.key, &place);
                Err(no.outcome())
            }
        }
    }

    async fn post_message(&mut self) -> Result<Place, Outcome> {
        if self.again {
            let id = self.bot.channel.id();
            if let Some(ts) = self.find(id.as_deref(), None, Part::Message).await? {
                return Ok(self.place(id.unwrap_or_default(), ts));
            }
        }
        let said = self.present();
        let answer = self.post(&said, &json!({}), Part::Message).await.map_err(No::outcome)?;
        let (Some(channel), Some(ts)) = (answer["channel"].as_str(), answer["ts"].as_str()) else {
            let reason = "Slack said yes and not where the message stands".to_owned();
            return Err(Outcome::Unknown { reason });
        };
        self.bot.channel.learn(channel);
        Ok(self.place(channel.to_owned(), ts.to_owned()))
    }

    fn place(&self, channel: String, ts: String) -> Place {
        Place { channel, ts, to: self.bot.channel.written.clone() }
    }

    /// Says in the thread what changed.
    async fn change(&mut self, place: &Place) -> Result<(), Outcome> {
        let for_all = form::is_for_all(&self.delivery.notification);
        let said = form::change(&self.draft);
        match self.post_reply(place, &said, Part::Change, for_all).await {
            Ok(()) => Ok(()),
            // The edit shows the state, which is all that has to be seen.
            Err(no) if no.is_permanent() && !for_all => {
                tracing::warn!(receiver = ?self.delivery.receiver, reason = ?no.reason(), "the thread takes no reply");
                Ok(())
            }
            Err(No::Gone(_)) => self.post(&said, &json!({}), Part::Change).await.map(drop).map_err(No::outcome),
            Err(no) => Err(no.outcome()),
        }
    }

    async fn post_reply(&mut self, place: &Place, said: &Said, part: Part, for_all: bool) -> Result<(), No> {
        if self.again {
            let found = self.find(Some(&place.channel), Some(&place.ts), part).await.map_err(No::Other)?;
            if found.is_some() {
                return Ok(());
            }
        }
        let mut more = json!({ "channel": place.channel, "thread_ts": place.ts });
        if for_all {
            more["reply_broadcast"] = true.into();
        }
        self.post(said, &more, part).await.map(drop)
    }

    /// `chat.postMessage`; what the blocks break still goes out as plain text.
    async fn post(&mut self, said: &Said, more: &Json, part: Part) -> Result<Json, No> {
        let incident = self.delivery.notification.incident.as_ref().map(|note| note.id.as_str());
        let mut around = json!({
            "channel": self.bot.channel.id().unwrap_or_else(|| self.bot.channel.written.clone()),
            "unfurl_links": false,
            "unfurl_media": false,
            "metadata": {
                "event_type": EVENT,
                "event_payload": { "incident": incident.unwrap_or_default(), "delivery": self.key, "part": part.word() },
            },
        });
        merge(&mut around, more);
        let rich = self.say_it("chat.postMessage", &around, &said.rich, true).await;
        self.or_plainly(rich, "chat.postMessage", &around, &said.plain, true).await
    }

    /// `chat.update`.
    async fn update(&mut self, place: &Place, said: &Said) -> Result<(), No> {
        let around = json!({ "channel": place.channel, "ts": place.ts });
        let rich = self.say_it("chat.update", &around, &said.rich, false).await;
        self.or_plainly(rich, "chat.update", &around, &said.plain, false).await.map(drop)
    }

    async fn or_plainly(
        &mut self,
        rich: Result<Json, No>,
        method: &str,
        around: &Json,
        plain: &Json,
        posts: bool,
    ) -> Result<Json, No> {
        let Err(No::Form(reason)) = rich else {
            return rich;
        };
        let notification = self.delivery.notification.id.as_str();
        tracing::warn!(receiver = ?self.delivery.receiver, notification, ?reason, "Slack refuses the blocks; saying it plainly");
        self.plain.get_or_insert(reason);
        self.say_it(method, around, plain, posts).await
    }

    async fn say_it(&self, method: &str, around: &Json, said: &Json, posts: bool) -> Result<Json, No> {
        let mut body = around.clone();
        merge(&mut body, said);
        if posts {
            // A new message has nothing to be cleared.
            if let Json::Object(fields) = &mut body {
                fields.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
            }
            self.bot.keep_pace().await;
        }
        let said = self.call(method, Arguments::Json(&body)).await;
        if posts {
            self.bot.has_posted();
        }
        said
    }

    pub(super) async fn call(&self, method: &str, arguments: Arguments<'_>) -> Result<Json, No> {
        let left = self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.bot.api.call(method, arguments, left, self.now).await
    }
}

fn merge(into: &mut Json, from: &Json) {
    if let (Json::Object(into), Json::Object(from)) = (into, from) {
        into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}
