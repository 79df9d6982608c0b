//! `type = "goalert"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "goalert"`
#[derive(Debug, Clone)]
pub struct GoalertReceiver {
    /// Where alerts are posted, without the token: `…/api/v2/generic/incoming`.
    pub url: Url,
    /// A generic integration key of a service.
    pub token: SecretString,
}
