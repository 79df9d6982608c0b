//! Telegram by a bot: one message for an incident, edited as it changes. What people must see is said in a short reply to it, for an edit
//! makes no sound. It knows its token, its chat and the HTTP client.

mod answer;
mod html;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use url::Url;

use self::answer::{Meaning, meaning};
use super::common::Common;
use super::draft::{Composer, Draft};
use super::form::must_be_seen;
use super::heard::Heard;
use super::http::Poster;
use super::{BuildError, own_secrets};
use crate::config::TelegramReceiver;
use crate::engine::{Delivery, Outcome};

/// A Telegram bot that writes to one chat.
pub(crate) struct Telegram {
    poster: Poster,
    /// `sendMessage` and `editMessageText`. The token is in them: never printed.
    send: Url,
    edit: Url,
    /// Where it writes: as configured, or where Telegram said that the group moved to.
    chat: Mutex<Json>,
    topic: Option<i64>,
    composer: Composer,
}

/// All calls of one attempt together have one deadline.
#[derive(Clone, Copy)]
struct Attempt {
    deadline: Instant,
    now: Timestamp,
}

/// Where a message stands: `CHAT/ID`.
struct Post {
    chat: Json,
    id: i64,
}

/// What a message is to be.
#[derive(Clone, Copy)]
enum Place<'a> {
    New,
    ReplyTo(&'a Post),
    Edited(&'a Post),
}

/// What came of showing something.
enum Shown {
    At {
        post: String,
        plain: Option<String>,
    },
    /// The message that was to be edited is gone.
    Gone,
    Not(Outcome),
}

/// One text in both of its forms.
struct Form {
    rich: String,
    plain: String,
}

impl Telegram {
    pub(crate) fn build(settings: &TelegramReceiver, common: &Common) -> Result<Self, BuildError> {
        let token = settings.token.expose_secret();
        let method = |name: &str| {
            let mut url = settings.api_url.clone();
            url.set_path(&format!("{}/bot{token}/{name}", settings.api_url.path().trim_end_matches('/')));
            url
        };
        Ok(Self {
            poster: Poster::new(common, own_secrets::telegram(settings))?,
            send: method("sendMessage"),
            edit: method("editMessageText"),
            chat: Mutex::new(chat_id(&settings.chat_id)),
            topic: settings.topic,
            composer: common.composer.clone(),
        })
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let draft = self.composer.draft(delivery);
        [
            ("card", html::card(&draft)),
            ("plain", html::plain(&draft)),
            ("pointer", html::pointer(&draft)),
            ("plain pointer", html::plain_pointer(&draft)),
        ]
        .map(|(form, said)| (form, said.into_bytes()))
        .to_vec()
    }

    /// One attempt. The edit comes first: done twice it changes nothing, so that only the last call can leave anything open.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        let attempt = Attempt { deadline: self.poster.deadline(), now };
        let draft = self.composer.draft(delivery);
        let whole = Form { rich: html::card(&draft), plain: html::plain(&draft) };
        let Some(post) = delivery.post.as_deref().and_then(Post::read).filter(|post| self.is_here(post)) else {
            return self.post(attempt, &draft, &whole).await;
        };
        match self.show(attempt, &draft, Place::Edited(&post), &whole).await {
            Shown::At { post, plain } if !must_be_seen(draft.notification().kind) => delivered(&post, &post, plain),
            Shown::At { post: stands, plain } => {
                let short = Form { rich: html::pointer(&draft), plain: html::plain_pointer(&draft) };
                match self.show(attempt, &draft, Place::ReplyTo(&post), &short).await {
                    Shown::At { post, plain: short } => delivered(&post, &stands, plain.or(short)),
                    Shown::Gone => gone(),
                    Shown::Not(outcome) => outcome,
                }
            }
            // Somebody deleted it, or the group became another: what has no message gets one.
            Shown::Gone => self.post(attempt, &draft, &whole).await,
            Shown::Not(outcome) => outcome,
        }
    }

    async fn post(&self, attempt: Attempt, draft: &Draft<'_>, form: &Form) -> Outcome {
        match self.show(attempt, draft, Place::New, form).await {
            Shown::At { post, plain } => delivered(&post, &post, plain),
            Shown::Gone => gone(),
            Shown::Not(outcome) => outcome,
        }
    }

    /// Shows `form`. What its marks break still goes out as plain text, and a group that became a supergroup is followed.
    async fn show(&self, attempt: Attempt, draft: &Draft<'_>, place: Place<'_>, form: &Form) -> Shown {
        let mut plain = None;
        // At most: moved, then refused for its marks.
        for _ in 0..3 {
            let (url, body) = self.request(place, form, plain.is_some());
            let answer = match self.poster.post(url, &body, attempt.deadline).await {
                Ok(answer) => answer,
                Err(outcome) => return Shown::Not(outcome),
            };
            match (meaning(&Heard::new(&answer, &self.poster, attempt.now)), place) {
                (Meaning::Posted { chat, id }, _) => {
                    let chat = chat.unwrap_or_else(|| shown_id(&body));
                    return Shown::At { post: format!("{chat}/{id}"), plain };
                }
                (Meaning::Unchanged, Place::Edited(post)) => {
                    return Shown::At { post: format!("{}/{}", bare(&post.chat), post.id), plain };
                }
                (Meaning::Gone(_), Place::Edited(_)) => return Shown::Gone,
                (Meaning::Moved(chat), Place::Edited(_)) => {
                    self.moved(draft, chat);
                    // Its messages did not move with it.
                    return Shown::Gone;
                }
                (Meaning::Moved(chat), _) => self.moved(draft, chat),
                (Meaning::Rephrase(reason), _) if plain.is_none() => {
                    let id = draft.notification().id.as_str();
                    tracing::warn!(receiver = ?draft.delivery.receiver, notification = id, ?reason, "Telegram refuses the marks; saying it plainly");
                    plain = Some(reason);
                }
                (Meaning::Rephrase(reason) | Meaning::Gone(reason), _) => {
                    return Shown::Not(Outcome::Refused { permanent: true, reason, retry_after: None });
                }
                (Meaning::Unchanged, _) => return Shown::Not(unexpected("not modified")),
                (Meaning::Other(outcome), _) => return Shown::Not(outcome),
            }
        }
        Shown::Not(unexpected("the group moved more than once"))
    }

    /// The call that shows `form`.
    fn request(&self, place: Place<'_>, form: &Form, plain: bool) -> (&Url, Json) {
        let mut body = json!({ "link_preview_options": { "is_disabled": true } });
        let mut say = |key: &str, value: Json| {
            body.as_object_mut().map(|fields| fields.insert(key.to_owned(), value));
        };
        if plain {
            say("text", json!(form.plain));
        } else {
            say("text", json!(form.rich));
            say("parse_mode", json!("HTML"));
        }
        let url = match place {
            Place::Edited(post) => {
                say("chat_id", post.chat.clone());
                say("message_id", json!(post.id));
                &self.edit
            }
            Place::New | Place::ReplyTo(_) => {
                say("chat_id", self.chat.lock().unwrap_or_else(PoisonError::into_inner).clone());
                if let Place::ReplyTo(post) = place {
                    say("reply_parameters", json!({ "message_id": post.id, "allow_sending_without_reply": true }));
                }
                if let Some(topic) = self.topic {
                    say("message_thread_id", json!(topic));
                }
                &self.send
            }
        };
        (url, body)
    }

    /// Whether a message stands where this receiver writes to: its chat may be another since. What a name leads to is not known.
    fn is_here(&self, post: &Post) -> bool {
        let chat = self.chat.lock().unwrap_or_else(PoisonError::into_inner);
        chat.is_string() || *chat == post.chat
    }

    /// The group became a supergroup, which has another number. Remembered until the next start; then Telegram says it again.
    fn moved(&self, draft: &Draft<'_>, chat: i64) {
        let receiver = &draft.delivery.receiver;
        tracing::warn!(
            ?receiver,
            chat,
            "the Telegram group has another number now; write it as this receiver's `chat_id`"
        );
        *self.chat.lock().unwrap_or_else(PoisonError::into_inner) = json!(chat);
    }
}

impl Post {
    fn read(post: &str) -> Option<Self> {
        let (chat, id) = post.rsplit_once('/')?;
        Some(Self { chat: chat_id(chat), id: id.parse().ok()? })
    }
}

/// A number goes out as one, a name as a text.
fn chat_id(text: &str) -> Json {
    text.parse::<i64>().map_or_else(|_| json!(text), |id| json!(id))
}

fn bare(chat: &Json) -> String {
    chat.as_str().map_or_else(|| chat.to_string(), str::to_owned)
}

fn shown_id(body: &Json) -> String {
    body.get("chat_id").map(bare).unwrap_or_default()
}

fn unexpected(what: &str) -> Outcome {
    Outcome::Refused { permanent: false, reason: format!("Telegram answers: {what}"), retry_after: None }
}

fn gone() -> Outcome {
    unexpected("a message that is new is gone")
}

/// It was said in the message `said`, and the incident's own message stands at `post`.
fn delivered(said: &str, post: &str, plain: Option<String>) -> Outcome {
    let id = said.rsplit_once('/').map_or(said, |(_, id)| id);
    let is_plain = plain.is_some();
    let receipt = plain.map_or_else(|| format!("message {id}"), |reason| format!("message {id} (plain, for {reason})"));
    Outcome::Delivered { receipt, plain: is_plain, post: Some(post.to_owned()) }
}
