//! A notification as JSON for machines: the body of the webhook receiver and the line of the console. camelCase, like the native
//! run; what is not known is absent. It knows no HTTP.

use serde_json::{Map, Value, json};

use super::message::{Budget, Message, text};
use crate::engine::{Kind, Notification, NotificationId, Subject, Summary};
use crate::run::StepError;
use crate::triage::redact::redact;
use crate::triage::{Card, Cause};

/// Standard Webhooks 1.0 asks for payloads under 20 KB.
pub(crate) const MOST_BYTES: usize = 20_000;

/// The longest `dedup_key` that `PagerDuty` Events v2 takes.
const LONGEST_KEY: usize = 255;

/// The whole payload, clean and uncut: what templates speak of.
pub(crate) fn value(notification: &Notification) -> Value {
    let mut value = whole(notification);
    clean(&mut value);
    value
}

/// The whole payload, cut until it fits. The same notification gives the same bytes on every attempt.
pub(crate) fn json(notification: &Notification) -> String {
    let mut value = value(notification);
    let cut_to = |value: &Value, most| {
        let mut value = value.clone();
        cut(&mut value, most);
        value.to_string()
    };
    let tries = [MOST_BYTES, 12_000, 8_000, 4_000, 1_500, 600, 200, 60].into_iter().map(|most| cut_to(&value, most));
    if let Some(body) = tries.into_iter().find(|body| body.len() < MOST_BYTES) {
        return body;
    }
    // Hundreds of labels: they are the only thing here whose number has no bound.
    if let Some(run) = value.pointer_mut("/data/run").and_then(Value::as_object_mut) {
        run.remove("labels");
    }
    // Then the lists give way; what they leave out is in the counts beside them.
    for most in [20, 5, 2, 0] {
        for part in ["/data/incident", "/data/summary"] {
            value.pointer_mut(part).into_iter().for_each(|part| shorten(part, most));
        }
        let body = cut_to(&value, 60);
        if body.len() < MOST_BYTES {
            return body;
        }
    }
    cut_to(&value, 60)
}

/// Cuts every list to `most` items, but for those that are pairs.
fn shorten(value: &mut Value, most: usize) {
    match value {
        Value::Array(items) => {
            if items.len() > 2 || items.iter().any(Value::is_object) {
                items.truncate(most);
            }
            for item in items {
                shorten(item, most);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| shorten(value, most)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes out every link that must not be shown.
fn check_links(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(check_links),
        Value::Object(fields) => {
            if let Some(url) = fields.get("url").and_then(Value::as_str).map(super::message::link::checked) {
                match url {
                    Some(url) => fields.insert("url".to_owned(), Value::String(url)),
                    None => fields.remove("url"),
                };
            }
            fields.values_mut().for_each(check_links);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The `type` of a payload.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Failed => "run.failed",
        Kind::StillRetrying => "run.still_retrying",
        Kind::Vanished => "run.vanished",
        Kind::Trouble => "firstred.trouble",
        Kind::Test => "firstred.test",
        Kind::Missed => "workflow.missed",
        Kind::ProviderTrouble => "provider.trouble",
        Kind::Updated => "incident.updated",
        Kind::StillOpen => "incident.still_open",
        Kind::Reopened => "incident.reopened",
        Kind::Escalated => "incident.escalated",
        Kind::Acknowledged => "incident.acknowledged",
        Kind::Resolved => "incident.resolved",
        Kind::Summary => "incident.summary",
        Kind::Daily => "firstred.daily",
    }
}

fn whole(notification: &Notification) -> Value {
    let mut message = Message::new(notification, Budget::percent(0));
    let advice = message.advice.take();
    let mut data = object(json!({
        "notification": notification.id.as_str(),
        "dedupKey": dedup_key(notification),
        "headline": message.headline,
        "severity": notification.severity.as_str(),
        "rule": notification.rule,
        "runbook": notification.runbook.as_deref().and_then(super::message::link::checked),
        "verdict": message.verdict.map(|verdict| format!("{}: {}", verdict.word, verdict.meaning)),
        "incident": notification.incident,
        "owner": notification.owner,
    }));
    match &notification.subject {
        Subject::Run(card) => data.extend(of_card(card)),
        Subject::Own(trouble) => data.extend([("trouble".to_owned(), json!(trouble))]),
        Subject::Summary(summary) => {
            // Kept as they are until here: by them it is known who may be told.
            let workspaces = summary.workspaces.iter().map(|name| redact(name).text.into_owned()).collect();
            let summary = Summary { workspaces, ..(**summary).clone() };
            data.extend([("summary".to_owned(), json!(summary))]);
        }
        Subject::Daily(note) => data.extend([("daily".to_owned(), json!(note))]),
    }
    // What is advised of an incident may be other than what its card advised, or nothing any more.
    if notification.incident.is_some() {
        data.remove("advice");
        data.extend(advice.map(|advice| ("advice".to_owned(), Value::String(advice))));
    }
    for part in ["incident", "summary"] {
        data.get_mut(part).into_iter().for_each(check_links);
    }
    json!({ "type": kind(notification.kind), "timestamp": notification.decided_at, "data": data })
}

fn of_card(card: &Card) -> Map<String, Value> {
    let run = &card.run;
    let mut out = object(json!({
        "source": card.source,
        "workspace": Some(&run.workspace).filter(|workspace| !workspace.is_empty()),
        "workflow": run.workflow,
        "run": object(json!({
            "id": run.id,
            "attempt": run.attempt,
            "maxAttempts": run.max_attempts,
            "replayOf": run.replay_of,
            "trigger": run.trigger,
            "url": run.url.as_deref().and_then(super::message::link::checked),
            "startedAt": run.started_at,
            "completedAt": run.completed_at,
            "labels": run.labels,
        })),
        "class": card.class,
        "decidedBy": card.decided_by,
        "advice": card.advice,
        "fingerprint": card.fingerprint,
        "progress": card.progress,
        "consequences": card.consequences,
        "retrying": card.retrying,
        "provider": card.provider,
        "missed": card.missed,
        "redacted": card.redacted,
    }));
    let error = |error: Option<&StepError>| json!(error);
    match &card.cause {
        Cause::Step { number, title, kind, attempt, max_attempts, failed_at, url, error: own, run_error } => {
            let step = object(json!({
                "number": number, "title": title, "kind": kind, "attempt": attempt, "maxAttempts": max_attempts,
                "failedAt": failed_at, "url": url.as_deref().and_then(super::message::link::checked),
            }));
            out.extend(object(json!({
                "cause": "step", "step": step, "error": error(own.as_ref()), "runError": error(run_error.as_ref()),
            })));
        }
        Cause::Run { before_any_step, error: own } => {
            out.extend(object(json!({ "cause": "run", "beforeAnyStep": before_any_step, "error": error(Some(own)) })));
        }
        Cause::Nothing => out.extend(object(json!({ "cause": "nothing" }))),
    }
    out
}

/// The key by which an on-call tool takes repeats of the same problem together: the incident, from its opening to its end; where there
/// is none, workspace, workflow, step and code. Hashed where a part holds the separator, for ("a:b", "c") and ("a", "b:c") are two
/// problems.
pub(crate) fn dedup_key(notification: &Notification) -> String {
    if let Some(note) = &notification.incident {
        return keyed(&["incident", note.id.as_str()]);
    }
    let mut parts = vec![match notification.kind {
        Kind::Test => "test",
        Kind::Trouble => "own",
        Kind::Daily => "daily",
        _ => "run",
    }];
    match &notification.subject {
        Subject::Run(card) => parts.extend([
            card.run.workspace.as_str(),
            card.run.workflow.key(),
            card.cause.step_title().unwrap_or_default(),
            card.cause.error().map(|error| error.code.as_str()).unwrap_or_default(),
        ]),
        Subject::Own(trouble) => parts.push(&trouble.what),
        Subject::Summary(_) | Subject::Daily(_) => parts.push(notification.id.as_str()),
    }
    keyed(&parts)
}

fn keyed(parts: &[&str]) -> String {
    let readable = format!("firstred:{}", parts.join(":"));
    let plain = parts.iter().all(|part| part.chars().all(|c| c != ':' && !c.is_control()));
    if plain && readable.len() <= LONGEST_KEY {
        return readable;
    }
    format!("firstred:{}", NotificationId::of_parts(parts).as_str())
}

/// The fields of `value` that say something.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}

/// Cleans every text. Keys are ours, but for those of the labels.
fn clean(value: &mut Value) {
    if let Some(Value::Object(labels)) = value.pointer_mut("/data/run/labels") {
        let taken = std::mem::take(labels);
        labels.extend(taken.into_iter().map(|(key, value)| (text::end_cut(&text::line(&key), 200), value)));
    }
    each_text(value, &|said| text::block(said));
}

/// Cuts every text to `most`.
fn cut(value: &mut Value, most: usize) {
    each_text(value, &|said| text::middle_long_cut(said, most));
}

fn each_text(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(said) => *said = change(said),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each_text(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
