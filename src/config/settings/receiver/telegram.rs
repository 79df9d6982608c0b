//! `type = "telegram"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "telegram"`
#[derive(Debug, Clone)]
pub struct TelegramReceiver {
    /// The bot's token. Checked: digits, a colon, then letters, digits, `-` and `_`; so it can stand in a URL.
    pub token: SecretString,
    /// Where to: a number, or `@name` of a public channel or group.
    pub chat_id: String,
    /// The topic of a forum group.
    pub topic: Option<i64>,
    /// The Bot API, `https://api.telegram.org` unless a server of one's own is run.
    pub api_url: Url,
}
