//! `firstred incidents`: the problems that go on, or all that is known of one.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::timeline::Timeline;
use super::words::{ago, condition, count, list, moment, proof, time, withheld};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::config::Config;
use crate::daemon::key;
use crate::daemon::questions::{Found, Questions};
use crate::daemon::views::{IncidentStory, IncidentView};
use crate::engine::{Coming, State};
use crate::net::permit::{Issuer, LIFETIME, Permit};
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, id: Option<&str>, all: bool, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let now = clock::now();
    let questions = Questions::open(&config.ledger.path, &config.policy, now)?;
    match id {
        None => {
            let incidents = questions.incidents(all)?;
            if format == Format::Json {
                return output::say_json(&incidents);
            }
            if incidents.is_empty() {
                let nothing = ["no incident is open; --all lists those that are over", "there was no incident yet"];
                output::say(nothing[usize::from(all)]);
            }
            for incident in &incidents {
                output::say(&summary(incident, now));
            }
            Ok(())
        }
        Some(id) => match questions.incident(id)? {
            Found::One(incident) if format == Format::Json => output::say_json(&incident),
            Found::One(incident) => {
                output::say(&story(&incident, now));
                if let Some(link) = page(&config, &incident.incident, now) {
                    output::say(&format!("\n  its page, for seven days: {link}"));
                }
                Ok(())
            }
            Found::None => {
                let id = clean(id);
                Err(Failure::NoBecause(format!("no incident is called {id}; `firstred incidents --all` lists them")))
            }
            Found::Several(ids) => {
                let (id, ids) = (clean(id), ids.join(", "));
                Err(Failure::NoBecause(format!("more than one incident begins with {id}: {ids}; write more of its id")))
            }
        },
    }
}

/// The link to its page, where there are pages. Without the daemon's key there is none, and everything else was said.
fn page(config: &Config, incident: &IncidentView, now: Timestamp) -> Option<String> {
    let base = config.server.public_url.clone()?;
    let key = key::read(&config.ledger.path).ok().flatten()?;
    let permit = Permit {
        incident: incident.id.as_str().to_owned(),
        receiver: key::COMMAND_LINE.to_owned(),
        address: None,
        expires: now.checked_add(LIFETIME).ok()?,
    };
    Some(Issuer::new(base, key).link(&permit))
}

/// What it is, in one line.
pub(super) fn title(incident: &IncidentView) -> String {
    let workflow = clean(&incident.workflow);
    if let Some(provider) = &incident.provider {
        let many = count(u64::from(incident.workflows), "workflow", "workflows");
        return format!("{} fails {many} ({})", clean(provider), incident.class.as_str());
    }
    if let Some(expectation) = &incident.expectation {
        return format!("{workflow}: what `{}` expects did not happen", clean(expectation));
    }
    let parts = [Some(workflow.into_owned()), incident.step.as_deref().map(|step| clean(step).into_owned())];
    let code = incident.code.as_deref().map(|code| clean(code).into_owned());
    parts.into_iter().chain([code]).flatten().collect::<Vec<_>>().join(" / ")
}

/// An incident in a few lines.
pub(super) fn summary(incident: &IncidentView, now: Timestamp) -> String {
    let mut text = format!("{}  {}  {}", incident.id.as_str(), incident.severity.as_str(), title(incident));
    if !incident.workspace.is_empty() {
        let _ = write!(text, " in workspace {}", clean(&incident.workspace));
    }
    let _ = write!(text, "\n    since {} ({} ago)", time(incident.since), ago(incident.since, now));
    if incident.failures > 0 {
        let failures = count(u64::from(incident.failures), "failure", "failures");
        let runs = count(u64::from(incident.runs), "run", "runs");
        let _ = write!(text, "; {failures} of {runs}, the last {} ago", ago(incident.last_at, now));
    }
    if incident.reopened > 0 {
        let _ = write!(text, "; opened again {}", times(incident.reopened));
    }
    let known: Vec<String> =
        incident.receivers.iter().filter(|receiver| receiver.knows).map(|receiver| receiver.name.clone()).collect();
    if incident.state == State::Open {
        let _ = write!(text, "\n    {} {}", list(&known), if known.len() > 1 { "know" } else { "knows" });
    }
    if let Some(wanted) = incident.condition {
        let _ = write!(text, "\n    nobody knows: its rule speaks {}", condition(wanted));
    }
    for receiver in &incident.receivers {
        if let Some(why) = &receiver.withheld {
            let _ = write!(text, "; {} is not told now: {}", clean(&receiver.name), withheld(why, now));
        }
    }
    text.push_str(&ends(incident, now));
    text
}

/// Who takes care, how it ended, and what comes next.
pub(super) fn ends(incident: &IncidentView, now: Timestamp) -> String {
    let mut text = String::new();
    if let Some(end) = &incident.resolution {
        let _ = write!(text, "\n    over since {}: {}", time(end.at), proof(&end.proof, end.at));
        if end.not_again_count > 0 {
            let runs = count(u64::from(end.not_again_count), "failed run was", "failed runs were");
            let _ = write!(text, "; {runs} not run again");
        }
        return text;
    }
    match &incident.acknowledged {
        Some(known) => {
            let _ = write!(text, "\n    acknowledged by {}, {}", clean(&known.by), moment(known.at, now));
        }
        None if incident.escalated => text.push_str("\n    not acknowledged, escalated"),
        None if incident.state == State::Open => text.push_str("\n    not acknowledged"),
        None => {}
    }
    if let Some(next) = incident.next {
        let what = match next.what {
            Coming::Escalation => "it is escalated, unless somebody acknowledges, at",
            Coming::Update => "the newest counts are told at",
            Coming::Reminder => "a reminder at",
            Coming::Over => "if nothing fails, it is taken for over at",
            Coming::Forgotten => "if nothing fails, it is forgotten and nobody was told, at",
            Coming::Closed => "a failure is a new incident from",
        };
        let _ = write!(text, "\n    next: {what} {}", moment(next.at, now));
    }
    text
}

/// All that is known of one.
pub(super) fn story(story: &IncidentStory, now: Timestamp) -> String {
    let incident = &story.incident;
    let mut text = summary(incident, now);
    let by = incident.rule.as_ref().map_or("the defaults".to_owned(), |rule| format!("rule {}", clean(rule)));
    let group: Vec<String> =
        incident.group.iter().map(|(key, value)| format!("{} {}", clean(key), clean(value))).collect();
    let _ = write!(text, "\n    told by {by}; one problem by {}", group.join(", "));
    if let Some(owner) = &incident.owner {
        let _ = write!(text, "\n    owned by {}", clean(&owner.name));
    }
    if let Some(runbook) = &incident.runbook {
        let _ = write!(text, "\n    runbook {}", clean(runbook));
    }
    if let Some(error) = story.opening.as_ref().and_then(|card| card.cause.error()) {
        let _ = write!(text, "\n    first error: {}", clean(&error.message));
    }
    for member in &story.members {
        let failures = count(u64::from(member.failures), "failure", "failures");
        let _ = write!(text, "\n    member {}  {}: {failures}", member.id.as_str(), title(member));
    }
    for run in &story.failed_runs {
        let _ = write!(text, "\n    not run again: run {} of {}", clean(&run.id), clean(&run.workflow));
    }
    let mut timeline = Timeline::default();
    timeline.incident(&story.lines, None, &[]);
    timeline.deliveries(&story.deliveries, &story.notifications);
    text.push_str(&timeline.render());
    text
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}
