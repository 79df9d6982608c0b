//! `firstred test-receiver`: one message through one receiver, now, past the ledger.

use std::path::Path;

use super::{Failure, Format, output, setup};
use crate::clock;
use crate::engine::{Delivery, Kind, Notification, NotificationId, Outcome, OwnTrouble, Severity, Subject};
use crate::receiver::Receiver;

pub(super) fn run(config: &Path, name: &str, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let Some(settings) = config.receivers.get(name) else {
        let known: Vec<&str> = config.receivers.keys().map(String::as_str).collect();
        return Err(Failure::CouldNotAsk(format!("there is no receiver `{name}`; there is: {}", known.join(", "))));
    };
    let receiver = Receiver::build(name, settings, config.server.public_url.as_ref())?;
    let outcome = setup::runtime()?.block_on(receiver.send(&delivery(name), clock::now()));
    let delivered = matches!(outcome, Outcome::Delivered { .. });
    match format {
        Format::Json => output::say_json(&outcome)?,
        Format::Text => output::say(&match &outcome {
            Outcome::Delivered { receipt, .. } => format!("{name} took the test message: {receipt}"),
            Outcome::Refused { permanent: true, reason, .. } => format!("{name} refused the test message for good: {reason}"),
            Outcome::Refused { reason, .. } => format!("{name} could not be reached or asks to wait: {reason}"),
            Outcome::Unknown { reason } => format!("{name} may have taken the test message, it did not say: {reason}"),
        }),
    }
    if delivered { Ok(()) } else { Err(Failure::No) }
}

fn delivery(receiver: &str) -> Delivery {
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
        attempts: 0,
        created_at: now,
        notification: Notification {
            id: NotificationId::of_parts(&["test", receiver, &now.to_string()]),
            kind: Kind::Test,
            severity: Severity::Info,
            rule: None,
            runbook: None,
            decided_at: now,
            subject: Subject::Own(subject),
        },
    }
}
