//! The settings of sources: what all polled ones share here, one file for each kind.

mod airflow;
mod dagster;
mod github;
mod http;
mod n8n;
mod prefect;
mod webhook;

use std::time::Duration;

pub use airflow::{AirflowAuth, AirflowSource};
pub use dagster::DagsterSource;
pub use github::GitHubSource;
pub use http::{Detail, HttpSource, Pagination};
pub use n8n::N8nSource;
pub use prefect::{PrefectAuth, PrefectSource};
pub use webhook::{PushFormat, WebhookAuth, WebhookSource};

/// One `[sources.NAME]`.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// Its kind and the settings of that kind.
    pub kind: SourceKind,
}

/// The kinds of sources.
#[derive(Debug, Clone)]
pub enum SourceKind {
    /// Pushed to: `POST /ingest/NAME`.
    Webhook(WebhookSource),
    /// Any JSON API that lists runs.
    Http(Box<HttpSource>),
    /// Apache Airflow 3 or 2.
    Airflow(Box<AirflowSource>),
    /// GitHub Actions: polled, pushed to, or both.
    GitHub(Box<GitHubSource>),
    /// Prefect 3.
    Prefect(Box<PrefectSource>),
    /// n8n 2.x and 1.x.
    N8n(Box<N8nSource>),
    /// Dagster.
    Dagster(Box<DagsterSource>),
}

/// What all polled sources share.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Time between polls. Default 10 s; never under 1 s.
    pub every: Duration,
    /// Total deadline of one request. Default 15 s.
    pub timeout: Duration,
    /// How much of the past the first start may announce. Default none.
    pub history: Duration,
    /// How far each poll looks back behind the newest thing seen. Default 10 min.
    pub overlap: Duration,
}
