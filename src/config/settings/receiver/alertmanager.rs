//! `type = "alertmanager"`: what is set.

use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

/// `type = "alertmanager"`
#[derive(Debug, Clone)]
pub struct AlertmanagerReceiver {
    /// Where alerts are posted, one for each instance of the cluster: `…/api/v2/alerts`. Never empty; no two have the same address.
    pub urls: Vec<Url>,
    /// How to sign in, at all instances alike.
    pub auth: Option<AlertmanagerAuth>,
    /// How long an alert stays that nothing more is said of. Default 7 days.
    pub lifetime: SignedDuration,
}

/// How to sign in at an Alertmanager, or at what stands before it.
#[derive(Debug, Clone)]
pub enum AlertmanagerAuth {
    /// `Authorization: Basic`
    Basic {
        /// Holds no `:`.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// `Authorization: Bearer`. Can stand in a header.
    Bearer(SecretString),
}

impl AlertmanagerReceiver {
    /// What the path of each instance ends with.
    pub const PATH: &str = "/api/v2/alerts";

    /// The instances by the address that tells them apart: host, port, and what stands before the API's path.
    #[must_use]
    pub fn instances(&self) -> Vec<(String, Url)> {
        self.urls.iter().map(|url| (address(url), url.clone())).collect()
    }
}

fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().strip_suffix(AlertmanagerReceiver::PATH).unwrap_or(url.path());
    format!("{host}{port}{path}")
}
