//! `type = "opsgenie"`: the key of an integration, and which of the two services that speak its API.

use super::api::vendor_url;
use crate::config::OpsgenieReceiver;
use crate::config::read::{Section, header_secret, word};

const SERVICES: [(&str, &str); 2] =
    [("opsgenie", "https://api.opsgenie.com"), ("jsm", "https://api.atlassian.com/jsm/ops/integration")];

pub(super) fn opsgenie(section: &Section<'_>) -> Option<OpsgenieReceiver> {
    let help = "write api_key = { env = \"OPSGENIE_API_KEY\" }";
    let api_key = section.need("api_key", help, header_secret);
    let service = section.get("api", word("\"opsgenie\" or \"jsm\"", &SERVICES));
    let [(_, own), _] = SERVICES;
    let api_url = vendor_url(section, service.unwrap_or(own), "/v2/alerts");
    Some(OpsgenieReceiver { api_key: api_key?, api_url: api_url? })
}
