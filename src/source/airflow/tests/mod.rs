//! Tests of the Airflow source against recordings of the real engine and against a stand-in for it.

mod bench;
mod fake;
mod order;
mod patience;
mod polling;
mod promises;
mod recorded;
mod signing;
mod variations;

use std::time::Duration;

use crate::config::{AirflowAuth, AirflowSource, Polling, Way};

fn settings() -> AirflowSource {
    AirflowSource {
        url: url::Url::parse("http://127.0.0.1:8080").unwrap(),
        ui_url: url::Url::parse("http://ui").unwrap(),
        auth: AirflowAuth::None,
        import_errors: true,
        polling: Polling {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(15),
            history: Duration::ZERO,
            overlap: Duration::from_mins(10),
        },
        way: Way::default(),
    }
}
