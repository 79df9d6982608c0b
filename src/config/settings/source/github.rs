//! `type = "github"`: what is set.

use secrecy::SecretString;
use url::Url;

use super::Polling;
use crate::config::Way;

/// `type = "github"`. At least one of `token` and `webhook_secrets` is there.
#[derive(Debug, Clone)]
pub struct GitHubSource {
    /// The API: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server. No trailing slash.
    pub url: Url,
    /// The repositories, each `owner/name`. Never empty where there is a token; where there is none, empty means any that is pushed.
    pub repositories: Vec<String>,
    /// Reads runs, jobs and annotations. None: only what is pushed is known.
    pub token: Option<SecretString>,
    /// The secrets of webhooks to `/ingest/NAME`, any of them, for rotation. Empty: nothing may be pushed.
    pub webhook_secrets: Vec<SecretString>,
    /// Intervals and deadlines. `every` is 30 s by default.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}
