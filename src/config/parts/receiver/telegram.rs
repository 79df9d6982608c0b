//! `type = "telegram"`: the bot, and where it writes.

use secrecy::{ExposeSecret, SecretString};
use toml::Value;
use url::Url;

use crate::config::TelegramReceiver;
use crate::config::read::{At, Section, http_url, is_loopback, secret};

pub(super) fn telegram(section: &Section<'_>) -> Option<TelegramReceiver> {
    let token = section.need("token", "write token = { env = \"TELEGRAM_BOT_TOKEN\" }", token);
    let chat_id = section.need("chat_id", "write chat_id = -1001234567890, or \"@name\" of a public channel", chat_id);
    let topic = section.get("topic", topic);
    let api_url = section.get("api_url", api_url);
    let api_url = api_url.or_else(|| Url::parse("https://api.telegram.org").ok());
    Some(TelegramReceiver { token: token?, chat_id: chat_id?, topic, api_url: api_url? })
}

fn topic(at: &At<'_>) -> Option<i64> {
    let id = match at.value {
        Value::Integer(id) => Some(*id),
        Value::String(text) if at.is_override() => text.parse().ok(),
        _ => None,
    };
    id.filter(|id| *id > 0).or_else(|| at.wrong("the number of a topic"))
}

/// `123456:ABC-DEF`
fn token(at: &At<'_>) -> Option<SecretString> {
    let secret = secret(at)?;
    let is_token = secret.expose_secret().split_once(':').is_some_and(|(id, key)| {
        let own = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !id.is_empty() && id.bytes().all(|digit| digit.is_ascii_digit()) && !key.is_empty() && key.chars().all(own)
    });
    if is_token {
        return Some(secret);
    }
    at.fail("this is no token of a bot", Some("@BotFather gives one: digits, a colon, letters and digits".to_owned()))
}

fn chat_id(at: &At<'_>) -> Option<String> {
    const EXPECTED: &str = "the number of a chat, or \"@name\" of a public channel or group";
    match at.value {
        Value::Integer(id) => Some(id.to_string()),
        Value::String(text) if text.parse::<i64>().is_ok() => Some(text.clone()),
        Value::String(text) => {
            let name = text.strip_prefix('@').unwrap_or_default();
            let known = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if known { Some(text.clone()) } else { at.wrong(EXPECTED) }
        }
        _ => at.wrong(EXPECTED),
    }
}

/// The token is in the path of every request.
fn api_url(at: &At<'_>) -> Option<Url> {
    let url = http_url(at)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        at.warn("the bot's token goes over the network in clear text", Some("write https://".to_owned()));
    }
    Some(url)
}
