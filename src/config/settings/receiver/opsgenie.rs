//! `type = "opsgenie"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "opsgenie"`
#[derive(Debug, Clone)]
pub struct OpsgenieReceiver {
    /// The key of an API integration. Can stand in a header.
    pub api_key: SecretString,
    /// Where alerts are posted: `…/v2/alerts`, of Opsgenie or of Jira Service Management.
    pub api_url: Url,
}
