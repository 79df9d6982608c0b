//! Speaks to the running daemon over its API: what changes something is asked of it, for it alone writes to the ledger.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{Failure, setup};
use crate::config::Config;
use crate::daemon::token;
use crate::net::{Answer, Client, ClientOptions, Request};

/// A running daemon.
pub(super) struct Remote {
    base: Url,
    tokens: Vec<SecretString>,
    /// What is said where no token fits.
    no_token: String,
}

impl Remote {
    /// The daemon of this configuration, or the one at `url`.
    pub(super) fn of(config: &Config, url: Option<&str>) -> Result<Self, Failure> {
        let base = match url {
            Some(url) => {
                Url::parse(url).map_err(|error| Failure::CouldNotAsk(format!("`{url}` is no URL: {error}")))?
            }
            None => address(config.server.listen)?,
        };
        let own = token::read(&config.ledger.path);
        let file = token::path(&config.ledger.path);
        let file = file.display();
        let no_token = match &own {
            Err(error) => format!(
                "failed to read the daemon's token in {file}: {error}. Run this where the daemon runs and as its user, in the same \
                 directory, or give both the same `[server] api_token`"
            ),
            Ok(_) => format!(
                "the daemon does not know the token in {file}: is it the daemon that keeps this ledger? Otherwise give both the \
                 same `[server] api_token`"
            ),
        };
        // The file's token opens the daemon of this machine only, and is shown to others last.
        let mut tokens: Vec<SecretString> = own.into_iter().collect();
        tokens.extend(config.server.api_token.iter().cloned());
        if url.is_some() {
            tokens.reverse();
        }
        Ok(Self { base, tokens, no_token })
    }

    /// Asks, and gives back the answer. A "no such thing" is a no, everything else that is no success could not be asked.
    pub(super) fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let runtime = setup::runtime()?;
        for token in &self.tokens {
            let answer = runtime.block_on(self.send(method, path, body, token))?;
            let text = String::from_utf8_lossy(&answer.body);
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            let error = || value["error"].as_str().unwrap_or("it gave no reason").to_owned();
            return match answer.status {
                401 => continue,
                200..300 => Ok(value),
                404 => Err(Failure::NoBecause(error())),
                status => {
                    Err(Failure::CouldNotAsk(format!("the daemon at {} answered {status}: {}", self.base, error())))
                }
            };
        }
        Err(Failure::CouldNotAsk(self.no_token.clone()))
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        token: &SecretString,
    ) -> Result<Answer, Failure> {
        let mut url = self.base.clone();
        // Segment by segment, so that whatever an id holds stays in its place.
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(["api", "v1"]).extend(path.split('/')),
            Err(()) => return Err(Failure::CouldNotAsk(format!("`{}` is no address of a daemon", self.base))),
        };
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))?;
        authorization.set_sensitive(true);
        let client = Client::new(&ClientOptions::default())?;
        let request = Request {
            method: method.clone(),
            url,
            headers: vec![(AUTHORIZATION, authorization), (CONTENT_TYPE, HeaderValue::from_static("application/json"))],
            body: body.map(Value::to_string).unwrap_or_default().into_bytes(),
            timeout: Duration::from_secs(10),
            body_cap: 1 << 20,
        };
        client.send(request).await.map_err(|error| {
            let base = &self.base;
            Failure::CouldNotAsk(format!(
                "no daemon answers at {base} ({error}): start it with `firstred run`, or say with --url where it listens"
            ))
        })
    }
}

/// Where a daemon that listens on this address is asked from the same machine.
pub(super) fn address(listen: SocketAddr) -> Result<Url, Failure> {
    let mut listen = listen;
    if listen.port() == 0 {
        let text = "`[server] listen` has port 0, which stands for any: say with --url where the daemon listens";
        return Err(Failure::CouldNotAsk(text.to_owned()));
    }
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{listen}"))?)
}
