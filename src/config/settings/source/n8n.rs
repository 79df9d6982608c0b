//! `type = "n8n"`: what is set.

use secrecy::SecretString;
use url::Url;

use super::{Polling, WebhookAuth};
use crate::config::Way;

/// `type = "n8n"`
#[derive(Debug, Clone)]
pub struct N8nSource {
    /// The instance, such as `http://127.0.0.1:5678`; its API is asked below `/api/v1`. No trailing slash.
    pub url: Url,
    /// The editor for links; default: `url`.
    pub ui_url: Url,
    /// Sent as `X-N8N-API-KEY`. It needs the scopes `execution:list` and `execution:read`.
    pub api_key: SecretString,
    /// A run that n8n ended at the time limit of its workflow has failed. n8n calls it cancelled. Default no.
    pub tell_timeouts: bool,
    /// How n8n's error workflow proves itself at `POST /ingest/NAME`; none: nothing is taken there.
    pub push: Option<WebhookAuth>,
    /// Intervals and deadlines.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}
