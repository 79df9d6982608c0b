//! Tests of the Dagster source against recordings of the real engine and against a stand-in for it.

mod bench;
mod fake;
mod mended;
mod polling;
mod promises;
mod recorded;

use std::time::Duration;

use crate::config::{DagsterSource, Polling, Way};

fn settings() -> DagsterSource {
    DagsterSource {
        url: url::Url::parse("http://127.0.0.1:3000").unwrap(),
        ui_url: url::Url::parse("http://ui").unwrap(),
        token: None,
        headers: std::collections::BTreeMap::new(),
        polling: Polling {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(15),
            history: Duration::ZERO,
            overlap: Duration::from_mins(10),
        },
        way: Way::default(),
    }
}
