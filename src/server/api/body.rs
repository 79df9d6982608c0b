//! The body of what changes something: small, JSON, and answered with what is wrong with it.

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;

use crate::server::answer::{self, Answer};
use crate::server::body::{self, NoBody};
use crate::server::route::Routes;
use crate::server::{Checkup, Inlet, ingest};

/// Nothing that is asked here needs more.
const MAX_BODY: usize = 16 * 1024;
/// The longest name of a person, and the longest text of theirs, in characters.
const MAX_NAME: usize = 100;
const MAX_TEXT: usize = 1_000;

/// Reads the body of a POST. `example` shows what is wanted.
pub(super) async fn posted<T: DeserializeOwned, I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    request: Request<Incoming>,
    example: &str,
) -> Result<T, Answer> {
    if request.method() != Method::POST {
        return Err(ingest::turned_away(routes, request, answer::not_allowed("POST")).await);
    }
    let (parts, mut incoming) = request.into_parts();
    let read = body::read(&mut incoming, MAX_BODY, routes.timeouts.body, &routes.big_bodies).await;
    let raw = match read {
        Ok((raw, _)) => raw,
        Err(NoBody::TooLarge) => {
            let message = format!("the body may have {MAX_BODY} bytes at most");
            let answer = answer::error(StatusCode::PAYLOAD_TOO_LARGE, &message);
            return Err(ingest::turned_away(routes, Request::from_parts(parts, incoming), answer).await);
        }
        Err(NoBody::Late) => {
            return Err(answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"));
        }
        Err(_) => return Err(answer::error(StatusCode::BAD_REQUEST, "the body ended early")),
    };
    serde_json::from_slice(&raw).map_err(|error| wrong(&format!("{error}; write for example {example}")))
}

/// The name of a person.
pub(super) fn name(text: &str, key: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(format!("`{key}` is a name of 1 to {MAX_NAME} characters on one line"));
    }
    Ok(name.to_owned())
}

/// A text of a person; an empty one is none.
pub(super) fn text(text: Option<&str>, key: &str) -> Result<Option<String>, String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Err(format!("`{key}` has {MAX_TEXT} characters at most"));
    }
    Ok(text.map(str::to_owned))
}

/// 400
pub(super) fn wrong(message: &str) -> Answer {
    answer::error(StatusCode::BAD_REQUEST, message)
}
