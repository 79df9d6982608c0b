//! `firstred explain`: the triage card of a run.

use std::path::Path;

use serde_json::json;

use super::runs::{Asked, asked};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::engine::{Kind, Notification, NotificationId, Severity, Subject};
use crate::receiver::render_text;
use crate::run::RunStatus;
use crate::triage::{Card, observe};

pub(super) fn run(config: &Path, argument: &str, format: Format) -> Result<(), Failure> {
    match asked(config, argument)? {
        Asked::Runs(runs) => {
            let classes = setup::config_if_there(config)?.map(|config| config.classes).unwrap_or_default();
            for run in runs {
                let status = run.status;
                let id = run.id.clone();
                print(observe("command line", run, &classes).card.as_deref(), &id, status, format)?;
            }
        }
        Asked::Stories(stories) => {
            for story in stories {
                print(story.card(), &story.key.run, story.known.status, format)?;
            }
        }
    }
    Ok(())
}

fn print(card: Option<&Card>, id: &str, status: RunStatus, format: Format) -> Result<(), Failure> {
    match (format, card) {
        (Format::Json, card) => output::say_json(&json!({ "run": id, "status": status, "card": card })),
        (Format::Text, None) => {
            let id = crate::triage::redact::clean(id);
            output::say(&format!("run {id} is {}: nothing failed, nothing to explain", status.as_str()));
            Ok(())
        }
        (Format::Text, Some(card)) => {
            output::say(&render_text(&as_notification(card), output::colour()));
            Ok(())
        }
    }
}

/// The card as a message would show it.
fn as_notification(card: &Card) -> Notification {
    Notification {
        id: NotificationId::of_parts(&["explain"]),
        kind: if card.retrying.is_some() { Kind::StillRetrying } else { Kind::Failed },
        severity: Severity::Error,
        rule: None,
        runbook: None,
        decided_at: clock::now(),
        subject: Subject::Run(Box::new(card.clone())),
    }
}
