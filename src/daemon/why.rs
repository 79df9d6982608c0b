//! Why a problem was told and what is known of it, in a few labelled lines for people in a channel. Pure: it formats what is on record.

use jiff::Timestamp;

use super::views::IncidentStory;
use crate::engine::Coming;
use crate::run::StepError;

/// The labels and their texts, the most telling first.
pub(super) fn lines(story: &IncidentStory, now: Timestamp) -> Vec<(&'static str, String)> {
    let incident = &story.incident;
    let mut lines = Vec::new();
    let mut say = |label, text: String| {
        if !text.trim().is_empty() {
            lines.push((label, text));
        }
    };
    let rule = incident.rule.as_deref().map_or("the defaults".to_owned(), |rule| format!("rule \"{rule}\""));
    say("Told by", format!("{rule}, severity {}", incident.severity.as_str()));
    let group: Vec<String> = incident.group.iter().map(|(key, value)| format!("{key} {value}")).collect();
    say("One problem by", group.join(", "));
    say(
        "So far",
        format!(
            "{} failed attempts of {} runs since {}, last {}",
            incident.failures,
            incident.runs,
            time(incident.since),
            time(incident.last_at)
        ),
    );
    if let Some(card) = &story.opening {
        say("Class", format!("{}; {}", card.class.as_str(), card.advice));
        if let Some(StepError { message, .. }) = card.cause.error() {
            say("First error", message.clone());
        }
    }
    if let Some(known) = &incident.acknowledged {
        say("Acknowledged", format!("by {} at {}", known.by, time(known.at)));
    }
    if let Some(over) = &incident.resolution {
        say("Over since", time(over.at));
    }
    if let Some(owner) = &incident.owner {
        say("Owner", owner.name.clone());
    }
    if let Some(next) = incident.next.filter(|next| next.at > now) {
        let what = match next.what {
            Coming::Escalation => "escalated, unless somebody acknowledges,",
            Coming::Update => "the newest counts are told",
            Coming::Reminder => "a reminder",
            Coming::Over => "if nothing fails, it is taken for over",
            Coming::Forgotten => "if nothing fails, it is forgotten",
            Coming::Closed => "a failure is a new incident from then on,",
        };
        say("Next", format!("{what} at {}", time(next.at)));
    }
    say("More", format!("firstred incidents {}", incident.id.as_str()));
    lines
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
