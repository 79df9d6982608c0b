//! The API of a running daemon, with the token that it left beside its ledger; and what a command says without what differs each time.

use std::path::PathBuf;

use serde_json::Value;

use super::client::{Answered, Client};
use super::daemon::{Daemon, Said, run};

impl Daemon {
    /// Where the daemon leaves its token.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder().join("firstred.db.token")
    }

    /// The token.
    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.token_file()).expect("the daemon left a token").trim().to_owned()
    }

    /// Asks the API with a token; an empty one is not sent.
    pub(crate) async fn api_with(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answered {
        let url = format!("{}/api/v1/{path}", self.base());
        let bearer = format!("Bearer {token}");
        let headers: &[(&str, &str)] = if token.is_empty() { &[] } else { &[("authorization", &bearer)] };
        let body = body.map(|body| body.to_string()).unwrap_or_default().into_bytes();
        Client::default().send(method, &url, headers, body).await.expect("the daemon answers")
    }

    /// Asks the API.
    pub(crate) async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Answered {
        self.api_with(&self.token(), method, path, body).await
    }

    /// A command on this daemon's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Said {
        run(self.folder(), arguments, None)
    }

    /// A command that speaks to this daemon, which listens on a port that its configuration does not name.
    pub(crate) fn tell(&self, arguments: &[&str]) -> Said {
        run(self.folder(), &[arguments, &["--url", self.base()]].concat(), None)
    }
}

/// A text without what differs each time: ids, times, lengths of time.
pub(crate) fn redacted(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, with) in [
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)", "TIME"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME"),
        (r"\b\d\d:\d\d(:\d\d)? UTC", "TIME"),
        (r"\bi_[0-9a-f]{16}\b", "i_ID"),
        (r"\bs_\d{8}\b", "s_ID"),
        (r"\bn_[0-9a-f]{32}\b", "n_ID"),
        (r"\b\d+s ago", "AGO ago"),
        (r"http://127\.0\.0\.1:\d+", "http://HERE"),
    ] {
        let pattern = regex::Regex::new(pattern).expect("a pattern");
        text = pattern.replace_all(&text, with).into_owned();
    }
    text
}
