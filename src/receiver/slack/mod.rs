//! Slack: by an incoming webhook (`hook`), or by an app with a bot token (`bot`) whose people can answer (`people`). What both show is
//! made here; neither knows the other.

mod blocks;
mod bot;
mod escape;
mod hook;
mod hook_answer;
mod people;
mod rich;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::BuildError;
use super::common::Common;
use crate::config::SlackReceiver;
use crate::engine::{Delivery, Outcome};

pub(crate) use bot::Bot;
pub use people::{Lobby, Reply};

/// A Slack channel.
pub(crate) enum Slack {
    /// By an incoming webhook.
    Hook(Box<hook::Hook>),
    /// By an app.
    Bot(Box<Bot>),
}

impl Slack {
    pub(crate) fn build(name: &str, settings: &SlackReceiver, common: &Common) -> Result<Self, BuildError> {
        Ok(match settings {
            SlackReceiver::Webhook(url) => Self::Hook(Box::new(hook::Hook::build(url, common)?)),
            SlackReceiver::Bot(bot) => Self::Bot(Box::new(Bot::build(name, bot, common)?)),
        })
    }

    /// One attempt.
    pub(crate) async fn send(&self, delivery: &Delivery, now: Timestamp) -> Outcome {
        match self {
            Self::Hook(hook) => hook.send(delivery, now).await,
            Self::Bot(bot) => bot.send(delivery, now).await,
        }
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            Self::Hook(hook) => hook.render_all(delivery),
            Self::Bot(bot) => bot.render_all(delivery),
        }
    }

    /// The app whose people can answer.
    pub(crate) fn bot(&self) -> Option<&Bot> {
        match self {
            Self::Hook(_) => None,
            Self::Bot(bot) => Some(bot),
        }
    }
}
