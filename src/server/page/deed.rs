//! What a button asks for: who may send it, what it means, and what came of it. It must not know HTML.

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, ORIGIN};
use hyper::{Request, StatusCode};
use jiff::SignedDuration;
use url::form_urlencoded::parse;

use super::word;
use crate::clock;
use crate::net::permit::{Issuer, Permit};
use crate::server::answer::Answer;
use crate::server::body;
use crate::server::route::Routes;
use crate::server::{Asked, Checkup, ClerkError, Inlet, ingest};

/// `for=24h`, and room for what a browser may add.
const MAX_BODY: usize = 1_024;

/// What was done, as the page says it afterwards. A word in the address, so that no text of anybody's comes from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Acknowledged,
    AcknowledgedBefore,
    Silenced,
    Over,
}

impl Done {
    const ALL: [Self; 4] = [Self::Acknowledged, Self::AcknowledgedBefore, Self::Silenced, Self::Over];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "ack",
            Self::AcknowledgedBefore => "known",
            Self::Silenced => "silence",
            Self::Over => "over",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Acknowledged => "Acknowledged: no reminders and no escalation any more. Its end is still told.",
            Self::AcknowledgedBefore => "Nothing to change: somebody had acknowledged it already, or it is over.",
            Self::Silenced => "Silenced: what fails as this does is counted, and summed up at the end.",
            Self::Over => "It is over already: there is nothing to do any more.",
        }
    }

    /// What `?done=…` says.
    pub(super) fn of(query: Option<&str>) -> Option<Self> {
        let (_, said) = parse(query?.as_bytes()).find(|(key, _)| key == "done")?;
        Self::ALL.into_iter().find(|done| done.as_str() == said)
    }
}

/// Whether a page of ours sent the form. The permit alone is enough to act, and no other site has it; this is a second lock for the case
/// that one got hold of it. A browser sends `Sec-Fetch-Site` (all since 2023) or at least `Origin`, which is `null` here, for our pages
/// give no referrer; what sends neither is no browser, and can't be misused by a site.
pub(super) fn is_from_here(headers: &HeaderMap, issuer: &Issuer) -> bool {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        Some(site) => matches!(site, b"same-origin" | b"none"),
        None => headers
            .get(ORIGIN)
            .is_none_or(|origin| origin.to_str().is_ok_and(|origin| origin == "null" || issuer.is_own_origin(origin))),
    }
}

/// What the form asks for.
pub(super) async fn asked<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    place: &str,
    request: Request<Incoming>,
    permit: &Permit,
    holder: &str,
) -> Result<Asked, Answer> {
    let (parts, mut incoming) = request.into_parts();
    let read = body::read(&mut incoming, MAX_BODY, routes.timeouts.body, &routes.big_bodies).await;
    let Ok((form, _)) = read else {
        let answer =
            word(StatusCode::BAD_REQUEST, "Not understood", "The form did not come as a whole. Go back and try again.");
        return Err(ingest::turned_away(routes, Request::from_parts(parts, incoming), answer).await);
    };
    let (id, by) = (permit.incident.clone(), holder.to_owned());
    if place == "ack" {
        return Ok(Asked::Acknowledge { id, by });
    }
    let hours = parse(&form).find(|(key, _)| key == "for").and_then(|(_, length)| match &*length {
        "1h" => Some(1),
        "24h" => Some(24),
        _ => None,
    });
    let until = hours.and_then(|hours| clock::now().checked_add(SignedDuration::from_hours(hours)).ok());
    let Some(until) = until else {
        let says = "A silence made here is for 1 h or for 24 h. `firstred silence` makes others.";
        return Err(word(StatusCode::BAD_REQUEST, "Not understood", says));
    };
    Ok(Asked::SilenceIncident { id, until, by: Some(by) })
}

/// Does it, and says what came of it.
pub(super) async fn done<I: Inlet, C: Checkup>(routes: &Routes<I, C>, asked: Asked) -> Result<Done, ClerkError> {
    let acknowledges = matches!(asked, Asked::Acknowledge { .. });
    let answered = tokio::time::timeout(routes.timeouts.commit, routes.clerk.ask(asked)).await;
    match answered.unwrap_or_else(|_| Err(ClerkError::Unavailable("no answer in time".to_owned()))) {
        Ok(_) if !acknowledges => Ok(Done::Silenced),
        Ok(answer) if answer["changed"] == false => Ok(Done::AcknowledgedBefore),
        Ok(_) => Ok(Done::Acknowledged),
        // Closed since; if the ledger has dropped it, the page says so.
        Err(ClerkError::NotFound(_) | ClerkError::Refused(_)) => Ok(Done::Over),
        Err(error) => Err(error),
    }
}
