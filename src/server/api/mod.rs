//! `/api/v1`: who asks, what is asked, and the answer. Reads need the token as well, for error texts are private. It must not know what
//! the answers mean: a [`Clerk`](super::Clerk) gives them.

mod body;
mod key;
mod query;
mod silence;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;

pub use key::Keys;

use super::answer::{self, Answer};
use super::route::Routes;
use super::{Asked, Checkup, ClerkError, Inlet, gate, ingest};
use crate::clock;

/// What stands before every path here.
pub(super) const PREFIX: &str = "/api/v1/";

/// `POST /api/v1/incidents/{id}/ack`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acknowledgement {
    by: String,
}

/// Answers a request to the API.
pub(super) async fn api<I: Inlet, C: Checkup>(routes: &Routes<I, C>, request: Request<Incoming>) -> Answer {
    let keys = Arc::clone(&routes.keys.borrow());
    if !gate::bearer(request.headers(), keys.digests()) {
        if let Some(held_back) = routes.strangers.pass(clock::now().as_second()) {
            tracing::warn!(held_back, "the API refused a caller without a valid token");
        }
        let message = "a valid bearer token is needed: `[server] api_token`, or on the daemon's own machine the one in the file \
                       beside the ledger that ends in .token";
        return ingest::turned_away(routes, request, answer::unauthorized(message)).await;
    }
    let made = matches!(*request.method(), Method::POST);
    let asked = match asked(routes, request).await {
        Ok(asked) => asked,
        Err(answer) => return answer,
    };
    let is_new = made && matches!(asked, Asked::Silence(_) | Asked::SilenceIncident { .. });
    let answered = tokio::time::timeout(routes.timeouts.commit, routes.clerk.ask(asked)).await;
    match answered.unwrap_or_else(|_| Err(ClerkError::Unavailable("no answer in time".to_owned()))) {
        Ok(value) => answer::json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &value),
        Err(error) => refusal(routes, &error),
    }
}

/// What the path, the method and the body ask for.
async fn asked<I: Inlet, C: Checkup>(routes: &Routes<I, C>, request: Request<Incoming>) -> Result<Asked, Answer> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    match segments.as_slice() {
        ["incidents"] => {
            let all = query::all(request.uri().query());
            read(routes, request, all.map(|all| Asked::Incidents { all })).await
        }
        ["incidents", id] => read(routes, request, Ok(Asked::Incident { id: query::decoded(id) })).await,
        ["incidents", id, "ack"] => {
            let id = query::decoded(id);
            let Acknowledgement { by } = body::posted(routes, request, r#"{"by": "ada"}"#).await?;
            let by = body::name(&by, "by").map_err(|error| body::wrong(&error))?;
            Ok(Asked::Acknowledge { id, by })
        }
        ["incidents", id, "silence"] => {
            let id = query::decoded(id);
            let wanted: silence::OfIncident = body::posted(routes, request, r#"{"for": "2h", "by": "ada"}"#).await?;
            let (until, by) = silence::of_incident(&wanted, clock::now()).map_err(|error| body::wrong(&error))?;
            Ok(Asked::SilenceIncident { id, until, by })
        }
        // An engine's ids may hold anything, a slash included.
        ["runs", id @ .., "why"] if !id.is_empty() => {
            read(routes, request, Ok(Asked::Why { run: query::decoded(&id.join("/")) })).await
        }
        ["receivers"] => read(routes, request, Ok(Asked::Receivers)).await,
        ["pending"] => read(routes, request, Ok(Asked::Pending)).await,
        ["silences"] if request.method() == Method::POST => {
            let wanted = body::posted(routes, request, silence::EXAMPLE).await?;
            let wanted = silence::asked(wanted, clock::now()).map_err(|error| body::wrong(&error))?;
            Ok(Asked::Silence(Box::new(wanted)))
        }
        ["silences"] if is_read(request.method()) => Ok(Asked::Silences),
        ["silences"] => Err(ingest::turned_away(routes, request, answer::not_allowed("GET, HEAD, POST")).await),
        ["silences", id] if request.method() == Method::DELETE => Ok(Asked::EndSilence { id: query::decoded(id) }),
        ["silences", _] => Err(ingest::turned_away(routes, request, answer::not_allowed("DELETE")).await),
        _ => {
            let message = "no such page; there are /api/v1/incidents, /api/v1/incidents/{id}, /api/v1/runs/{id}/why, \
                           /api/v1/silences, /api/v1/pending and /api/v1/receivers";
            Err(ingest::turned_away(routes, request, answer::error(StatusCode::NOT_FOUND, message)).await)
        }
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

async fn read<I: Inlet, C: Checkup>(
    routes: &Routes<I, C>,
    request: Request<Incoming>,
    asked: Result<Asked, String>,
) -> Result<Asked, Answer> {
    if is_read(request.method()) {
        return asked.map_err(|error| body::wrong(&error));
    }
    Err(ingest::turned_away(routes, request, answer::not_allowed("GET, HEAD")).await)
}

fn refusal<I, C>(routes: &Routes<I, C>, error: &ClerkError) -> Answer {
    let message = error.to_string();
    match error {
        ClerkError::NotFound(_) => answer::error(StatusCode::NOT_FOUND, &message),
        ClerkError::Refused(_) => answer::error(StatusCode::BAD_REQUEST, &message),
        ClerkError::NotYours => answer::error(StatusCode::FORBIDDEN, &message),
        ClerkError::Full | ClerkError::Unavailable(_) => {
            if let Some(held_back) = routes.silent.pass(clock::now().as_second()) {
                tracing::warn!(?error, held_back, "the API has no answer");
            }
            answer::again(StatusCode::SERVICE_UNAVAILABLE, "5", &message)
        }
    }
}
