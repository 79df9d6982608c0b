//! Asks Dagster's GraphQL: signs in, and tells an answer from an error in whichever of its forms that comes.
//! It must not know what is asked, nor what the answers mean.
//!
//! Dagster answers 200, or 400 for a question that it does not understand, or 500 with a body where a part of the answer is missing:
//! that part is null, and the rest is as good as ever. An error inside is one of the types that a question may be answered with.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderName};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::PollError;
use super::super::talk::{BODY_CAP, Question, Talk, secret_header, words};
pub(super) use super::super::talk::{Fault, FaultKind, Transport};
use crate::config::DagsterSource;
use crate::net::Answer;

const CLOUD_TOKEN: HeaderName = HeaderName::from_static("dagster-cloud-api-token");

/// The API of one Dagster instance or Dagster+ deployment.
#[derive(Debug)]
pub(super) struct Api<T> {
    talk: Talk<T>,
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<serde_json::Map<String, Value>>,
    #[serde(default)]
    errors: Option<Vec<Complaint>>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    #[serde(rename = "__typename")]
    kind: Option<String>,
    class_name: Option<String>,
    message: Option<String>,
}

impl<T: Transport> Api<T> {
    pub(super) fn new(transport: T, settings: &DagsterSource) -> Result<Self, PollError> {
        let doing = "setting up the sign-in to Dagster";
        let mut headers = Vec::new();
        if let Some(token) = &settings.token {
            headers.push(secret_header(doing, CLOUD_TOKEN, token.expose_secret())?);
        }
        for (name, value) in &settings.headers {
            // The configuration has checked the name.
            let name = HeaderName::try_from(name.as_str()).unwrap_or(AUTHORIZATION);
            headers.push(secret_header(doing, name, value.expose_secret())?);
        }
        let timeout: Duration = settings.polling.timeout;
        Ok(Self { talk: Talk::new(transport, settings.url.clone(), headers, timeout) })
    }

    /// Where it is.
    pub(super) fn base(&self) -> &url::Url {
        self.talk.base()
    }

    /// Tells our clock, and forgets what the last poll heard of the engine's.
    pub(super) fn begin(&self, now: Timestamp) {
        self.talk.begin(now);
    }

    /// The engine's clock as of the newest answer since [`Self::begin`].
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.talk.date()
    }

    /// Asks for the one field `root` of the answer. `None`: Dagster does not know what was asked for.
    pub(super) async fn ask<R: DeserializeOwned>(
        &self,
        doing: &str,
        query: &str,
        variables: Value,
        root: &str,
    ) -> Result<Option<R>, Fault> {
        let url = self.talk.url(doing, "graphql")?;
        let question = Question::post(url, &json!({ "query": query, "variables": variables }));
        let answer = self.talk.send(doing, question).await?;
        let envelope = self.open(doing, answer)?;
        let complaint = envelope.errors.unwrap_or_default().into_iter().next().map(|complaint| complaint.message);
        let value = envelope.data.and_then(|mut data| data.remove(root)).filter(|value| !value.is_null());
        let Some(value) = value else {
            let reason = complaint.unwrap_or_else(|| format!("an answer without `{root}`"));
            return Err(Fault::new(FaultKind::Shape, doing, words::cut(&reason)));
        };
        if value.is_object() {
            let typed: Typed = shaped(doing, value.clone())?;
            match typed.kind.as_deref() {
                Some("RunNotFoundError") => return Ok(None),
                Some(kind) if kind.ends_with("Error") => {
                    let (class, message) = (typed.class_name.unwrap_or_default(), typed.message.unwrap_or_default());
                    let reason = format!("Dagster answered {kind}: {class} {message}");
                    return Err(Fault::new(FaultKind::Refused(500), doing, words::cut(&reason)));
                }
                _ => {}
            }
        }
        shaped(doing, value).map(Some)
    }

    /// The JSON of an answer, whatever its status, as long as it is GraphQL's.
    fn open(&self, doing: &str, answer: Answer) -> Result<Envelope, Fault> {
        let speaks = matches!(answer.status, 200 | 400 | 500) && !answer.cut;
        let envelope = speaks.then(|| serde_json::from_slice::<Envelope>(&answer.body));
        match envelope {
            Some(Ok(envelope)) if envelope.data.is_some() || envelope.errors.is_some() => Ok(envelope),
            Some(Err(error)) if answer.status == 200 => {
                let what = format!("HTTP 200 with an answer that is not Dagster's ({error}): is `url` right?");
                Err(Fault::new(FaultKind::Shape, doing, words::cut(&what)))
            }
            _ => {
                self.talk.judge(doing, answer, BODY_CAP)?;
                Err(Fault::new(FaultKind::Shape, doing, "an answer that is not Dagster's: is `url` right?"))
            }
        }
    }
}

fn shaped<R: DeserializeOwned>(doing: &str, value: Value) -> Result<R, Fault> {
    serde_json::from_value(value).map_err(|error| {
        let what = format!("an answer that Dagster does not give ({error})");
        Fault::new(FaultKind::Shape, doing, words::cut(&what))
    })
}
