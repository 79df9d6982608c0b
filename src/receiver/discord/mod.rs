//! Discord by a webhook: one message for an incident, edited as it changes. What people must see, such as a problem that is back, is said
//! in a short message of its own, for an edit makes no sound. It knows its URL and the HTTP client.

mod answer;
mod embed;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value as Json;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use self::answer::{Meaning, meaning};
use super::common::Common;
use super::draft::{Composer, Draft};
use super::form::must_be_seen;
use super::heard::Heard;
use super::http::Poster;
use super::{BuildError, own_secrets};
use crate::config::DiscordReceiver;
use crate::engine::{Delivery, Outcome};

/// So long is waited for what only a link needs.
const FOR_A_LINK: Duration = Duration::from_secs(3);

/// A Discord webhook.
pub(crate) struct Discord {
    poster: Poster,
    /// A secret as a whole: never printed.
    url: Url,
    composer: Composer,
    /// The server that the webhook belongs to, for links to messages. Asked for once, when the first such link is written.
    guild: OnceCell<String>,
}

/// All calls of one attempt together have one deadline.
#[derive(Clone, Copy)]
struct Attempt {
    deadline: Instant,
    now: Timestamp,
}

/// What came of a call that shows a form.
enum Shown {
    /// The message stands there.
    At { id: String, plain: Option<String> },
    /// The message that was to be edited is gone.
    Gone,
    /// Nothing was shown.
    Not(Outcome),
}

impl Discord {
    pub(crate) fn build(settings: &DiscordReceiver, common: &Common) -> Result<Self, BuildError> {
        let mut url =
            Url::parse(settings.webhook_url.expose_secret()).map_err(|error| BuildError::Url(error.to_string()))?;
        let own = own_secrets::hook(&url);
        // Only `wait` is ours to say; a `thread_id` is the user's.
        let kept: Vec<(String, String)> =
            url.query_pairs().filter(|(key, _)| key != "wait").map(|(key, value)| (key.into(), value.into())).collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair("wait", "true");
        Ok(Self { poster: Poster::new(common, own)?, url, composer: common.composer.clone(), guild: OnceCell::new() })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [
            ("embed", embed::payload(&draft)),
            ("plain", embed::plain_payload(&draft)),
            ("pointer", embed::pointer(&draft, None)),
        ]
        .map(|(form, said)| (form, said.to_string().into_bytes()))
        .to_vec()
    }

    /// One attempt. The edit comes first: done twice it changes nothing, so that only the last call can leave anything open.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let attempt = Attempt { deadline: self.poster.deadline(), now };
        let draft = self.composer.draft(delivery);
        let Some(post) = &delivery.post else {
            return self.post(attempt, &draft).await;
        };
        match self.show(attempt, &draft, Some(post)).await {
            Shown::At { plain, .. } if !must_be_seen(draft.notification().kind) => delivered(post, post, plain),
            Shown::At { plain, .. } => self.point_out(attempt, &draft, post, plain).await,
            // Somebody deleted it: what has no message gets one.
            Shown::Gone => self.post(attempt, &draft).await,
            Shown::Not(outcome) => outcome,
        }
    }

    async fn post(&self, attempt: Attempt, draft: &Draft<'_>) -> Outcome {
        match self.show(attempt, draft, None).await {
            Shown::At { id, plain } => delivered(&id, &id, plain),
            Shown::Gone => {
                Outcome::Refused { permanent: false, reason: "Discord forgot it".to_owned(), retry_after: None }
            }
            Shown::Not(outcome) => outcome,
        }
    }

    /// A short message that leads to the one that was edited.
    async fn point_out(&self, attempt: Attempt, draft: &Draft<'_>, post: &str, plain: Option<String>) -> Outcome {
        let link = self.link(attempt, post).await;
        match self.call(attempt, Method::POST, &self.url, &embed::pointer(draft, link.as_deref())).await {
            Ok(Meaning::Posted { id }) => delivered(&id.unwrap_or_default(), post, plain),
            Ok(Meaning::Gone(reason) | Meaning::Rephrase(reason)) => {
                Outcome::Refused { permanent: true, reason, retry_after: None }
            }
            Ok(Meaning::Other(outcome)) | Err(outcome) => outcome,
        }
    }

    /// Posts the draft, or edits `post` so that it shows it. What a form breaks still goes out: when Discord refuses the embed, the same is
    /// said at once as plain text.
    async fn show(&self, attempt: Attempt, draft: &Draft<'_>, post: Option<&str>) -> Shown {
        let url = post.map_or_else(|| self.url.clone(), |post| self.message(post));
        let method = if post.is_some() { Method::PATCH } else { Method::POST };
        let refused = match self.call(attempt, method.clone(), &url, &embed::payload(draft)).await {
            Ok(Meaning::Rephrase(reason)) => reason,
            first => return shown(first, None),
        };
        let id = draft.notification().id.as_str();
        tracing::warn!(receiver = ?draft.delivery.receiver, notification = id, reason = ?refused, "Discord refuses the embed; saying it plainly");
        shown(self.call(attempt, method, &url, &embed::plain_payload(draft)).await, Some(refused))
    }

    async fn call(&self, attempt: Attempt, method: Method, url: &Url, body: &Json) -> Result<Meaning, Outcome> {
        let answer = self.poster.call(method, url, body.to_string(), attempt.deadline).await?;
        Ok(meaning(&Heard::new(&answer, &self.poster, attempt.now)))
    }

    /// Where the message `post` is edited.
    fn message(&self, post: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/messages/{}", self.url.path().trim_end_matches('/'), id_of(post)));
        url
    }

    /// The address of the message `post` for people; none where Discord does not say in which server it stands.
    async fn link(&self, attempt: Attempt, post: &str) -> Option<String> {
        let (channel, id) = post.split_once('/')?;
        let ask = async || {
            // A message without its link is better than none: most of the time is kept for that.
            let deadline = attempt.deadline.min(Instant::now() + FOR_A_LINK);
            let asked = self.poster.call(Method::GET, &self.url, String::new(), deadline).await;
            let answer = asked.map_err(|_| ())?;
            let heard = Heard::new(&answer, &self.poster, attempt.now);
            let guild = heard.text("/guild_id");
            if is_id(guild) { Ok(guild.to_owned()) } else { Err(()) }
        };
        let guild = self.guild.get_or_try_init(ask).await.ok()?;
        Some(format!("https://discord.com/channels/{guild}/{channel}/{id}"))
    }
}

/// A message stands at `CHANNEL/ID`, or at `ID` where Discord did not name the channel.
fn id_of(post: &str) -> &str {
    post.rsplit_once('/').map_or(post, |(_, id)| id)
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn shown(called: Result<Meaning, Outcome>, plain: Option<String>) -> Shown {
    match called {
        Ok(Meaning::Posted { id }) => Shown::At { id: id.unwrap_or_default(), plain },
        Ok(Meaning::Gone(_)) => Shown::Gone,
        Ok(Meaning::Rephrase(reason)) => Shown::Not(Outcome::Refused { permanent: true, reason, retry_after: None }),
        Ok(Meaning::Other(outcome)) | Err(outcome) => Shown::Not(outcome),
    }
}

/// It was said in the message `said`, and the incident's own message stands at `post`.
fn delivered(said: &str, post: &str, plain: Option<String>) -> Outcome {
    let id = id_of(said);
    let message = if id.is_empty() { "accepted".to_owned() } else { format!("message {id}") };
    let is_plain = plain.is_some();
    let receipt = plain.map_or(message.clone(), |reason| format!("{message} (plain, for {reason})"));
    Outcome::Delivered { receipt, plain: is_plain, post: Some(post.to_owned()).filter(|post| !post.is_empty()) }
}
