//! Slack's Web API: one method, its arguments, its answer. It knows the token and no message.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use url::Url;
use url::form_urlencoded::Serializer;

use super::meaning::{No, meaning};
use crate::net::{Client, Request};
use crate::receiver::{BuildError, http};
use crate::triage::redact::Secrets;

/// A page of 100 messages with their blocks is what is read at most; 100 of ours have about 1 MB.
const BODY_CAP: usize = 4 << 20;

/// The Web API, as one token sees it.
#[derive(Debug, Clone)]
pub(in crate::receiver::slack) struct Api {
    client: Client,
    base: Url,
    /// `Bearer …`, marked as sensitive.
    bearer: HeaderValue,
    /// What no reason may repeat.
    own: Secrets,
}

/// What a method is given.
#[derive(Debug)]
pub(in crate::receiver::slack) enum Arguments<'a> {
    /// JSON: for methods that write.
    Json(&'a Json),
    /// A form: what methods that read take.
    Form(&'a [(&'a str, &'a str)]),
}

impl Api {
    pub(in crate::receiver::slack) fn new(
        client: Client,
        base: Url,
        token: &SecretString,
        own: Secrets,
    ) -> Result<Self, BuildError> {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
        let mut bearer = bearer.map_err(|_| BuildError::Token)?;
        bearer.set_sensitive(true);
        Ok(Self { client, base, bearer, own })
    }

    /// Calls a method; its whole answer, where that is yes.
    pub(in crate::receiver::slack) async fn call(
        &self,
        method: &str,
        arguments: Arguments<'_>,
        timeout: Duration,
        now: Timestamp,
    ) -> Result<Json, No> {
        let url = self.base.join(method).map_err(|error| {
            No::Other(crate::engine::Outcome::Refused { permanent: true, reason: error.to_string(), retry_after: None })
        })?;
        let (kind, body) = match arguments {
            Arguments::Json(json) => ("application/json; charset=utf-8", json.to_string()),
            Arguments::Form(pairs) => {
                ("application/x-www-form-urlencoded", Serializer::new(String::new()).extend_pairs(pairs).finish())
            }
        };
        let request = Request {
            method: Method::POST,
            url,
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static(kind)), (AUTHORIZATION, self.bearer.clone())],
            body: body.into_bytes(),
            timeout,
            body_cap: BODY_CAP,
        };
        match self.client.send(request).await {
            Ok(answer) => meaning(answer.status, &answer.body, answer.retry_after(now), &self.own),
            Err(error) => Err(No::Other(http::outcome_of(&error, &self.own))),
        }
    }
}
