//! Runs with a secret in every field that takes text, in each state that leads to a message or to a row. It knows the native form and
//! nothing behind it.

use serde_json::{Value, json};

use super::canaries::{Canary, SHAPES, of_shape, of_text};

/// A field, where it stands in the run, and how it may show.
pub(super) struct Field {
    pub(super) name: &'static str,
    pointer: &'static str,
    pub(super) keeps: Keeps,
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Its secrets are taken out before anything is stored.
    Redacted,
    /// What a run is known by: kept as it is in the ledger, for the engine is asked by it; taken out of all that is sent or logged.
    Identity,
    /// No part of the model: gone when it is read.
    Nothing,
}

const fn field(name: &'static str, pointer: &'static str) -> Field {
    Field { name, pointer, keeps: Keeps::Redacted }
}

const fn identity(name: &'static str, pointer: &'static str) -> Field {
    Field { name, pointer, keeps: Keeps::Identity }
}

const fn unknown(name: &'static str, pointer: &'static str) -> Field {
    Field { name, pointer, keeps: Keeps::Nothing }
}

/// Every field of a native run that takes a text, and those of an engine's that firstred must not even read.
pub(super) const FIELDS: [Field; 32] = [
    identity("id", "/id"),
    identity("replayOf", "/replayOf"),
    identity("parent", "/parent"),
    identity("workspace", "/workspace"),
    identity("workflow.id", "/workflow/id"),
    identity("workflow.name", "/workflow/name"),
    field("workflow.version", "/workflow/version"),
    field("trigger", "/trigger"),
    field("url", "/url"),
    field("labels (name)", "/labels"),
    field("labels (value)", "/labels/note"),
    field("error.code", "/error/code"),
    field("error.message", "/error/message"),
    field("error.detail", "/error/detail"),
    field("steps[].title, completed", "/steps/0/title"),
    field("steps[].kind, completed", "/steps/0/kind"),
    field("steps[].title", "/steps/1/title"),
    field("steps[].kind", "/steps/1/kind"),
    field("steps[].url", "/steps/1/url"),
    field("steps[].error.code", "/steps/1/error/code"),
    field("steps[].error.message", "/steps/1/error/message"),
    field("steps[].error.detail", "/steps/1/error/detail/body"),
    field("steps[].title, tolerated", "/steps/2/title"),
    field("steps[].error.message, tolerated", "/steps/2/error/message"),
    unknown("input", "/input"),
    unknown("output", "/output"),
    unknown("parameters", "/parameters/key"),
    unknown("steps[].input", "/steps/1/input"),
    unknown("steps[].output", "/steps/1/output"),
    unknown("steps[].logs", "/steps/1/logs/0"),
    unknown("steps[].error.request", "/steps/1/error/request"),
    unknown("error.stack", "/error/stack"),
];

/// How a planted run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// A step failed.
    Failed,
    /// No step ran.
    BeforeAnyStep,
    /// The engine tries again.
    Retrying,
    /// It waits for somebody to authorize a connection.
    Parked,
}

/// One planted run, and what is in it.
pub(super) struct Planted {
    pub(super) run: Value,
    pub(super) canaries: Vec<Canary>,
}

/// Each of the other endings gets one kind of secret in so many: what takes them out is the same for all kinds.
const STRIDE: usize = 5;

/// A failed run for each kind of secret, and one for some kinds of every other ending.
pub(super) fn all() -> Vec<Planted> {
    let others = [Ending::BeforeAnyStep, Ending::Retrying, Ending::Parked];
    let mut all = Vec::new();
    for (number, (kind, shape)) in SHAPES.into_iter().enumerate() {
        let other =
            others.into_iter().enumerate().filter(|(turn, _)| number % STRIDE == *turn).map(|(_, ending)| ending);
        for ending in std::iter::once(Ending::Failed).chain(other) {
            let salt = format!("{kind} {ending:?}");
            all.push(planted(ending, &salt, |field| of_shape(kind, shape, field, &salt)));
        }
    }
    all
}

/// A run with `secret` in each field that has to be redacted.
pub(super) fn with(secret: &str, number: usize) -> Vec<Planted> {
    let fields = FIELDS.iter().filter(|field| field.keeps != Keeps::Identity);
    fields
        .map(|field| {
            let mut run = base(Ending::Failed, &format!("planted {number} {}", field.name));
            let canary = of_text(secret, field.name);
            put(&mut run, field, &canary.text);
            Planted { run, canaries: vec![canary] }
        })
        .collect()
}

fn planted(ending: Ending, salt: &str, make: impl Fn(&'static str) -> Canary) -> Planted {
    let mut run = base(ending, salt);
    let mut canaries = Vec::new();
    for field in &FIELDS {
        let canary = make(field.name);
        if put(&mut run, field, &canary.text) {
            canaries.push(canary);
        }
    }
    Planted { run, canaries }
}

/// Puts `text` where `field` stands; says whether there is such a place.
fn put(run: &mut Value, field: &Field, text: &str) -> bool {
    if field.name == "labels (name)" {
        let labels = run.pointer_mut(field.pointer).and_then(Value::as_object_mut);
        return labels.map(|labels| labels.insert(text.to_owned(), json!("x"))).is_some();
    }
    let text = if field.name.ends_with("url") { in_url(text) } else { text.to_owned() };
    // The fields that nobody reads are not in the run yet.
    if let Some((parent, name)) = field.pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = run.pointer_mut(parent)
    {
        fields.insert(name.to_owned(), Value::String(text));
        return true;
    }
    run.pointer_mut(field.pointer).map(|place| *place = Value::String(text)).is_some()
}

/// A link that carries `text`; where that is a link itself, just this.
fn in_url(text: &str) -> String {
    if text.starts_with("https://") {
        return text.to_owned();
    }
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    format!("https://flows.example.com/runs?q={encoded}")
}

fn base(ending: Ending, salt: &str) -> Value {
    let error = || json!({ "code": "X", "message": "m", "detail": "d" });
    let step = |status: &str| {
        json!({ "number": 2, "title": "Call", "kind": "http.request", "status": status, "attempt": 1, "maxAttempts": 3,
            "url": "https://flows.example.com", "startedAt": "2026-11-22T02:07:01Z", "completedAt": "2026-11-22T02:07:08Z",
            "retryAt": if ending == Ending::Retrying { json!("2036-11-22T02:17:00Z") } else { Value::Null },
            "logs": [""],
            "error": { "code": "Y", "message": "m", "providerStatus": if ending == Ending::Parked { 401 } else { 503 }, "detail": { "body": "d" } } })
    };
    let (status, failing) = match ending {
        Ending::Failed | Ending::BeforeAnyStep => ("failed", "failed"),
        Ending::Retrying => ("running", "retrying"),
        Ending::Parked => ("waiting", "waiting"),
    };
    let steps = if ending == Ending::BeforeAnyStep {
        json!([])
    } else {
        json!([
            { "number": 1, "title": "Read", "kind": "k", "status": "completed" },
            step(failing),
            { "number": 3, "title": "Tell", "status": "failed", "tolerated": true, "error": { "code": "Z", "message": "m" } },
        ])
    };
    json!({
        "id": salt, "workspace": "acme", "workflow": { "id": salt, "name": salt, "version": "1" }, "status": status,
        "trigger": "schedule", "url": "https://flows.example.com", "replayOf": salt, "parent": Value::Null,
        "startedAt": "2026-11-22T02:07:00Z",
        "completedAt": if status == "failed" { json!("2026-11-22T02:07:09Z") } else { Value::Null },
        "labels": { "note": "x" }, "error": if status == "failed" { error() } else { Value::Null },
        "parameters": {}, "steps": steps,
    })
}
