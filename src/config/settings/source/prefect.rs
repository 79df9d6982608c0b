//! `type = "prefect"`: what is set.

use secrecy::SecretString;
use url::Url;

use super::Polling;
use crate::config::Way;

/// `type = "prefect"`
#[derive(Debug, Clone)]
pub struct PrefectSource {
    /// The API, such as `http://127.0.0.1:4200/api`. No trailing slash.
    pub url: Url,
    /// The UI for links; default: `url` without `/api`.
    pub ui_url: Url,
    /// How to sign in.
    pub auth: PrefectAuth,
    /// Whether its events are listened to, so that a failure is seen at once.
    pub events: bool,
    /// Intervals and deadlines.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}

/// How to sign in to Prefect.
#[derive(Debug, Clone)]
pub enum PrefectAuth {
    /// Open source default.
    None,
    /// `PREFECT_SERVER_API_AUTH_STRING`: `user:password`, sent as Basic.
    Basic(SecretString),
    /// Prefect Cloud: an API key, sent as Bearer.
    Bearer(SecretString),
}
