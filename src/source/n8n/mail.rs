//! What n8n's error workflow posts: which run failed, or that a trigger did, of which n8n may keep no run. It must not know how it is
//! proven, nor what is told.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::error;
use super::wire::id_of;
use crate::clock;
use crate::run::{Limits, NativeError, Run, RunStatus, Step, StepError, StepStatus, Workflow};

/// The most letters that wait to be read. What goes beyond is in n8n's lists all the same, but for triggers.
const MOST: usize = 10_000;

/// The letter box of one source: filled by its endpoint, emptied by its poller.
#[derive(Debug, Clone, Default)]
pub struct Mail(Arc<Mutex<Shelf>>);

#[derive(Debug, Default)]
struct Shelf {
    letters: Vec<Letter>,
    /// Where everything goes now: the source was built anew.
    moved: Option<Mail>,
}

/// The letters that a poll took. Those that it did not deal with go back, however it ends.
#[derive(Debug)]
pub(super) struct Taken {
    mail: Mail,
    pub letters: Vec<Letter>,
}

impl Taken {
    /// The runs that they name.
    pub(super) fn runs(&self) -> impl Iterator<Item = u64> {
        self.letters.iter().filter_map(|letter| letter.run)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.mail.put(std::mem::take(&mut self.letters));
    }
}

/// A letter's run is pending from so long before the error: whatever else is known of the run is newer.
const EARLIER: SignedDuration = SignedDuration::from_hours(24);

/// One failure, as the error workflow tells it.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// The run; none where a trigger failed.
    pub run: Option<u64>,
    pub workflow: Workflow,
    /// The node that failed, with its type.
    pub node: Option<String>,
    kind: Option<String>,
    mode: Option<String>,
    retry_of: Option<u64>,
    error: StepError,
    /// When it happened, by n8n's clock, or else when it came, by ours.
    pub at: Timestamp,
    /// When it came, by our clock.
    pub came: Timestamp,
}

impl Mail {
    /// Takes a body. Each failure becomes a pending run, so that it is on record before its sender hears yes.
    ///
    /// # Errors
    /// When it is not what an Error Trigger node gives.
    pub fn post(
        &self,
        _: &HeaderMap,
        body: &[u8],
        limits: Limits,
    ) -> Result<Vec<Result<Run, NativeError>>, NativeError> {
        let wrong = |message: String| NativeError { index: 0, pointer: String::new(), message };
        let body: Value = serde_json::from_slice(body).map_err(|error| wrong(format!("not JSON: {error}")))?;
        let items = match body {
            Value::Array(items) if items.len() > limits.runs => {
                return Err(wrong(format!("more than {} failures in one body", limits.runs)));
            }
            Value::Array(items) => items,
            one => vec![one],
        };
        let now = clock::now();
        let mut runs = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match Letter::read(item, now) {
                Some(letter) => {
                    runs.push(Ok(letter.pending()));
                    self.put(vec![letter]);
                }
                None => runs.push(Err(NativeError {
                    index,
                    pointer: String::new(),
                    message: "expected what an Error Trigger node gives: `workflow`, and `execution` or `trigger`"
                        .to_owned(),
                })),
            }
        }
        Ok(runs)
    }

    /// Passes on what lies here, and what will come, to the box of the source's successor.
    pub fn move_to(&self, next: &Self) {
        if Arc::ptr_eq(&self.0, &next.0) {
            return;
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.moved = Some(next.clone());
        let letters = std::mem::take(&mut held.letters);
        drop(held);
        next.put(letters);
    }

    fn put(&self, letters: Vec<Letter>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = held.moved.clone() {
            drop(held);
            return next.put(letters);
        }
        let room = MOST.saturating_sub(held.letters.len());
        held.letters.extend(letters.into_iter().take(room));
    }

    pub(super) fn take(&self) -> Taken {
        let letters = std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).letters);
        Taken { mail: self.clone(), letters }
    }
}

impl Letter {
    fn read(body: &Value, now: Timestamp) -> Option<Self> {
        let run = match (&body["execution"], &body["trigger"]) {
            (Value::Object(_), _) => Some(id_of(&body["execution"]["id"])?),
            (_, Value::Object(_)) => None,
            _ => return None,
        };
        let part = &body[if run.is_some() { "execution" } else { "trigger" }];
        let filled = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let (id, name) = (filled(&body["workflow"]["id"]), filled(&body["workflow"]["name"]));
        if id.is_none() && name.is_none() {
            return None;
        }
        let error = &part["error"];
        let node = filled(&error["node"]["name"]).or_else(|| filled(&part["lastNodeExecuted"]));
        let mut said = error::of(error);
        if said.message.is_empty() {
            said.message = format!("{} failed, and n8n does not pass on why", node.as_deref().unwrap_or("the trigger"));
        }
        Some(Self {
            run,
            workflow: Workflow { id, name, version: None },
            node,
            kind: filled(&error["node"]["type"]).and_then(|kind| kind.rsplit('.').next().map(str::to_owned)),
            mode: filled(&part["mode"]),
            retry_of: id_of(&part["retryOf"]),
            error: said,
            at: timestamp(error).unwrap_or(now),
            came: now,
        })
    }

    /// The run's id: that of n8n, or for a trigger's failure one that is the same however often it is sent.
    pub(super) fn id(&self) -> String {
        self.run.map_or_else(
            || format!("trigger-{}-{}", self.workflow.key(), self.at.as_millisecond()),
            |id| id.to_string(),
        )
    }

    fn pending(&self) -> Run {
        let run = Run::bare(self.id(), self.workflow.clone(), RunStatus::Pending);
        // A run may be told by then, and must not be reopened; of a trigger's, only letters tell.
        let at = if self.run.is_some() { self.at.saturating_sub(EARLIER).ok() } else { Some(self.at) };
        Run { trigger: self.mode.clone(), updated_at: at, ..run }
    }

    /// The failure, as far as the letter tells it.
    pub(super) fn failed(&self, url: Option<String>) -> Run {
        let step = self.node.as_ref().map(|node| Step {
            kind: self.kind.clone(),
            completed_at: Some(self.at),
            error: Some(self.error.clone()),
            ..Step::bare(node, StepStatus::Failed)
        });
        Run {
            url,
            trigger: self.mode.clone(),
            replay_of: self.retry_of.map(|id| id.to_string()),
            completed_at: Some(self.at),
            updated_at: Some(self.at),
            error: step.is_none().then(|| self.error.clone()),
            steps: step.into_iter().collect(),
            ..Run::bare(self.id(), self.workflow.clone(), RunStatus::Failed)
        }
    }

    /// n8n keeps a run of this trigger's failure, which is told instead.
    pub(super) fn told_elsewhere(&self) -> Run {
        let end = Some(self.at);
        Run { status: RunStatus::Cancelled, completed_at: end, ..self.pending() }
    }
}

/// When an error happened, by n8n's clock.
pub(super) fn timestamp(error: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(error["timestamp"].as_i64()?).ok()
}
