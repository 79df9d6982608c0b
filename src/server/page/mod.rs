//! `/i/{permit}`: the page of one problem for who has its link, and what can be done there. A GET changes nothing, for scanners follow
//! every link in a mail; a button is a POST. It must not know what a problem is: a [`Clerk`](super::Clerk) draws it and does what is asked.

mod deed;
mod render;
mod sheet;
mod style;

use hyper::body::Incoming;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};

pub use sheet::{Piece, Sheet, SheetList, SheetTone, Words};

use self::deed::Done;
use super::answer::{self, Answer};
use super::route::Routes;
use super::{Checkup, ClerkError, Inlet, ingest};
use crate::clock;
use crate::net::permit::{Permit, Refusal};

/// What stands before every path here.
pub(super) const PREFIX: &str = "/i/";

/// Answers a request for a page.
pub(super) async fn page<I: Inlet, C: Checkup>(routes: &Routes<I, C>, request: Request<Incoming>) -> Answer {
    let issuer = routes.issuer.borrow().clone();
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let (text, place) = path.split_once('/').unwrap_or((&path, ""));
    let Some(issuer) = issuer else {
        let says = "This daemon gives out no links: its configuration has no `[server] public_url`.";
        return ingest::turned_away(routes, request, word(StatusCode::NOT_FOUND, "No such page", says)).await;
    };
    let permit = match issuer.open(text, clock::now()) {
        Ok(permit) => permit,
        Err(refusal) => return ingest::turned_away(routes, request, refused(refusal)).await,
    };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match place {
        // Behind a slash the buttons would lead nowhere.
        "" if is_read && path.ends_with('/') => to_page(text, None),
        "" if is_read => show(routes, text, &permit, Done::of(request.uri().query())).await,
        "" => ingest::turned_away(routes, request, answer::not_allowed("GET, HEAD")).await,
        // Whoever types, reloads or scans the address of a button is shown what there is.
        "ack" | "silence" if is_read => to_page(text, None),
        "ack" | "silence" if request.method() == Method::POST => {
            if !deed::is_from_here(request.headers(), &issuer) {
                let says = "Another site sent this. Open the link from your message and use the buttons there.";
                return ingest::turned_away(routes, request, word(StatusCode::FORBIDDEN, "Refused", says)).await;
            }
            // What a link once allowed it allows as long as its receiver may see the problem.
            if let Err(error @ ClerkError::NotYours) = drawn(routes, &permit).await {
                return ingest::turned_away(routes, request, failed(routes, &error)).await;
            }
            let holder = holder(&permit);
            let asked = match deed::asked(routes, place, request, &permit, &holder).await {
                Ok(asked) => asked,
                Err(answer) => return answer,
            };
            match deed::done(routes, asked).await {
                Ok(done) => to_page(text, Some(done)),
                Err(error) => failed(routes, &error),
            }
        }
        "ack" | "silence" => ingest::turned_away(routes, request, answer::not_allowed("GET, HEAD, POST")).await,
        _ => {
            let says = "There is nothing at this address. Was the link cut?";
            ingest::turned_away(routes, request, word(StatusCode::NOT_FOUND, "No such page", says)).await
        }
    }
}

async fn show<I: Inlet, C: Checkup>(routes: &Routes<I, C>, text: &str, permit: &Permit, done: Option<Done>) -> Answer {
    match drawn(routes, permit).await {
        Ok(sheet) => {
            let around = render::Around {
                permit: text,
                holder: &holder(permit),
                expires: permit.expires,
                notice: done.map(Done::words),
            };
            html(StatusCode::OK, render::sheet(&sheet, &around))
        }
        Err(error) => failed(routes, &error),
    }
}

async fn drawn<I, C>(routes: &Routes<I, C>, permit: &Permit) -> Result<Sheet, ClerkError> {
    let drawn = tokio::time::timeout(routes.timeouts.commit, routes.clerk.draw(permit.clone())).await;
    drawn.unwrap_or_else(|_| Err(ClerkError::Unavailable("no answer in time".to_owned())))
}

/// Whom a deed is put down to. The permit is ours, but the name in it is the configuration's, and a name has no control characters.
fn holder(permit: &Permit) -> String {
    let name: String = permit.holder().chars().filter(|c| !c.is_control()).take(100).collect();
    if name.trim().is_empty() { "somebody with a link".to_owned() } else { name.trim().to_owned() }
}

/// Back to the page, by GET, so that a reload repeats nothing. Relative: a proxy may have put a path before ours.
fn to_page(permit: &str, done: Option<Done>) -> Answer {
    let mut answer = html(StatusCode::SEE_OTHER, String::new());
    let query = done.map(|done| format!("?done={}", done.as_str())).unwrap_or_default();
    // The permit was checked: it has no other characters than those of base64url.
    if let Ok(place) = HeaderValue::from_str(&format!("../{permit}{query}")) {
        answer.headers_mut().insert(LOCATION, place);
    }
    answer
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Forged => {
            let says = "This link was not made here, or a part of it is missing. Open it from your message again, or ask \
                        `firstred incidents` where the daemon runs.";
            word(StatusCode::FORBIDDEN, "This link does not work", says)
        }
        Refusal::Expired => {
            let says = "A link is good for seven days. A newer message about the problem has a new one; `firstred incidents` shows it where \
                        the daemon runs.";
            word(StatusCode::GONE, "This link has expired", says)
        }
    }
}

fn failed<I, C>(routes: &Routes<I, C>, error: &ClerkError) -> Answer {
    match error {
        ClerkError::NotYours => {
            let says = "The receiver or the address that this link was sent to is no longer told of this problem.";
            word(StatusCode::GONE, "This link does not work any more", says)
        }
        ClerkError::NotFound(_) | ClerkError::Refused(_) => {
            let says =
                "The ledger does not know this problem any more: it is over for longer than `[ledger] retention`.";
            word(StatusCode::NOT_FOUND, "This problem is no longer kept", says)
        }
        ClerkError::Full | ClerkError::Unavailable(_) => {
            if let Some(held_back) = routes.silent.pass(clock::now().as_second()) {
                tracing::warn!(?error, held_back, "the page of a problem has no answer");
            }
            let says = "Nothing was changed, as far as is known. Go back and try again in a few seconds: doing it twice does no harm.";
            let mut answer = word(StatusCode::SERVICE_UNAVAILABLE, "The ledger does not answer now", says);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            answer
        }
    }
}

fn word(status: StatusCode, title: &str, says: &str) -> Answer {
    html(status, render::word(title, says))
}

fn html(status: StatusCode, body: String) -> Answer {
    let mut answer = answer::answer(status, "text/html; charset=utf-8", body);
    let headers = answer.headers_mut();
    // It is made of our own words and of base64.
    if let Ok(policy) = HeaderValue::from_str(&style::POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY"));
    answer
}
