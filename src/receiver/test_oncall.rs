//! What the tests of the on-call receivers share: every notification as a delivery, hostile ones too, and one attempt against a server of
//! our own. It knows no receiver.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::samples::incidents::{grown, said};
use super::test_hostile::hostile;
use super::test_support::{HOSTILE, at, card, delivery, hostile_with, http_server, samples};
use super::{BuildError, Receiver};
use crate::config::{ReceiverKind, ReceiverSettings, Way};
use crate::engine::{Acknowledged, Delivery, IncidentNote, Kind, Notification, Outcome};

/// Every kind of notification by name, an acknowledgement with them.
pub(crate) fn all() -> Vec<(&'static str, Notification)> {
    let mut all = samples();
    all.push(("acknowledged", acknowledged()));
    all
}

pub(crate) fn acknowledged() -> Notification {
    let by = Acknowledged { by: "anna".to_owned(), at: at("2026-11-22T10:31:45Z") };
    said(Kind::Acknowledged, card(), IncidentNote { acknowledged: Some(by), ..grown() }, "2026-11-22T10:31:45Z")
}

/// The sample of a name.
pub(crate) fn sample(name: &str) -> Notification {
    all().into_iter().find(|(known, _)| *known == name).expect("a sample").1
}

/// Everything that wants to be something else, and everything that is too long.
pub(crate) fn hostile_ones() -> Vec<Notification> {
    let huge = ["&", "\"\\", "\u{301}", "`", "漢字\n"].map(|text| text.repeat(9_000));
    let mut all: Vec<Notification> = HOSTILE.iter().flat_map(|text| hostile(text)).collect();
    all.extend(hostile(&"漢字\n".repeat(300)));
    all.extend(HOSTILE.iter().map(|text| hostile_with(text)));
    all.extend(huge.iter().map(|text| hostile_with(text)));
    all
}

/// No character that a terminal, a log or an eye could stumble over.
pub(crate) fn assert_clean(value: &Value) {
    match value {
        Value::String(said) => {
            assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
            assert!(!said.contains(['\u{202e}', '\u{2066}', '\u{e0041}']), "{said:?}");
        }
        Value::Array(items) => items.iter().for_each(assert_clean),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ')), "{key:?}");
            assert_clean(value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A receiver of `kind`.
pub(crate) fn receiver(kind: ReceiverKind) -> Result<Receiver, BuildError> {
    let timeout = Duration::from_secs(20);
    let settings =
        ReceiverSettings { kind, way: Way::default(), timeout, pace: Duration::ZERO, parallel: 1, template: None };
    Receiver::build("oncall", &settings, None)
}

/// One attempt to say `delivery` where each request gets the next of `answers`; with what was asked.
pub(crate) async fn attempt(
    answers: Vec<String>,
    kind: impl FnOnce(&str) -> ReceiverKind,
    delivery: &Delivery,
    now: Timestamp,
) -> (Outcome, Vec<Asked>) {
    let (url, mut asked, server) = http_server(answers).await;
    let receiver = receiver(kind(url.trim_end_matches("/hook/SECRET"))).expect("a receiver");
    let outcome = receiver.send(delivery, now).await;
    server.abort();
    let mut requests = Vec::new();
    while let Ok(request) = asked.try_recv() {
        requests.push(Asked::read(&request));
    }
    (outcome, requests)
}

/// Status, headers and body of each answer, in their order.
pub(crate) type Answers<'a> = &'a [(u16, &'a str, &'a str)];

/// One request.
pub(crate) struct Asked {
    /// `POST /v2/enqueue`
    pub(crate) line: String,
    /// The headers, in small letters where they are names.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Value,
}

impl Asked {
    fn read(request: &str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").expect("a body");
        let (line, head) = head.split_once("\r\n").expect("headers");
        Self {
            line: line.trim_end_matches(" HTTP/1.1").to_owned(),
            head: head.to_owned(),
            body: serde_json::from_str(body).expect("JSON"),
        }
    }
}

/// An outcome in a word, and whether it waits.
pub(crate) fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { plain: false, .. } => "delivered".to_owned(),
        Outcome::Delivered { plain: true, .. } => "plain".to_owned(),
        Outcome::Refused { permanent: true, .. } => "permanent".to_owned(),
        Outcome::Refused { retry_after: Some(wait), .. } => format!("wait {wait}"),
        Outcome::Refused { .. } => "again".to_owned(),
        Outcome::Unknown { .. } => "unknown".to_owned(),
    }
}

/// The delivery of the sample of a name.
pub(crate) fn delivered(name: &str) -> Delivery {
    delivery(sample(name))
}

/// What is said in an outcome, for people.
pub(crate) fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Delivered { receipt, .. } => receipt,
        Outcome::Refused { reason, .. } | Outcome::Unknown { reason } => reason,
    }
}
