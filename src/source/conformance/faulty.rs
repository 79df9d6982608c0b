//! The wire between a source and the fake engine: it loses, cuts and refuses what the plan of a poll says, and lets the world go on
//! between two requests.

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use super::super::talk::Transport;
use super::FakeEngine;
use super::world::Shared;
use crate::net::{Answer, NetError, Request};

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// 429 or 503 with `Retry-After`.
    Busy(u16),
    /// This status, and a page for people.
    Status(u16),
    /// 200, and HTML: a proxy's page.
    Html,
    /// 200, and not all of the JSON.
    Cut,
    /// No connection.
    NotSent,
    /// The connection is lost while the answer comes.
    Lost,
    /// No answer for ever: the process ends meanwhile.
    Hang,
}

/// What `Retry-After` says, in seconds.
pub(super) const RETRY_AFTER_SECONDS: i64 = 37;

/// A fake engine behind a bad wire.
pub(in crate::source) struct Faulty<F: FakeEngine>(pub(super) Shared<F>);

impl<F: FakeEngine> Clone for Faulty<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: FakeEngine> std::fmt::Debug for Faulty<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl<F: FakeEngine> Transport for Faulty<F> {
    async fn send(&self, request: Request) -> Result<Answer, NetError> {
        let (fault, fake) = self.0.with(|world| {
            let line = format!("{} {}", request.url, String::from_utf8_lossy(&request.body));
            (world.request(&line), world.fake.clone())
        });
        let page = |status| Answer {
            status,
            headers: HeaderMap::new(),
            body: b"<html><body>Something went wrong</body></html>".to_vec(),
            cut: false,
        };
        match fault {
            None => fake.send(request).await,
            Some(Fault::Busy(status)) => {
                let mut answer = page(status);
                answer.headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
                Ok(answer)
            }
            Some(Fault::Status(status)) => Ok(page(status)),
            Some(Fault::Html) => Ok(page(200)),
            Some(Fault::Cut) => {
                let mut answer = fake.send(request).await?;
                answer.body.truncate(answer.body.len() / 2);
                Ok(answer)
            }
            Some(Fault::NotSent) => Err(NetError::NotSent("connection refused".to_owned())),
            Some(Fault::Lost) => {
                fake.send(request).await?;
                Err(NetError::Lost("connection reset by peer".to_owned()))
            }
            Some(Fault::Hang) => std::future::pending().await,
        }
    }
}
