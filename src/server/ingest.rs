//! `POST /ingest/{source}`: who sends, what is in it, and the answer once it is committed. The order is the point: a token is
//! checked before a byte of the body is read, a signature over the body exactly as it was sent (before it is unpacked), and
//! 200 is said only after the commit. It must not know what the runs mean.

use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, EXPECT};
use hyper::{HeaderMap, Request, StatusCode};
use serde::Serialize;

use super::answer::{self, Answer};
use super::body::{self, NoBody};
use super::gate::{self, Gate, Proof};
use super::reading::{Pushed, Unread};
use super::route::Routes;
use super::{Checkup, Inlet, InletError};
use crate::clock;
use crate::net::{body_hmac, signature};
use crate::run::NativeError;

/// The answer to a body.
#[derive(Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    accepted: usize,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    index: usize,
    pointer: String,
    error: String,
}

/// Answers a request to a source that exists.
pub(super) async fn ingest<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    source: &str,
    gate: &Gate,
    request: Request<Incoming>,
) -> Answer {
    let answer = take(routes, source, gate, request).await;
    let counters = gate.counters(source, &routes.metrics);
    match answer.status() {
        StatusCode::OK => counters.ok.inc(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => counters.failed.inc(),
        _ => counters.refused.inc(),
    };
    answer
}

async fn take<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    source: &str,
    gate: &Gate,
    request: Request<Incoming>,
) -> Answer {
    if let Proof::Bearer(digests) = &gate.proof
        && !gate::bearer(request.headers(), digests)
    {
        log_stranger(source, gate, "no valid bearer token");
        return turned_away(routes, request, answer::unauthorized("a valid bearer token is needed")).await;
    }
    if let Proof::Header(name, digests) = &gate.proof
        && !gate::in_header(request.headers(), name, digests)
    {
        log_stranger(source, gate, "no valid token in its header");
        let message = format!("a valid token is needed in the header {name}");
        return turned_away(routes, request, answer::unauthorized(&message)).await;
    }
    let Some(gzip) = encoding(request.headers()) else {
        let message = "only `Content-Encoding: gzip` or none is understood";
        return turned_away(routes, request, answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)).await;
    };
    let (parts, mut incoming) = request.into_parts();
    let read = body::read(&mut incoming, routes.max_body, routes.timeouts.body, &routes.big_bodies).await;
    let (raw, _big) = match read {
        Ok(raw) => raw,
        Err(NoBody::TooLarge) => {
            let request = Request::from_parts(parts, incoming);
            return turned_away(routes, request, no_body(NoBody::TooLarge, routes.max_body)).await;
        }
        Err(why) => return no_body(why, routes.max_body),
    };
    if let Proof::Signature(secrets) = &gate.proof {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
        if let Err(refusal) = signature::verify(secrets, id, at, header("webhook-signature"), &raw, clock::now()) {
            let reason = refusal.to_string();
            log_stranger(source, gate, &reason);
            return answer::unauthorized(&reason);
        }
    }
    if let Proof::Hmac(name, prefix, secrets) = &gate.proof {
        let shown = parts.headers.get(name).and_then(|value| value.to_str().ok());
        if !body_hmac::verify(secrets, prefix, shown, &raw) {
            log_stranger(source, gate, "no signature of the body fits");
            return answer::unauthorized(&format!("no signature in the header {name} fits the body"));
        }
    }
    match parse(routes, gate, parts.headers, raw, gzip).await {
        Ok(Ok(pushed)) => {
            let wake = pushed.wake;
            let answer = commit(routes, source, gate, pushed).await;
            if wake && let Some(poller) = &gate.wake {
                poller.notify_one();
            }
            answer
        }
        Ok(Err(Unread::Later(reason))) => come_again(source, gate, &InletError::Unavailable(reason)),
        Ok(Err(Unread::Wrong(error))) => {
            let report =
                Report { error: Some(error.message), pointer: Some(error.pointer), accepted: 0, refused: Vec::new() };
            answer::json(StatusCode::BAD_REQUEST, &report)
        }
        Err(why) => no_body(why, routes.max_body),
    }
}

/// Whether the body is packed; `None` for a coding that is not understood.
fn encoding(headers: &HeaderMap) -> Option<bool> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let gzip = match codings.next().map(|coding| coding.as_bytes().trim_ascii()) {
        None | Some(b"") => false,
        Some(coding) if coding.eq_ignore_ascii_case(b"identity") => false,
        Some(coding) if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") => true,
        Some(_) => return None,
    };
    codings.next().is_none().then_some(gzip)
}

async fn parse<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    gate: &Gate,
    headers: HeaderMap,
    raw: Bytes,
    gzip: bool,
) -> Result<Result<Pushed, Unread>, NoBody> {
    let limits = routes.limits;
    if !gzip && raw.len() <= body::BIG && !gate.reading.is_slow() {
        return Ok(gate.reading.read(&headers, &raw, limits));
    }
    let reading = Arc::clone(&gate.reading);
    let cap = routes.max_body.saturating_mul(body::UNPACKED);
    // The permit goes with the work: a sender who hangs up does not make room for another before this is done.
    let permit = Arc::clone(&routes.parsers).acquire_owned().await.ok();
    let parsed = tokio::task::spawn_blocking(move || {
        let unpacked = if gzip { body::gunzip(&raw, cap).map(Bytes::from) } else { Ok(raw) };
        let parsed = unpacked.map(|body| reading.read(&headers, &body, limits));
        drop(permit);
        parsed
    });
    parsed.await.unwrap_or(Err(NoBody::Broken))
}

async fn commit<I: Inlet, C: Checkup>(routes: &Routes<I, C>, source: &str, gate: &Gate, pushed: Pushed) -> Answer {
    let Pushed { runs: items, numbered, .. } = pushed;
    let sent = items.len();
    let mut runs = Vec::with_capacity(sent);
    let mut refused = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        match item {
            Ok(run) => runs.push((index, run)),
            Err(NativeError { index, pointer, message }) => refused.push(Refused { index, pointer, error: message }),
        }
    }
    let unreadable = !refused.is_empty();
    let mut accepted = runs.len();
    if !runs.is_empty() {
        let commit = routes.inlet.commit(source, runs);
        let done = tokio::time::timeout(routes.timeouts.commit, commit).await;
        match done.unwrap_or_else(|_| Err(InletError::Unavailable("no commit in time".to_owned()))) {
            Ok(strangers) => {
                accepted = accepted.saturating_sub(strangers.len());
                refused.extend(strangers.into_iter().map(|(index, error)| {
                    let pointer = if numbered { format!("/{index}/workspace") } else { "/workspace".to_owned() };
                    Refused { index, pointer, error }
                }));
            }
            Err(error) => return come_again(source, gate, &error),
        }
    }
    if refused.is_empty() {
        return match accepted {
            1 => answer::answer(StatusCode::OK, "application/json", r#"{"accepted":1,"refused":[]}"#),
            _ => answer::json(StatusCode::OK, &Report { error: None, pointer: None, accepted, refused }),
        };
    }
    gate.counters(source, &routes.metrics).refused_runs.inc_by(refused.len() as u64);
    refused.sort_by_key(|item| item.index);
    if accepted > 0 {
        return answer::json(StatusCode::OK, &Report { error: None, pointer: None, accepted, refused });
    }
    let status = if unreadable { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
    // One sender, one mistake: it should not have to look into a list.
    let (error, pointer) = match refused.as_slice() {
        [only] => (only.error.clone(), Some(only.pointer.clone())),
        _ => (format!("none of {sent} runs was accepted"), None),
    };
    answer::json(status, &Report { error: Some(error), pointer, accepted, refused })
}

fn come_again(source: &str, gate: &Gate, error: &InletError) -> Answer {
    if let Some(held_back) = gate.trouble.pass(clock::now().as_second()) {
        tracing::warn!(source, ?error, held_back, "ingest can't commit");
    }
    let message = error.to_string();
    match error {
        InletError::QueueFull => answer::again(StatusCode::TOO_MANY_REQUESTS, "1", &message),
        InletError::Full | InletError::Unavailable(_) => answer::again(StatusCode::SERVICE_UNAVAILABLE, "5", &message),
    }
}

fn no_body(why: NoBody, cap: usize) -> Answer {
    match why {
        NoBody::TooLarge => {
            let message = format!(
                "the body may have {cap} bytes at most, unpacked {} bytes; send fewer runs at once",
                cap.saturating_mul(body::UNPACKED)
            );
            answer::error(StatusCode::PAYLOAD_TOO_LARGE, &message)
        }
        NoBody::Late => answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        NoBody::Broken => answer::error(StatusCode::BAD_REQUEST, "the body ended early"),
        NoBody::NotGzip => answer::error(StatusCode::BAD_REQUEST, "the body is not gzip, or was cut short"),
    }
}

/// Gives an answer that does not depend on the body, after taking the body off the wire.
pub(super) async fn turned_away<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    mut request: Request<Incoming>,
    answer: Answer,
) -> Answer {
    // Who asks first has sent nothing yet, and asking for the body would say the opposite of the answer.
    if !request.headers().contains_key(EXPECT) {
        body::discard(request.body_mut(), routes.max_body, routes.timeouts.body).await;
    }
    answer
}

fn log_stranger(source: &str, gate: &Gate, reason: &str) {
    if let Some(held_back) = gate.strangers.pass(clock::now().as_second()) {
        tracing::warn!(source, reason, held_back, "ingest refused a caller");
    }
}
