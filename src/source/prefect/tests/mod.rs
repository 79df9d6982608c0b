//! Tests of the Prefect source against recordings of the real engine and against a stand-in for it.

mod bench;
mod fake;
mod feed;
mod polling;
mod promises;
mod recorded;
mod variations;

use std::time::Duration;

use crate::config::{Polling, PrefectAuth, PrefectSource, Way};

fn settings() -> PrefectSource {
    PrefectSource {
        events: true,
        url: url::Url::parse("http://127.0.0.1:4200/api").unwrap(),
        ui_url: url::Url::parse("http://127.0.0.1:4200").unwrap(),
        auth: PrefectAuth::None,
        polling: Polling {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(15),
            history: Duration::ZERO,
            overlap: Duration::from_mins(10),
        },
        way: Way::default(),
    }
}
