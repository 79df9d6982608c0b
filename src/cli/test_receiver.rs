//! `firstred test-receiver`: one message through one receiver, now, past the ledger.

use std::path::Path;

use serde_json::json;

use super::{Failure, Format, output, setup};
use crate::clock;
use crate::engine::{Delivery, Kind, Notification, NotificationId, Outcome, OwnTrouble, Severity, Subject};
use crate::receiver::Receiver;
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, name: &str, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let Some(settings) = config.receivers.get(name) else {
        let known: Vec<&str> = config.receivers.keys().map(String::as_str).collect();
        return Err(Failure::CouldNotAsk(format!("there is no receiver `{name}`; there is: {}", known.join(", "))));
    };
    // A test is about no incident, so there is no page to lead to.
    let receiver = Receiver::build(name, settings, None)?;
    let mut addresses: Vec<Option<String>> = settings.addresses().into_iter().map(Some).collect();
    if addresses.is_empty() {
        addresses.push(None);
    }
    let runtime = setup::runtime()?;
    let mut all_delivered = true;
    let mut answers = Vec::new();
    for address in addresses {
        let who = address.as_ref().map_or_else(|| name.to_owned(), |address| format!("{name} ({address})"));
        let outcome = runtime.block_on(receiver.send(&delivery(name, address.clone()), clock::now()));
        all_delivered &= matches!(outcome, Outcome::Delivered { .. });
        if format == Format::Text {
            output::say(&said(&who, &outcome));
        }
        answers.push(json!({ "receiver": name, "address": address, "result": outcome }));
    }
    if format == Format::Json {
        output::say_json(&answers)?;
    }
    if all_delivered { Ok(()) } else { Err(Failure::No) }
}

fn said(who: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { receipt, .. } => format!("{who} took the test message: {}", clean(receipt)),
        Outcome::Refused { permanent: true, reason, .. } => {
            format!("{who} refused the test message for good: {}", clean(reason))
        }
        Outcome::Refused { reason, .. } => format!("{who} did not take the test message now: {}", clean(reason)),
        Outcome::Unknown { reason } => {
            format!("{who} may have taken the test message, it did not say: {}", clean(reason))
        }
    }
}

fn delivery(receiver: &str, address: Option<String>) -> Delivery {
    let now = clock::now();
    let subject = OwnTrouble {
        what: format!("receiver {receiver}"),
        summary: "this is a test message from firstred: this receiver works".to_owned(),
        detail: None,
        advice: "Nothing to do.".to_owned(),
        since: now,
    };
    Delivery {
        id: 0,
        receiver: receiver.to_owned(),
        address,
        attempts: 0,
        created_at: now,
        post: None,
        notification: Notification {
            id: NotificationId::of_parts(&["test", receiver, &now.to_string()]),
            kind: Kind::Test,
            severity: Severity::Info,
            rule: None,
            runbook: None,
            decided_at: now,
            incident: None,
            owner: None,
            subject: Subject::Own(subject),
        },
    }
}
