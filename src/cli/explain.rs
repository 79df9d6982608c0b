//! `firstred explain`: the triage card of a run.

use std::path::Path;

use serde_json::{Value, json};

use super::runs::{Asked, asked};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::engine::{Kind, Notification, NotificationId, Severity, Subject};
use crate::receiver::render_text;
use crate::run::{Run, RunStatus};
use crate::triage::{Card, observe};

pub(super) fn run(config: &Path, argument: &str, format: Format) -> Result<(), Failure> {
    let explained: Vec<Explained> = match asked(config, argument)? {
        Asked::Runs(runs) => {
            let classes = setup::config_if_there(config)?.map(|config| config.classes).unwrap_or_default();
            let explain = |run: Run| {
                let (id, status) = (run.id.clone(), run.status);
                Explained { id, status, card: observe("command line", run, &classes).card.map(|card| *card) }
            };
            runs.into_iter().map(explain).collect()
        }
        Asked::Stories(stories) => stories
            .iter()
            .map(|story| Explained {
                id: story.key.run.clone(),
                status: story.known.status,
                card: story.card().cloned(),
            })
            .collect(),
    };
    match format {
        Format::Text => explained.iter().for_each(|explained| output::say(&explained.text())),
        // One value, whatever was asked: one run is one object, several are a list.
        Format::Json => match explained.as_slice() {
            [one] => output::say_json(&one.json())?,
            several => output::say_json(&several.iter().map(Explained::json).collect::<Vec<_>>())?,
        },
    }
    Ok(())
}

/// A run and its card, where something failed.
struct Explained {
    id: String,
    status: RunStatus,
    card: Option<Card>,
}

impl Explained {
    fn json(&self) -> Value {
        json!({ "run": self.id, "status": self.status, "card": self.card })
    }

    fn text(&self) -> String {
        if let Some(card) = &self.card {
            return render_text(&as_notification(card), output::colour());
        }
        let id = crate::triage::redact::clean(&self.id);
        format!("run {id} is {}: nothing failed, nothing to explain", self.status.as_str())
    }
}

/// The card as a message would show it.
pub(super) fn as_notification(card: &Card) -> Notification {
    Notification {
        id: NotificationId::of_parts(&["explain"]),
        kind: if card.retrying.is_some() { Kind::StillRetrying } else { Kind::Failed },
        severity: Severity::Error,
        rule: None,
        runbook: None,
        decided_at: clock::now(),
        incident: None,
        owner: None,
        subject: Subject::Run(Box::new(card.clone())),
    }
}
