//! `type = "ntfy"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "ntfy"`
#[derive(Debug, Clone)]
pub struct NtfyReceiver {
    /// The server's root, `https://ntfy.sh` unless one's own is run.
    pub url: Url,
    /// The topic. On a server without accounts its name is all that protects it: a secret.
    pub topic: SecretString,
    /// How one signs in.
    pub login: NtfyLogin,
}

/// How one signs in at an ntfy server.
#[derive(Debug, Clone)]
pub enum NtfyLogin {
    /// Not at all.
    Nobody,
    /// An access token, sent as `Authorization: Bearer`.
    Token(SecretString),
    /// User and password, sent as `Authorization: Basic`.
    User(String, SecretString),
}
