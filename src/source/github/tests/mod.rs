//! Tests of the GitHub source: against what GitHub documents and was recorded to say, and against a stand-in for its API.

mod bench;
mod fake;
mod late;
mod limits;
mod polling;
mod promises;
mod pushing;
mod recorded;
mod reruns;

use std::time::Duration;

use crate::config::{GitHubSource, Polling, Way};

/// The repository of the tests.
pub(super) const REPOSITORY: &str = "acme/shop";

pub(super) fn settings() -> GitHubSource {
    GitHubSource {
        url: url::Url::parse("https://api.github.com").unwrap(),
        repositories: vec![REPOSITORY.to_owned()],
        token: Some("github_pat_1".to_owned().into()),
        webhook_secrets: Vec::new(),
        polling: Polling {
            every: Duration::from_secs(30),
            timeout: Duration::from_secs(15),
            history: Duration::ZERO,
            overlap: Duration::from_mins(10),
        },
        way: Way::default(),
    }
}
