//! The page of an incident, filled in: how it stands now in the words of the messages, and its story in the words of the commands. Pure;
//! it must not know HTML, nor how anything is decided.

use jiff::{SignedDuration, Timestamp};

use super::timeline::Timeline;
use super::views::{IncidentStory, SilenceView};
use super::words::moment;
use crate::engine::{Incident, Kind, Notification, RunRef, State, picture};
use crate::receiver::{Budget, Line, List, Message, Span, Tone, plain};
use crate::server::{Piece, Sheet, SheetList, SheetTone, Words};
use crate::triage::redact::clean;

/// A page has room for more than a message.
const ROOM: Budget = Budget { message: 4_000, detail: 8_000, items: 20 };
/// The most failed runs that are listed.
const MOST_RUNS: usize = 20;

/// The page of `incident`, as it stands now. `members`: those that it stands for.
pub(super) fn sheet(
    now: Timestamp,
    incident: &Incident,
    members: &[&Incident],
    story: &IncidentStory,
    silences: &[SilenceView],
) -> Sheet {
    let mut sheet = match picture(now, incident, members) {
        Some(now) => standing(&now),
        None => Sheet { title: incident.id.as_str().to_owned(), ..Sheet::default() },
    };
    let is_over = incident.resolution.is_some();
    incident.id.as_str().clone_into(&mut sheet.id);
    if !is_over {
        state(&mut sheet, incident, now);
    }
    let silence = silence(incident, silences);
    if let Some(silence) = silence {
        let by = silence.by.as_ref().map(|by| format!(" by {}", clean(by))).unwrap_or_default();
        sheet.standing.push(format!("Silenced{by} until {}.", moment(silence.until, now)));
    }
    sheet.may_acknowledge = !is_over && incident.acknowledged.is_none();
    let day = now.checked_add(SignedDuration::from_hours(23)).unwrap_or(now);
    sheet.may_silence = !is_over && silence.is_none_or(|silence| silence.until < day);
    if !is_over {
        // Of one that is over, the message lists what is left to do.
        sheet.lists.extend(failed_runs(story));
    }
    let mut timeline = Timeline::default();
    timeline.incident(&story.lines, None, &[]);
    timeline.deliveries(&story.deliveries, &story.notifications);
    (sheet.story, sheet.ahead) = timeline.entries();
    sheet
}

/// What a message would say of it now; of one that is over, what had failed as well.
fn standing(now: &Notification) -> Sheet {
    let message = Message::new(now, ROOM);
    let mut sheet = of_message(&message);
    if now.kind == Kind::Resolved {
        let failed = Message::new(&Notification { kind: Kind::Failed, ..now.clone() }, ROOM);
        (sheet.said, sheet.detail) = (failed.said, failed.detail);
    }
    sheet
}

fn of_message(message: &Message) -> Sheet {
    let error = [
        message.code.as_ref().map(|code| vec![Piece::Code(code.clone())]),
        message.status.map(|status| vec![Piece::Text(format!("HTTP {status}"))]),
        message
            .verdict
            .as_ref()
            .map(|verdict| vec![Piece::Strong(verdict.word.to_owned()), Piece::Text(format!(": {}", verdict.meaning))]),
        message.class.as_ref().map(|class| vec![Piece::Text(class.clone())]),
    ];
    let facts = message.facts.iter().map(plain::row).map(|(label, text)| (label.to_owned(), text));
    let progress = message.progress.iter().map(|progress| ("Progress".to_owned(), progress.clone()));
    Sheet {
        tone: match message.tone {
            Tone::Bad => SheetTone::Bad,
            Tone::Warn | Tone::Known => SheetTone::Warn,
            Tone::Good => SheetTone::Good,
            Tone::Note => SheetTone::Note,
        },
        state: message.state.to_owned(),
        title: message.title.clone(),
        place: place(message),
        lead: message.lead.iter().map(sentence).collect(),
        error: error.into_iter().flatten().collect(),
        said: message.said.clone(),
        detail: message.detail.clone(),
        advice: message.advice.clone(),
        links: message.links.iter().map(|(label, url)| ((*label).to_owned(), url.clone())).collect(),
        lists: message.list.iter().map(list).collect(),
        context: message.context.iter().map(sentence).collect(),
        facts: facts.chain(progress).collect(),
        footer: message.footer.clone(),
        ..Sheet::default()
    }
}

/// Who takes care of an incident that goes on.
fn state(sheet: &mut Sheet, incident: &Incident, now: Timestamp) {
    match (&incident.acknowledged, incident.state) {
        (Some(known), _) => {
            sheet.state = format!("{}, ACKNOWLEDGED", sheet.state);
            sheet.tone = SheetTone::Warn;
            sheet.standing.push(format!("Acknowledged by {}, {}.", clean(&known.by), moment(known.at, now)));
        }
        (None, State::Gathering) => sheet.standing.push("Not enough has failed yet for its rule to speak.".to_owned()),
        (None, _) if incident.escalated => {
            sheet.standing.push("Nobody acknowledged it, so it was escalated.".to_owned());
        }
        (None, _) => sheet.standing.push("Nobody has acknowledged it yet.".to_owned()),
    }
}

/// The silence that was made for it, the one that ends last.
fn silence<'a>(incident: &Incident, silences: &'a [SilenceView]) -> Option<&'a SilenceView> {
    let matcher = incident.matcher();
    silences.iter().filter(|silence| silence.on && silence.when == matcher).max_by_key(|silence| silence.until)
}

/// The failed runs that were not run again, the newest first.
fn failed_runs(story: &IncidentStory) -> Option<SheetList> {
    let runs = &story.failed_runs;
    if runs.is_empty() {
        return None;
    }
    let items: Vec<Words> = runs.iter().rev().take(MOST_RUNS).map(run).collect();
    let left = usize::try_from(story.incident.not_again).unwrap_or(usize::MAX).saturating_sub(items.len());
    let more = (left > 0).then(|| format!("and {left} more"));
    Some(SheetList { title: "Failed runs that were not run again".to_owned(), items, more })
}

fn run(run: &RunRef) -> Words {
    let line = Line::default().link(&run.id, run.url.as_deref()).text(" of ").code(&run.workflow);
    pieces(&line.text(format!("  {}", run.at.strftime("%Y-%m-%d %H:%M UTC"))))
}

fn place(message: &Message) -> Option<Words> {
    let Some(place) = &message.place else {
        return message.instead.map(|instead| vec![Piece::Text(instead.to_owned())]);
    };
    let before = Piece::Text(place.before.trim_start_matches([',', ' ']).to_owned());
    let position = place.position.iter().map(|position| Piece::Text(format!(" ({position})")));
    let step = if place.over { Piece::Struck(place.step.clone()) } else { Piece::Code(place.step.clone()) };
    Some([before, step].into_iter().chain(position).collect())
}

fn list(list: &List) -> SheetList {
    SheetList { title: list.title.clone(), items: list.items.iter().map(pieces).collect(), more: list.more.clone() }
}

/// A sentence with a capital letter at its start, where that is a word of ours.
fn sentence(line: &Line) -> Words {
    let mut words = pieces(line);
    if let Some(Piece::Text(first) | Piece::Strong(first)) = words.first_mut() {
        *first = plain::capital(first);
    }
    words
}

fn pieces(line: &Line) -> Words {
    line.0
        .iter()
        .filter_map(|span| match span {
            Span::Text(text) | Span::Time(_, text) => Some(Piece::Text(text.clone())),
            Span::Strong(text) => Some(Piece::Strong(text.clone())),
            Span::Code(text) => Some(Piece::Code(text.clone())),
            Span::Link(text, url) => Some(Piece::Link(text.clone(), url.clone())),
            // A page calls nobody.
            Span::Mention(_) => None,
        })
        .collect()
}
