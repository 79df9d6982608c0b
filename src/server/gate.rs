//! How the caller of `/ingest` proves itself. It must not know HTTP bodies or what is done for the caller.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName};
use prometheus_client::metrics::counter::Counter;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::Notify;

use super::answer::Muffler;
use super::reading::{Native, Reading};
use crate::config::WebhookAuth;
use crate::metrics::{Metrics, PollLabel, SourceLabel};
use crate::net::signature::{Secret, SecretError};

/// The sources that are pushed to, by name.
pub type Gates = BTreeMap<String, Gate>;

/// One source that is pushed to, ready to check its callers.
#[derive(Debug)]
pub struct Gate {
    pub(super) proof: Proof,
    /// How its body is read.
    pub(super) reading: Arc<dyn Reading>,
    /// Who is woken by what says that there is news to be asked for.
    pub(super) wake: Option<Arc<Notify>>,
    counters: OnceLock<Counters>,
    pub(super) strangers: Muffler,
    pub(super) trouble: Muffler,
}

/// What a caller must show.
#[derive(Debug)]
pub(super) enum Proof {
    /// One of the tokens with these SHA-256 digests: comparing digests hides how long the tokens are.
    Bearer(Vec<[u8; 32]>),
    /// A signature by one of these.
    Signature(Vec<Secret>),
    /// One of the tokens with these digests, in this header.
    Header(HeaderName, Vec<[u8; 32]>),
    /// The HMAC of the body by one of these, behind this prefix in this header.
    Hmac(HeaderName, String, Vec<SecretString>),
    /// Nothing.
    Open,
}

/// The counters of a source, looked up once rather than for each request.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) ok: Counter,
    pub(super) failed: Counter,
    pub(super) refused: Counter,
    pub(super) refused_runs: Counter,
}

impl Gate {
    /// Makes ready what the configuration says.
    ///
    /// # Errors
    /// When a signing secret can't be used.
    pub fn new(auth: &WebhookAuth) -> Result<Self, SecretError> {
        let proof = match auth {
            WebhookAuth::Bearer(tokens) => Proof::Bearer(tokens.iter().map(digest).collect()),
            WebhookAuth::Signature(secrets) => {
                Proof::Signature(secrets.iter().map(Secret::parse).collect::<Result<_, _>>()?)
            }
            WebhookAuth::Header { name, tokens } => Proof::Header(name.clone(), tokens.iter().map(digest).collect()),
            WebhookAuth::Hmac { name, prefix, secrets } => Proof::Hmac(name.clone(), prefix.clone(), secrets.clone()),
            WebhookAuth::Open => Proof::Open,
        };
        let reading = Arc::new(Native);
        Ok(Self {
            proof,
            reading,
            wake: None,
            counters: OnceLock::new(),
            strangers: Muffler::default(),
            trouble: Muffler::default(),
        })
    }

    /// Reads what is sent in its own way.
    #[must_use]
    pub fn reading(mut self, reading: Arc<dyn Reading>) -> Self {
        self.reading = reading;
        self
    }

    /// Wakes `poller` when a body says that there is news.
    #[must_use]
    pub fn waking(mut self, poller: Arc<Notify>) -> Self {
        self.wake = Some(poller);
        self
    }

    pub(super) fn counters(&self, name: &str, metrics: &Metrics) -> &Counters {
        self.counters.get_or_init(|| {
            let poll = |outcome| metrics.polls.get_or_create_owned(&PollLabel { source: name.to_owned(), outcome });
            Counters {
                ok: poll("ok"),
                failed: poll("failed"),
                refused: poll("refused"),
                refused_runs: metrics.refused_runs.get_or_create_owned(&SourceLabel { source: name.to_owned() }),
            }
        })
    }
}

pub(super) fn digest(token: &SecretString) -> [u8; 32] {
    Sha256::digest(token.expose_secret().trim().as_bytes()).into()
}

/// Whether the caller shows one of the tokens. Takes as long for a wrong one as for a right one.
pub(super) fn bearer(headers: &HeaderMap, digests: &[[u8; 32]]) -> bool {
    let shown = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let token = match shown.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => token.trim_ascii(),
        _ => b"",
    };
    is_one_of(token, digests)
}

/// Whether the caller shows one of the tokens in a header of its own.
pub(super) fn in_header(headers: &HeaderMap, name: &HeaderName, digests: &[[u8; 32]]) -> bool {
    is_one_of(headers.get(name).map_or(&b""[..], |value| value.as_bytes().trim_ascii()), digests)
}

fn is_one_of(token: &[u8], digests: &[[u8; 32]]) -> bool {
    let shown: [u8; 32] = Sha256::digest(token).into();
    let mut fits = Choice::from(0);
    for expected in digests {
        fits |= expected.ct_eq(&shown);
    }
    bool::from(fits) && !token.is_empty()
}
