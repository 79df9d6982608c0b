//! The ledger as the API sees it: what is asked becomes a question to the ledger, and the answer is the JSON that the commands print.
//! What changes something goes to the ledger's writer, like everything else that does.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::questions::{Found, Questions};
use super::views::SilenceView;
use super::{Bridge, key};
use crate::clock;
use crate::engine::{CommandError, Made, Policy, Silence};
use crate::ledger::{self, LedgerError, NotDone};
use crate::net::permit::Permit;
use crate::server::{Answering, Asked, Clerk, ClerkError, Drawing, NewSilence};

/// Questions that are looked up at once: each has a connection and an answer in memory.
pub(super) const AT_ONCE: usize = 2;
/// How many names are tried for a silence before the clock is blamed.
const TRIES: u32 = 8;
/// Two silences for one problem that end less apart than this are the same wish.
const IMPATIENCE: SignedDuration = SignedDuration::from_mins(5);

impl Clerk for Bridge {
    fn ask(&self, asked: Asked) -> Answering<'_> {
        Box::pin(self.answer(asked))
    }

    fn draw(&self, permit: Permit) -> Drawing<'_> {
        Box::pin(self.look_up(move |questions| {
            let id = &permit.incident;
            let ledger::Found::One(found) = questions.row(id).map_err(no_answer)? else {
                return Err(none_called(id));
            };
            if !may_still_see(questions.policy(), &permit, &found.row.incident.workspace) {
                return Err(ClerkError::NotYours);
            }
            questions.page(id).map_err(no_answer)?.ok_or_else(|| none_called(id))
        }))
    }
}

impl Bridge {
    async fn answer(&self, asked: Asked) -> Result<Value, ClerkError> {
        match asked {
            Asked::Acknowledge { id, by } => self.acknowledge(id, by).await,
            Asked::Silence(wanted) => self.silence(*wanted).await,
            Asked::SilenceIncident { id, until, by } => self.silence_incident(id, until, by).await,
            Asked::EndSilence { id } => self.end_silence(id).await,
            question => self.look_up(move |questions| answer(questions, &question)).await,
        }
    }

    /// Asks on a connection of its own: the ledger's own reader has deliveries to find.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Questions<'_>) -> Result<T, ClerkError> + Send + 'static,
    ) -> Result<T, ClerkError> {
        let closed = |error: &dyn std::fmt::Display| ClerkError::Unavailable(error.to_string());
        let permit = Arc::clone(&self.questions).acquire_owned().await.map_err(|error| closed(&error))?;
        let (path, policy) = (self.ledger.path().to_owned(), Arc::clone(&self.policy.borrow()));
        let looked_up = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let questions = Questions::open(&path, &policy, clock::now())
                .map_err(|error| ClerkError::Unavailable(error.to_string()))?;
            ask(&questions)
        });
        looked_up.await.map_err(|error| closed(&error))?
    }

    pub(super) async fn acknowledge(&self, id: String, by: String) -> Result<Value, ClerkError> {
        let (id, made) = self.ledger.acknowledge(&id, &by, clock::now()).await.map_err(not_done)?;
        let id = id.as_str().to_owned();
        tracing::info!(incident = id, by, changed = made == Made::Changed, "an incident was acknowledged");
        self.look_up(move |questions| {
            let Found::One(story) = questions.incident(&id).map_err(no_answer)? else {
                return Ok(json!({ "id": id, "changed": made == Made::Changed }));
            };
            let mut incident = json(&story.incident)?;
            if let Value::Object(fields) = &mut incident {
                fields.insert("changed".to_owned(), json!(made == Made::Changed));
            }
            Ok(incident)
        })
        .await
    }

    async fn silence(&self, wanted: NewSilence) -> Result<Value, ClerkError> {
        let now = clock::now();
        let NewSilence { when, until, by, comment, unless_new } = wanted;
        let id = self.free_name().await?;
        let silence = Silence { id, when, from: Some(now), until, by, comment, unless_new };
        let made = SilenceView::of(now, &silence, None, false);
        self.ledger.silence(silence, now).await.map_err(not_done)?;
        tracing::info!(silence = made.id, by = made.by, until = %made.until, "a silence was made");
        json(&made)
    }

    /// A silence for what fails as this incident does. Asked for twice, as an impatient finger does, it is one silence.
    pub(super) async fn silence_incident(
        &self,
        id: String,
        until: Timestamp,
        by: Option<String>,
    ) -> Result<Value, ClerkError> {
        let (incident, when, others) = self
            .look_up(move |questions| {
                let row = match questions.row(&id).map_err(no_answer)? {
                    ledger::Found::One(found) => found.row,
                    ledger::Found::Nothing => return Err(none_called(&id)),
                    ledger::Found::Several(ids) => return Err(several_called(&id, &ids)),
                };
                Ok((row.incident.id.clone(), row.incident.matcher(), questions.silences().map_err(no_answer)?))
            })
            .await?;
        let same = |other: &&SilenceView| {
            other.when == when
                && other.on
                && !other.configured
                && !other.unless_new
                && until.duration_since(other.until) < IMPATIENCE
        };
        if let Some(made) = others.iter().find(same) {
            return json(made);
        }
        let comment = Some(format!("for incident {}", incident.as_str()));
        self.silence(NewSilence { when, until, by, comment, unless_new: false }).await
    }

    /// A name that no silence has: one with the same name would be replaced.
    async fn free_name(&self) -> Result<String, ClerkError> {
        let taken = self.look_up(|questions| json(&questions.silences().map_err(no_answer)?)).await?;
        let taken: Vec<&str> = taken.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
        let mut names = (0..TRIES).map(|_| format!("s_{:08}", clock::seed() % 100_000_000));
        let free = names.find(|name| !taken.contains(&name.as_str()));
        free.ok_or_else(|| ClerkError::Unavailable("no name is free for a silence".to_owned()))
    }

    async fn end_silence(&self, id: String) -> Result<Value, ClerkError> {
        self.ledger.end_silence(&id, clock::now()).await.map_err(not_done)?;
        tracing::info!(silence = id, "a silence was ended");
        Ok(json!({ "id": id, "ended": true }))
    }
}

/// Whether whom a permit was given to may see the workspace now: a configuration may have changed since.
fn may_still_see(policy: &Policy, permit: &Permit, workspace: &str) -> bool {
    if permit.receiver == key::COMMAND_LINE {
        return true;
    }
    policy.receivers.get(&permit.receiver).is_some_and(|audience| {
        let is_address = |address: &String| audience.addresses.contains(address);
        audience.may_see(workspace) && permit.address.as_ref().is_none_or(is_address)
    })
}

fn answer(questions: &Questions<'_>, asked: &Asked) -> Result<Value, ClerkError> {
    match asked {
        Asked::Incidents { all } => json(&questions.incidents(*all).map_err(no_answer)?),
        Asked::Incident { id } => found(questions, id),
        Asked::Why { run } => {
            let stories = questions.why(run).map_err(no_answer)?;
            if stories.is_empty() {
                let why = format!("the ledger knows no run {run:?}: it was never seen, or is older than the retention");
                return Err(ClerkError::NotFound(why));
            }
            json(&stories)
        }
        Asked::Silences => json(&questions.silences().map_err(no_answer)?),
        Asked::Receivers => json(&questions.receivers().map_err(no_answer)?),
        Asked::Pending => json(&questions.pending().map_err(no_answer)?),
        Asked::Acknowledge { .. } | Asked::Silence(_) | Asked::SilenceIncident { .. } | Asked::EndSilence { .. } => {
            Ok(Value::Null)
        }
    }
}

fn found(questions: &Questions<'_>, id: &str) -> Result<Value, ClerkError> {
    match questions.incident(id).map_err(no_answer)? {
        Found::One(story) => json(&story),
        Found::None => Err(none_called(id)),
        Found::Several(ids) => Err(several_called(id, &ids)),
    }
}

fn none_called(id: &str) -> ClerkError {
    ClerkError::NotFound(format!("no incident is called {id:?}; GET /api/v1/incidents?state=all lists them"))
}

fn several_called(id: &str, ids: &[String]) -> ClerkError {
    let ids = ids.join(", ");
    ClerkError::Refused(format!("more than one incident begins with {id:?}: {ids}; write more of its id"))
}

fn json(value: &impl Serialize) -> Result<Value, ClerkError> {
    serde_json::to_value(value).map_err(|error| ClerkError::Unavailable(error.to_string()))
}

fn not_done(error: NotDone) -> ClerkError {
    let error = match error {
        NotDone::Ledger(error) => return no_answer(error),
        NotDone::Refused(error) => error,
    };
    match error {
        CommandError::NoIncident(_) | CommandError::NoSilence(_) => ClerkError::NotFound(error.to_string()),
        CommandError::Ambiguous(_) | CommandError::Ended => ClerkError::Refused(error.to_string()),
    }
}

fn no_answer(error: LedgerError) -> ClerkError {
    match error {
        LedgerError::Full => ClerkError::Full,
        other => ClerkError::Unavailable(other.to_string()),
    }
}
