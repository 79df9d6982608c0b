//! `type = "pagerduty"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "pagerduty"`
#[derive(Debug, Clone)]
pub struct PagerdutyReceiver {
    /// The integration key of a service (Events API v2): 32 letters and digits.
    pub routing_key: SecretString,
    /// Where events are posted: `…/v2/enqueue`.
    pub api_url: Url,
}
