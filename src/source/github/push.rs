//! Reads GitHub's webhooks: `workflow_run` and `workflow_job`. Whether the sender is GitHub was proven by the signature before; it must
//! not know HTTP but the names of headers.
//!
//! A source that is polled as well takes from them only that a run has begun, and that one has ended and is to be asked about: what the
//! API answers says more. One that has no token takes what is written in them.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName};

use super::gather::Gather;
use super::mapping::{self, Evidence};
use super::states::is_final;
use super::wake::Wakes;
use super::wire::Delivery;
use crate::config::GitHubSource;
use crate::run::Run;

/// The kind of an event.
const EVENT: HeaderName = HeaderName::from_static("x-github-event");

/// Reads what is pushed to one source.
#[derive(Debug)]
pub struct Reader {
    /// Those that are watched; all that are pushed where there are none.
    repositories: Vec<String>,
    /// They are asked as well.
    polled: bool,
    gather: Mutex<Gather>,
    wakes: Wakes,
}

/// What a webhook says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The run that it tells, where it does.
    pub run: Option<Run>,
    /// A run has ended that is to be asked about.
    pub wake: bool,
}

impl Reader {
    /// A reader for what the settings say.
    #[must_use]
    pub fn new(settings: &GitHubSource) -> Self {
        let polled = settings.token.is_some();
        let repositories = settings.repositories.clone();
        let wakes = Wakes::new(repositories.len());
        Self { repositories, polled, gather: Mutex::default(), wakes }
    }

    /// What a body says. Events that are not about runs say nothing.
    ///
    /// # Errors
    /// In words, when it is not what GitHub sends.
    pub fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Received, String> {
        let header = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let event = header(&EVENT);
        if event.is_empty() {
            return Err(format!("no webhook of GitHub: it has no header {EVENT}"));
        }
        if !matches!(event, "workflow_run" | "workflow_job") {
            return Ok(Received::default());
        }
        let body = payload(header(&CONTENT_TYPE), body);
        let mut delivery: Delivery =
            serde_json::from_slice(&body).map_err(|error| format!("no `{event}` as GitHub sends it: {error}"))?;
        // Older servers say the file only beside the run. Without it, the run would be another workflow's than the one that is asked about.
        if let (Some(row), Some(workflow)) = (&mut delivery.workflow_run, delivery.workflow.take()) {
            row.path = row.path.take().or(workflow.path);
        }
        let Some(repository) = delivery.repository.as_ref().and_then(|own| self.watched(&own.full_name)) else {
            return Ok(Received::default());
        };
        if !self.polled {
            let mut gather = self.gather.lock().unwrap_or_else(PoisonError::into_inner);
            let run = match (delivery.workflow_run, delivery.workflow_job) {
                (Some(row), _) => Some(gather.run(&repository, row)),
                (None, Some(job)) => gather.job(&repository, job),
                (None, None) => None,
            };
            return Ok(Received { run: run.map(|evidence| mapping::run(&evidence)), wake: false });
        }
        let Some(row) = delivery.workflow_run else { return Ok(Received::default()) };
        // One that has begun is remembered as open, and asked for until it ends: also should its end never be pushed.
        let ended = is_final(&row);
        let run = (!ended).then(|| mapping::run(&Evidence::of(&repository, row)));
        Ok(Received { run, wake: ended && self.wakes.may(crate::clock::now()) })
    }

    /// The repository as the settings write it, where it is watched.
    fn watched(&self, name: &str) -> Option<String> {
        if self.repositories.is_empty() {
            return (!name.is_empty()).then(|| name.to_owned());
        }
        self.repositories.iter().find(|own| own.eq_ignore_ascii_case(name)).cloned()
    }
}

/// The JSON of a body: a webhook may be set up to send it as a form.
fn payload<'a>(kind: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Cow::Borrowed(body);
    }
    let field = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    field.map_or(Cow::Borrowed(body), |(_, value)| Cow::Owned(value.into_owned().into_bytes()))
}
