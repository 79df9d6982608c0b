//! `type = "dagster"`: what is set.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use super::Polling;
use crate::config::Way;

/// `type = "dagster"`
#[derive(Debug, Clone)]
pub struct DagsterSource {
    /// The webserver, or the deployment of Dagster+, such as `http://127.0.0.1:3000`. GraphQL is at `/graphql` below it. No trailing slash.
    pub url: Url,
    /// The UI for links; default: `url`.
    pub ui_url: Url,
    /// Dagster+: a user token, sent as `Dagster-Cloud-Api-Token`.
    pub token: Option<SecretString>,
    /// Headers for whatever guards an open-source webserver, sent as they are.
    pub headers: BTreeMap<String, SecretString>,
    /// Intervals and deadlines.
    pub polling: Polling,
    /// How it is reached.
    pub way: Way,
}
