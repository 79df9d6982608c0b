//! Requests that another service makes in its own form: a path, raw bytes and headers in, a status and a body out. It must not know who
//! signs them, nor what they mean.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, StatusCode};

use super::answer::{self, Answer};
use super::body::{self, NoBody};
use super::route::Routes;
use super::{Checkup, Inlet, ingest};

/// The longest body: a click in a chat brings the whole message that it was made on, percent-encoded.
const MAX_BODY: usize = 256 * 1024;

/// What a caller is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, or nothing.
    pub body: String,
}

/// An answer that is being made.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Called> + Send + 'a>>;

/// Answers the requests to one path. Who calls is for it to find out: nothing was checked.
pub trait Callback: Send + Sync + 'static {
    /// Answers one request, over its bytes as they were sent.
    fn called(&self, headers: HeaderMap, body: Bytes) -> Calling<'_>;
}

/// Who answers by path, as a request line has it.
pub type Callbacks = BTreeMap<String, Arc<dyn Callback>>;

/// Answers a request to a path that somebody answers.
pub(super) async fn answer<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    callback: &dyn Callback,
    request: Request<Incoming>,
) -> Answer {
    if request.method() != Method::POST {
        return ingest::turned_away(routes, request, answer::not_allowed("POST")).await;
    }
    let (parts, mut incoming) = request.into_parts();
    match body::read(&mut incoming, MAX_BODY, routes.timeouts.body, &routes.callback_bodies).await {
        Ok((raw, _big)) => {
            let Called { status, body } = callback.called(parts.headers, raw).await;
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = if body.is_empty() { "text/plain; charset=utf-8" } else { "application/json" };
            answer::answer(status, kind, body)
        }
        Err(NoBody::TooLarge) => {
            let refusal = answer::error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
            ingest::turned_away(routes, Request::from_parts(parts, incoming), refusal).await
        }
        Err(NoBody::Late) => answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        Err(NoBody::Broken | NoBody::NotGzip) => answer::error(StatusCode::BAD_REQUEST, "the body ended early"),
    }
}
