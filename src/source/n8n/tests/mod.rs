//! Tests of the n8n source against recordings of the real engine and against a stand-in for it.

mod bench;
mod errors;
mod fake;
mod family;
mod letters;
mod order;
mod polling;
mod promises;
mod recorded;

use std::time::Duration;

use crate::config::{N8nSource, Polling, Way};

fn settings() -> N8nSource {
    N8nSource {
        url: url::Url::parse("http://127.0.0.1:5678").unwrap(),
        ui_url: url::Url::parse("http://ui").unwrap(),
        api_key: fake::KEY.to_owned().into(),
        tell_timeouts: false,
        push: None,
        polling: Polling {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(15),
            history: Duration::ZERO,
            overlap: Duration::from_mins(10),
        },
        way: Way::default(),
    }
}
