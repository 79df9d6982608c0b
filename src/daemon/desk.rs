//! What people do in the channels, done on the ledger. Nobody sees or changes what was not told where they are: another workspace's
//! problem is as if it were not there.

use jiff::{SignedDuration, Timestamp};

use super::Bridge;
use super::questions::{Found, Questions};
use super::views::{IncidentStory, IncidentView};
use crate::clock;
use crate::engine::{Policy, State};
use crate::ledger::LedgerError;
use crate::receiver::{Action, Desk, Doing, Done, NotDone, Person, Problem};
use crate::server::ClerkError;

/// The most problems of one answer: what a person reads, and a message holds.
const MOST: usize = 15;
/// The longest silence that a channel may ask for; one that is meant for longer belongs into the configuration.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 90);

impl Desk for Bridge {
    fn act(&self, told: Vec<String>, action: Action, person: Person) -> Doing<'_> {
        Box::pin(async move {
            match action {
                Action::Acknowledge { incident } => self.take_care(told, incident, &person).await,
                Action::Silence { incident, length } => self.hush(told, incident, length, &person).await,
                Action::Why { incident } => {
                    let story = self.story(told, incident).await?;
                    let problem = problem(&story.incident);
                    Ok(Done::Why { problem, lines: super::why::lines(&story, clock::now()) })
                }
                Action::Incidents => self.open_here(told).await,
            }
        })
    }
}

impl Bridge {
    async fn take_care(&self, told: Vec<String>, incident: String, person: &Person) -> Result<Done, NotDone> {
        let story = self.story(told, incident).await?;
        if story.incident.resolution.is_some() {
            return Err(NotDone::Over);
        }
        let id = story.incident.id.as_str().to_owned();
        let done = self.acknowledge(id, person.on_record()).await.map_err(not_done)?;
        let mut problem = problem(&story.incident);
        problem.acknowledged = done["acknowledged"]["by"].as_str().map(str::to_owned).or(problem.acknowledged);
        Ok(Done::Acknowledged { problem, changed: done["changed"] == true })
    }

    async fn hush(
        &self,
        told: Vec<String>,
        incident: String,
        length: SignedDuration,
        person: &Person,
    ) -> Result<Done, NotDone> {
        if length > LONGEST {
            let why =
                "a silence from here lasts 90 days at most; a longer one belongs into the configuration".to_owned();
            return Err(NotDone::Refused(why));
        }
        let story = self.story(told, incident).await?;
        let until = clock::now().checked_add(length).map_err(|error| NotDone::Refused(error.to_string()))?;
        let id = story.incident.id.as_str().to_owned();
        let made = self.silence_incident(id, until, Some(person.on_record())).await.map_err(not_done)?;
        let until = made["until"].as_str().and_then(|until| until.parse::<Timestamp>().ok()).unwrap_or(until);
        let silence = made["id"].as_str().unwrap_or_default().to_owned();
        Ok(Done::Silenced { problem: problem(&story.incident), until, silence })
    }

    async fn open_here(&self, told: Vec<String>) -> Result<Done, NotDone> {
        let here = self.look_up(move |questions| Ok(open(questions, &told))).await.map_err(not_done)?;
        let here = here.map_err(|error| unavailable(&error))?;
        let more = here.len().saturating_sub(MOST);
        // The newest come last.
        let problems = here.iter().rev().take(MOST).map(problem).collect();
        Ok(Done::Incidents { problems, more })
    }

    /// The one problem whose id begins so, of those that were told there.
    async fn story(&self, told: Vec<String>, id: String) -> Result<IncidentStory, NotDone> {
        let found = self.look_up(move |questions| Ok(find(questions, &told, &id))).await;
        found.map_err(not_done)?
    }
}

fn open(questions: &Questions<'_>, told: &[String]) -> Result<Vec<IncidentView>, LedgerError> {
    let mut open = questions.incidents(false)?;
    open.retain(|incident| {
        let heard = |name: &String| {
            may_see(questions.policy(), name, &incident.workspace)
                && incident.receivers.iter().any(|receiver| receiver.name == *name && receiver.last_at.is_some())
        };
        incident.state == State::Open && told.iter().any(heard)
    });
    Ok(open)
}

fn find(questions: &Questions<'_>, told: &[String], id: &str) -> Result<IncidentStory, NotDone> {
    let look = |id: &str| questions.incident(id).map_err(|error| unavailable(&error));
    let names = match look(id)? {
        Found::None => Vec::new(),
        Found::One(story) => vec![story],
        Found::Several(ids) => {
            let mut stories = Vec::new();
            for id in ids {
                if let Found::One(story) = look(&id)? {
                    stories.push(story);
                }
            }
            stories
        }
    };
    let mut here = names.into_iter().filter(|story| was_told(questions.policy(), story, told));
    match (here.next(), here.next()) {
        (Some(story), None) => Ok(*story),
        (None, _) => Err(NotDone::Unknown(id.to_owned())),
        (Some(_), Some(_)) => Err(NotDone::Several(id.to_owned())),
    }
}

/// Whether one of these receivers was told of it, by itself or in a summary, or was to be; and may see its workspace, still.
fn was_told(policy: &Policy, story: &IncidentStory, told: &[String]) -> bool {
    told.iter().any(|name| {
        may_see(policy, name, &story.incident.workspace)
            && (story.deliveries.iter().any(|delivery| delivery.receiver == *name)
                || story.incident.receivers.iter().any(|receiver| receiver.name == *name && receiver.last_at.is_some()))
    })
}

fn may_see(policy: &Policy, receiver: &str, workspace: &str) -> bool {
    policy.receivers.get(receiver).is_some_and(|audience| audience.may_see(workspace))
}

fn problem(incident: &IncidentView) -> Problem {
    let of_workflow = [Some(incident.workflow.as_str()), incident.step.as_deref(), incident.code.as_deref()];
    let of_service = [incident.provider.as_deref(), None, None];
    let parts = if incident.provider.is_some() { of_service } else { of_workflow };
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
    Problem {
        id: incident.id.as_str().to_owned(),
        title: parts.join(" / "),
        since: incident.since,
        last_at: incident.last_at,
        failures: incident.failures,
        runs: incident.runs,
        acknowledged: incident.acknowledged.as_ref().map(|known| known.by.clone()),
        over: incident.resolution.is_some(),
    }
}

fn unavailable(error: &LedgerError) -> NotDone {
    tracing::warn!(%error, "the ledger does not say what people ask");
    NotDone::Later
}

fn not_done(error: ClerkError) -> NotDone {
    match error {
        ClerkError::NotFound(_) | ClerkError::NotYours => NotDone::Over,
        ClerkError::Refused(why) => NotDone::Refused(why),
        ClerkError::Full | ClerkError::Unavailable(_) => {
            tracing::warn!(?error, "what people ask could not be done");
            NotDone::Later
        }
    }
}
