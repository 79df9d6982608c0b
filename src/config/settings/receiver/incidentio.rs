//! `type = "incidentio"`: what is set.

use secrecy::SecretString;
use url::Url;

/// `type = "incidentio"`
#[derive(Debug, Clone)]
pub struct IncidentioReceiver {
    /// The alert source's token. Can stand in a header.
    pub token: SecretString,
    /// Where alert events are posted: `…/v2/alert_events/http/ALERT_SOURCE`.
    pub api_url: Url,
}
