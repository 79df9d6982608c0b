//! What is said of a run and of the incident that it belongs to: the card, and what the incident adds to it or puts in its place. It
//! knows no channel.

use jiff::Timestamp;

use super::facts::{self, Fact, Value};
use super::headline::{self, fitting};
use super::incident::{self, lead_of_opening, provider_fails, told};
use super::line::{Line, short};
use super::list::members;
use super::resolution::over;
use super::topic::Topic;
use super::{
    Budget, Message, Place, code, filled, footer, link, missed, named, novelty, state, text, verdict, withheld,
};
use crate::engine::{IncidentNote, Kind, Notification};
use crate::triage::{Card, Cause, Class, Missed};

/// What is said of a run.
pub(super) fn message(notification: &Notification, card: &Card, budget: Budget) -> Message {
    let mut message = match &card.missed {
        Some(missed) => of_missed(notification, card, missed),
        None => of_failure(notification, card, budget),
    };
    message.context = context(notification);
    let Some(note) = notification.incident.as_deref() else {
        return message;
    };
    let topic = Topic::of(notification, note, card);
    message.subject = text::end_cut(&topic.subject(card), headline::SUBJECT);
    let is_opening = matches!(
        notification.kind,
        Kind::Failed | Kind::StillRetrying | Kind::Vanished | Kind::Test | Kind::Missed | Kind::ProviderTrouble
    );
    if topic.is_provider {
        of_provider(&mut message, notification.decided_at, note, card, budget);
    } else if is_opening && card.missed.is_none() {
        message.lead = lead_of_opening(note, notification.decided_at);
    }
    if notification.kind == Kind::Resolved {
        resolve(&mut message, notification, note, card, &topic, budget);
    } else if !is_opening {
        retell(&mut message, notification, note, card, &topic);
    }
    message
}

/// The card of a run that failed or is being tried again.
fn of_failure(notification: &Notification, card: &Card, budget: Budget) -> Message {
    let now = notification.decided_at;
    let happened = match notification.kind {
        Kind::StillRetrying => "is still retrying",
        Kind::Vanished => "vanished while it was retrying",
        Kind::Test => "failed (this is a test)",
        Kind::Resolved => "recovered",
        _ => "failed",
    };
    let error = card.cause.error();
    let workflow = named(card.run.workflow.title());
    let (headline, subject) = headline::of_run(notification.kind, card, now);
    let place = match &card.cause {
        Cause::Step { title, .. } => Some(Place {
            before: " at step ",
            step: text::middle_cut(&named(title), 100),
            position: facts::position(card),
            over: false,
        }),
        Cause::Run { .. } | Cause::Nothing => None,
    };
    let instead = match &card.cause {
        Cause::Run { before_any_step: true, .. } => Some("before any step ran"),
        Cause::Nothing => Some("no failing step recorded"),
        Cause::Step { .. } | Cause::Run { .. } => None,
    };
    Message {
        headline,
        subject,
        title: text::end_cut(&format!("{} {happened}", text::middle_cut(&workflow, 160)), 200),
        place,
        instead,
        code: error.and_then(code),
        status: error.and_then(|error| error.provider_status),
        verdict: verdict::of(card, now),
        class: verdict::class(card),
        said: error.map(|error| text::long_cut(&text::block(&error.message), budget.message)).filter(filled),
        detail: detail(card, budget),
        facts: facts::of_run(card, now),
        progress: facts::progress(card),
        ..common(notification, card)
    }
}

/// The card of what did not happen.
fn of_missed(notification: &Notification, card: &Card, missed: &Missed) -> Message {
    let now = notification.decided_at;
    let words = missed::words(missed, now);
    let name = named(card.run.workflow.title());
    let (long, brief) = (text::middle_cut(&name, 100), text::middle_cut(&name, 48));
    let (emoji, ..) = state::of(notification);
    Message {
        headline: fitting(vec![format!("{emoji} {brief} {}", words.now)]),
        subject: text::end_cut(&format!("{brief} {}", words.constant), headline::SUBJECT),
        title: text::end_cut(&format!("{long} {}", words.now), 200),
        lead: vec![words.expected],
        class: verdict::class(card),
        facts: facts::of_run(card, now),
        ..common(notification, card)
    }
}

/// What a card says in any case.
fn common(notification: &Notification, card: &Card) -> Message {
    let mut message = Message::empty(notification);
    let step = match &card.cause {
        Cause::Step { url, .. } => url.as_deref(),
        Cause::Run { .. } | Cause::Nothing => None,
    };
    let urls = [("Open run", card.run.url.as_deref()), ("Open step", step)];
    let links = urls.into_iter().filter_map(|(label, url)| Some((label, link::checked(url?)?)));
    message.links = links.chain(message.links).collect();
    message.advice = Some(text::end_cut(&text::line(&card.advice), 300)).filter(filled);
    message.footer = footer(notification, &card.source);
    message
}

/// A service fails several workflows: the card is one of many.
fn of_provider(message: &mut Message, now: Timestamp, note: &IncidentNote, card: &Card, budget: Budget) {
    let Some(provider) = &note.provider else { return };
    let name = short(&provider.provider);
    let title = provider_fails(provider, note);
    let since = Line::default().text(" since ").time(note.opened_at, now);
    message.headline =
        fitting(vec![format!("{} {title}{}", message.emoji, since.plain()), format!("{} {title}", message.emoji)]);
    message.title = title;
    (message.place, message.instead, message.code, message.detail, message.progress) = (None, None, None, None, None);
    message.status = provider.status;
    message.verdict = message.verdict.take().filter(|_| card.class == provider.class);
    message.class = Some(provider.class.as_str().to_owned()).filter(|_| provider.class != Class::Unknown);
    message.lead = incident::counts(note, now).into_iter().collect();
    message.list = members(provider, budget);
    message.advice = Some(match provider.class {
        Class::Authorization => format!("Renew the access to {name}, then run again what failed."),
        Class::Transient => format!("Wait until {name} recovers, then run again what failed."),
        _ => format!("Find out what changed at {name}: several workflows fail by it."),
    });
    message.facts.retain(|fact| matches!(fact.label, "Environment" | "Workspace"));
    message.facts.insert(0, Fact { label: "Since", value: Value::Time(note.opened_at) });
    for (label, _) in &mut message.links {
        if *label == "Open run" {
            *label = "Open a failed run";
        }
    }
    message.links.retain(|(label, _)| *label != "Open step");
}

/// An incident that was told before: what is new comes first, and the card is shorter.
fn retell(message: &mut Message, notification: &Notification, note: &IncidentNote, card: &Card, topic: &Topic) {
    let told = told(notification, note, card, topic);
    (message.headline, message.title) = (told.headline, told.title);
    message.lead = told
        .lead
        .into_iter()
        .chain(std::mem::take(&mut message.lead).into_iter().filter(|_| card.missed.is_some()))
        .collect();
    message.detail = None;
    message.progress = None;
    if let Some(place) = &mut message.place {
        (place.before, place.position) = match notification.kind {
            Kind::Reopened => (", at step ", place.position.take()),
            Kind::Updated => (" at step ", None),
            _ => (", failed at step ", None),
        };
    }
    brief(&mut message.facts);
    if let Some(url) = note.last_run.as_ref().and_then(|run| run.url.as_deref()).and_then(link::checked)
        && message.links.first().is_none_or(|(_, first)| *first != url)
    {
        message.links.retain(|(label, _)| *label == "Runbook");
        message.links.insert(0, ("Open last run", url));
    }
    if let Some(run) = note.last_run.as_ref().filter(|run| run.id != card.run.id) {
        message.facts.retain(|fact| fact.label != "Run");
        let id = text::end_cut(&text::line(text::head(&run.id, 1_000)), 80);
        message.facts.extend(Some(id).filter(filled).map(|id| Fact { label: "Last run", value: Value::Id(id) }));
    }
}

/// An incident that is over: what proves it, and what is left to do.
fn resolve(
    message: &mut Message,
    notification: &Notification,
    note: &IncidentNote,
    card: &Card,
    topic: &Topic,
    budget: Budget,
) {
    let over = over(note, card, topic, notification.decided_at, budget);
    (message.headline, message.title, message.lead) = (over.headline, over.title, over.lead);
    (message.list, message.advice) = (over.list, over.advice);
    // Whether a retry would have helped is no question any more.
    (message.verdict, message.class, message.said, message.detail, message.progress) = (None, None, None, None, None);
    message.instead = None;
    if let Some(place) = &mut message.place {
        *place = Place { before: "failed at step ", position: None, over: true, step: std::mem::take(&mut place.step) };
    }
    brief(&mut message.facts);
    for fact in &mut message.facts {
        if fact.label == "Run" && card.missed.is_none() {
            fact.label = "Failed run";
        }
    }
    let proof = over.url.as_deref().and_then(link::checked);
    let failed = card.run.url.as_deref().and_then(link::checked).filter(|url| proof.as_ref() != Some(url));
    let label = if card.missed.is_some() { "Open run" } else { "Open failed run" };
    let failed = failed.filter(|_| !topic.is_provider).map(|url| (label, url));
    message.links = proof.map(|url| ("Open run", url)).into_iter().chain(failed).collect();
}

/// The facts that still matter once the first message was read.
fn brief(facts: &mut Vec<Fact>) {
    facts.retain(|fact| matches!(fact.label, "Since" | "Environment" | "Workspace" | "Run"));
}

/// What helps to judge it: what is new, why it comes late, whose it is.
fn context(notification: &Notification) -> Vec<Line> {
    let now = notification.decided_at;
    let note = notification.incident.as_deref();
    let opens = matches!(notification.kind, Kind::Failed | Kind::StillRetrying | Kind::Vanished);
    let novelty = note.filter(|_| opens).and_then(|note| novelty::line(&note.novelty, now));
    let late = note.and_then(|note| note.withheld.as_ref()).map(|withheld| withheld::line(withheld, now));
    let owner = notification.owner.as_ref().map(|owner| {
        let line = Line::default().text("owner ").strong(short(&owner.name));
        match &owner.mention {
            Some(raw) if state::calls(notification.kind) => line.mention(raw),
            _ => line,
        }
    });
    [novelty, late, owner].into_iter().flatten().collect()
}

/// The detail, followed by the run's own error where that says something else.
fn detail(card: &Card, budget: Budget) -> Option<String> {
    let own = card.cause.error().and_then(|error| error.detail.as_deref()).unwrap_or_default();
    let mut detail = text::block(own);
    if let Cause::Step { error: Some(_), run_error: Some(run), .. } = &card.cause {
        let says = text::block(&[run.code.as_str(), run.message.as_str()].join(": "));
        let gap = if detail.is_empty() { "" } else { "\n\n" };
        detail = format!("{detail}{gap}The run says: {}", text::long_cut(&says, 400));
    }
    Some(text::middle_long_cut(&detail, budget.detail)).filter(filled)
}

/// When the failure happened, as far as the engine says.
pub(super) fn failed_at(card: &Card) -> Option<Timestamp> {
    match &card.cause {
        Cause::Step { failed_at: Some(at), .. } => Some(*at),
        _ => card.run.completed_at,
    }
}
