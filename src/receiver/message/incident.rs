//! How an incident stands while it is open: how much has failed, what is new, that nobody looks. It knows no channel, and not how
//! one ends.

use jiff::Timestamp;

use super::headline::fitting;
use super::line::{Line, short};
use super::text::counted;
use super::topic::Topic;
use super::{missed, named, text, when};
use crate::engine::{IncidentNote, Kind, Notification, ProviderNote};
use crate::triage::{Card, Class};

/// What is said of an open incident.
pub(super) struct Told {
    pub(super) title: String,
    pub(super) headline: String,
    pub(super) lead: Vec<Line>,
}

/// `14 runs failed since 02:07 UTC, last 02:31 UTC`
pub(super) fn counts(note: &IncidentNote, now: Timestamp) -> Option<Line> {
    let last = note.last_failed_at.filter(|_| note.failures > 0)?;
    let line = Line::default().strong(format!("{} failed", how_many(note)));
    if note.failures == 1 {
        return Some(line.text(" at ").time(last, now));
    }
    Some(line.text(" since ").time(note.opened_at, now).text(", last ").time(last, now))
}

/// `14 runs`, `15 attempts of 14 runs`, `14 runs of 3 workflows`
pub(super) fn how_many(note: &IncidentNote) -> String {
    let runs = counted(note.runs, "run", "runs");
    let runs = if note.failures > note.runs {
        format!("{} of {runs}", counted(note.failures, "attempt", "attempts"))
    } else {
        runs
    };
    if note.workflows > 1 { format!("{runs} of {}", counted(note.workflows, "workflow", "workflows")) } else { runs }
}

/// What the message that opens an incident says beyond its card.
pub(super) fn lead_of_opening(note: &IncidentNote, now: Timestamp) -> Vec<Line> {
    if note.failures > 1 { counts(note, now).into_iter().collect() } else { Vec::new() }
}

/// What is said of an incident that was told before.
pub(super) fn told(notification: &Notification, note: &IncidentNote, card: &Card, topic: &Topic) -> Told {
    let (now, name) = (notification.decided_at, &topic.name);
    let age = when::rough(now.duration_since(note.opened_at));
    let (counts, nobody) = (counts(note, now), nobody(note, now));
    let failed = if note.failures > 0 { format!(", {} failed", how_many(note)) } else { String::new() };
    let last = note.last_failed_at.map(|last| format!(", last {}", when::soon(last, now))).unwrap_or_default();
    let (what, code) = (topic.what(), topic.code());
    // What goes on where no run has failed: "has not succeeded for 26 h".
    let missing = card.missed.as_ref().map(|missed| format!("{name} {}", missed::words(missed, now).now));
    let (title, headlines, lead) = match (notification.kind, missing) {
        (Kind::Updated, None) => {
            let more = match note.more {
                0 => "more of it".to_owned(),
                more => counted(more, "more failure", "more failures"),
            };
            let title = format!("{name}: {more}");
            let place = topic.place();
            let since = format!(" since {}", when::soon(note.opened_at, now));
            let headlines = vec![
                format!("{title}{place}{failed}{since}{last}"),
                format!("{title}{place}{failed}"),
                format!("{title}{code}"),
            ];
            (title, headlines, vec![counts])
        }
        (Kind::Reopened, missing) => {
            let over = note.resolution.as_ref().map(|resolution| resolution.at).filter(|over| *over <= now);
            let since = match over {
                Some(over) => format!("{} after it was over", when::rough(now.duration_since(over))),
                None => "soon after it was over".to_owned(),
            };
            let again = if missing.is_some() || topic.is_provider { "is back" } else { "failed again" };
            let title = format!("{name} {again} {since}");
            let headlines = vec![format!("{title}{what}"), format!("{title}{code}"), format!("{name} {again}{code}")];
            let times = (note.reopened > 1)
                .then(|| Line::default().text(format!("It was opened again {} times.", note.reopened)));
            (title, headlines, vec![missing.map(|missing| Line::default().text(format!("{missing}."))), counts, times])
        }
        (Kind::Escalated, missing) => {
            let title = match missing {
                Some(missing) => format!("{missing}, nobody acknowledged for {age}"),
                None => format!("{name}: nobody acknowledged for {age}"),
            };
            let headlines = vec![format!("{title}{what}{failed}"), format!("{title}{what}"), format!("{title}{code}")];
            (title, headlines, vec![counts])
        }
        (Kind::Acknowledged, _) => {
            let by = note.acknowledged.as_ref().map(|by| format!(" by {}", short(&by.by))).unwrap_or_default();
            let title = format!("{name} was acknowledged{by}");
            let headlines = vec![format!("{title}{what}{failed}"), format!("{title}{what}"), format!("{title}{code}")];
            (title, headlines, vec![counts])
        }
        (_, missing) => {
            let title = missing.unwrap_or_else(|| format!("{name} is still open after {age}"));
            let by = nobody.plain();
            let headlines = vec![
                format!("{title}{what}{failed}{last}, {by}"),
                format!("{title}{what}{failed}, {by}"),
                format!("{title}{what}, {by}"),
                format!("{title}{code}"),
            ];
            let counts = match counts {
                Some(counts) => counts.text(", ").then(nobody),
                None => nobody,
            };
            (title, headlines, vec![Some(counts)])
        }
    };
    let emoji = super::state::emoji(notification);
    let headlines = headlines.into_iter().map(|line| format!("{emoji} {line}")).collect();
    Told { title, headline: fitting(headlines), lead: lead.into_iter().flatten().collect() }
}

/// `nobody acknowledged`, or who did.
pub(super) fn nobody(note: &IncidentNote, now: Timestamp) -> Line {
    match &note.acknowledged {
        Some(by) => Line::default().text("acknowledged by ").strong(short(&by.by)).text(" ").time(by.at, now),
        None => Line::default().strong("nobody acknowledged"),
    }
}

/// `api.example.com answers 503 in 14 workflows`
pub(super) fn provider_fails(provider: &ProviderNote, note: &IncidentNote) -> String {
    let name = text::middle_cut(&named(&provider.provider), 60);
    let listed = u32::try_from(provider.members.len()).unwrap_or(u32::MAX).saturating_add(provider.more_members);
    let workflows = counted(note.workflows.max(listed), "workflow", "workflows");
    match (provider.status, provider.class) {
        (Some(status), _) => format!("{name} answers {status} in {workflows}"),
        (None, Class::Authorization) => format!("{name} refuses access in {workflows}"),
        (None, _) => format!("{name} fails {workflows}"),
    }
}
