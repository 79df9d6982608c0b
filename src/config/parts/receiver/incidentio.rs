//! `type = "incidentio"`: the alert source and its token.

use super::api::vendor_url;
use crate::config::IncidentioReceiver;
use crate::config::read::{At, Section, header_secret, name_like, text};

pub(super) fn incidentio(section: &Section<'_>) -> Option<IncidentioReceiver> {
    let help = "write token = { env = \"INCIDENTIO_TOKEN\" }";
    let token = section.need("token", help, header_secret);
    let help = "write the last part of the alert source's URL, such as \"01GW2G3V0S59R238FAHPDS1R66\"";
    let source = section.need("alert_source", help, alert_source);
    let path = format!("/v2/alert_events/http/{}", source.as_deref().unwrap_or_default());
    let api_url = vendor_url(section, "https://api.incident.io", &path);
    source?;
    Some(IncidentioReceiver { token: token?, api_url: api_url? })
}

fn alert_source(at: &At<'_>) -> Option<String> {
    let source = text(at)?;
    if name_like(&source, "-_") {
        return Some(source);
    }
    at.fail("the id of an alert source has letters, digits, `-` and `_` only", None)
}
