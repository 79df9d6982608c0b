//! An HTTP sink that checks the Standard Webhooks signature and tells a repeat by its `webhook-id`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firstred::clock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::http::{self, Answer, Asked, Server};
use super::record::Record;

/// The signing secret that the sink expects: `whsec_` and base64 of 32 bytes.
pub(crate) const SECRET: &str = "whsec_Zmlyc3RyZWQgdGVzdCBzaWduaW5nIHNlY3JldCAwMSE=";

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    /// `webhook-id`.
    pub(crate) id: String,
    /// When it came.
    pub(crate) at: Instant,
    /// Which life of the daemon sent it; see [`Webhook::next_life`].
    pub(crate) life: usize,
    /// The body.
    pub(crate) body: Value,
    /// What is wrong with it; empty when the signature fits.
    pub(crate) mistake: Option<String>,
    /// It was answered 2xx.
    pub(crate) taken: bool,
}

/// The double.
#[derive(Debug)]
pub(crate) struct Webhook {
    server: Server,
    hits: Record<Hit>,
    life: Arc<AtomicUsize>,
    script: Arc<Mutex<VecDeque<u16>>>,
}

impl Webhook {
    /// Starts one that answers after `delay`: the time in which a delivery is on the wire.
    pub(crate) async fn start(delay: Duration) -> Self {
        let hits = Record::default();
        let life = Arc::new(AtomicUsize::new(0));
        let script = Arc::<Mutex<VecDeque<u16>>>::default();
        let state = (hits.clone(), Arc::clone(&life), Arc::clone(&script));
        let server = http::serve(move |asked| {
            let status = state.2.lock().expect("no panic in the double").pop_front().unwrap_or(204);
            let hit = read(&asked, state.1.load(Ordering::SeqCst), status);
            let status = if hit.mistake.is_some() { 401 } else { status };
            state.0.push(hit);
            async move {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                Answer::text(status, "")
            }
        })
        .await;
        Self { server, hits, life, script }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.server.address)
    }

    /// The daemon that sends from now on is another one.
    pub(crate) fn next_life(&self) -> usize {
        self.life.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The statuses of the next answers.
    pub(crate) fn script(&self, statuses: impl IntoIterator<Item = u16>) {
        self.script.lock().expect("no panic in the double").extend(statuses);
    }

    /// All requests.
    pub(crate) fn hits(&self) -> Vec<Hit> {
        self.hits.all()
    }

    /// The requests that were taken, by `webhook-id`.
    pub(crate) fn by_id(&self) -> BTreeMap<String, Vec<Hit>> {
        let mut ids = BTreeMap::<String, Vec<Hit>>::new();
        for hit in self.hits().into_iter().filter(|hit| hit.taken) {
            ids.entry(hit.id.clone()).or_default().push(hit);
        }
        ids
    }

    /// Waits until `enough` says so of all requests.
    pub(crate) async fn wait(&self, deadline: Duration, enough: impl Fn(&[Hit]) -> bool) -> Option<Vec<Hit>> {
        self.hits.wait(deadline, enough).await
    }

    /// Every request was signed as it must be.
    pub(crate) fn assert_signed(&self) {
        for hit in self.hits() {
            assert_eq!(hit.mistake, None, "{hit:?}");
        }
    }
}

fn read(asked: &Asked, life: usize, status: u16) -> Hit {
    let mistake = check_signature(asked).err();
    Hit {
        id: asked.header("webhook-id").to_owned(),
        at: Instant::now(),
        life,
        body: serde_json::from_slice(&asked.body).unwrap_or_default(),
        taken: mistake.is_none() && (200..300).contains(&status),
        mistake,
    }
}

/// What is wrong with how a request is signed, or with what every payload holds.
pub(crate) fn check_signature(asked: &Asked) -> Result<(), String> {
    let (id, stamp) = (asked.header("webhook-id"), asked.header("webhook-timestamp"));
    if id.is_empty() || id.contains('.') {
        return Err(format!("webhook-id is {id:?}"));
    }
    let seconds: i64 = stamp.parse().map_err(|_| format!("webhook-timestamp is {stamp:?}"))?;
    if (clock::now().as_second() - seconds).abs() > 300 {
        return Err(format!("webhook-timestamp {stamp} is not the time of the attempt"));
    }
    let good = sign(id, stamp, &asked.body);
    if !asked.header("webhook-signature").split(' ').any(|signature| signature == good) {
        return Err("no signature fits".to_owned());
    }
    let body: Value = serde_json::from_slice(&asked.body).map_err(|error| error.to_string())?;
    for field in ["type", "timestamp", "data"] {
        if body.get(field).is_none() {
            return Err(format!("the body has no {field:?}"));
        }
    }
    Ok(())
}

/// The Standard Webhooks signature of `body` with [`SECRET`].
pub(crate) fn sign(id: &str, stamp: &str, body: &[u8]) -> String {
    sign_with(SECRET, id, stamp, body)
}

/// The Standard Webhooks signature of `body` with `secret`.
pub(crate) fn sign_with(secret: &str, id: &str, stamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    for part in [id.as_bytes(), b".", stamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Every text in a JSON value.
pub(crate) fn leaves(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(leaves).collect(),
        Value::Object(map) => map.values().flat_map(leaves).collect(),
        _ => Vec::new(),
    }
}
