//! From a request to who answers it. It must not know sockets, nor how any answer is made.
//! Nothing here trusts `X-Forwarded-For` or `Host`: nobody is told apart by them.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, watch};

use super::answer::{self, Answer, Muffler};
use super::{Callbacks, Checkup, Clerk, Gates, Inlet, Keys, Timeouts, Wiring, api, callback, health, ingest, page};
use crate::metrics::Metrics;
use crate::net::permit::Issuer;
use crate::run::Limits;

/// Big bodies in memory at once; see [`super::body::BIG`].
const BIG_BODIES: usize = 32;

/// Big bodies of callbacks in memory at once.
const BIG_CALLBACKS: usize = 8;

/// Big bodies being unpacked and parsed at once: JSON grows manifold in memory.
const PARSERS: usize = 8;

/// Everything a request can need.
pub(super) struct Routes<I, C> {
    pub(super) inlet: I,
    checkup: C,
    registry: Arc<Registry>,
    pub(super) metrics: Metrics,
    pub(super) gates: watch::Receiver<Arc<Gates>>,
    pub(super) clerk: Arc<dyn Clerk>,
    pub(super) keys: watch::Receiver<Arc<Keys>>,
    pub(super) issuer: watch::Receiver<Option<Arc<Issuer>>>,
    callbacks: watch::Receiver<Arc<Callbacks>>,
    /// Callers of the API without a token.
    pub(super) strangers: Muffler,
    /// Questions of the API without an answer.
    pub(super) silent: Muffler,
    pub(super) max_body: usize,
    pub(super) timeouts: Timeouts,
    pub(super) limits: Limits,
    pub(super) big_bodies: Semaphore,
    /// Those of callbacks, which are read before anybody has proven anything: they must not take the places of ingest.
    pub(super) callback_bodies: Semaphore,
    pub(super) parsers: Arc<Semaphore>,
}

impl<I: Inlet, C: Checkup> Routes<I, C> {
    pub(super) fn new(wiring: Wiring<I, C>, max_body: usize, timeouts: Timeouts) -> Self {
        Self {
            inlet: wiring.inlet,
            checkup: wiring.checkup,
            registry: wiring.registry,
            metrics: wiring.metrics,
            gates: wiring.gates,
            clerk: wiring.clerk,
            keys: wiring.keys,
            issuer: wiring.issuer,
            callbacks: wiring.callbacks,
            strangers: Muffler::default(),
            silent: Muffler::default(),
            max_body,
            timeouts,
            limits: Limits::default(),
            big_bodies: Semaphore::new(BIG_BODIES),
            callback_bodies: Semaphore::new(BIG_CALLBACKS),
            parsers: Arc::new(Semaphore::new(PARSERS)),
        }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if let Some(source) = path.strip_prefix("/ingest/") {
            if request.method() != Method::POST {
                return answer::not_allowed("POST");
            }
            let gates = Arc::clone(&self.gates.borrow());
            let Some((source, gate)) = gates.get_key_value(source) else {
                return ingest::turned_away(self, request, answer::error(StatusCode::NOT_FOUND, "no such source"))
                    .await;
            };
            return ingest::ingest(self, source, gate, request).await;
        }
        if path.starts_with(api::PREFIX) {
            return api::api(self, request).await;
        }
        if path.starts_with(page::PREFIX) {
            return page::page(self, request).await;
        }
        let called = self.callbacks.borrow().get(path).cloned();
        if let Some(callback) = called {
            return callback::answer(self, callback.as_ref(), request).await;
        }
        let page: fn(&Self) -> Answer = match path {
            "/healthz" => |_| health::healthz(),
            "/readyz" => |routes| health::readyz(&routes.checkup),
            "/metrics" => |routes| health::metrics(&routes.registry),
            "/" => |_| {
                let body = "firstred\n\nGET /healthz, /readyz, /metrics; POST /ingest/{source}; /api/v1/incidents, /runs/{id}/why, /silences, /pending, /receivers\n";
                answer::answer(StatusCode::OK, "text/plain; charset=utf-8", body)
            },
            _ => return answer::error(StatusCode::NOT_FOUND, "no such page"),
        };
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            page(self)
        } else {
            answer::not_allowed("GET, HEAD")
        }
    }
}
