//! What the tests stand on: the daemon as a process, the services around it, and the runs that it is shown.

pub(crate) mod api;
pub(crate) mod blocks;
pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod engine;
pub(crate) mod engines;
pub(crate) mod github;
pub(crate) mod http;
pub(crate) mod proxy;
pub(crate) mod record;
pub(crate) mod runs;

mod self_tests;
pub(crate) mod setup;
pub(crate) mod slack;
pub(crate) mod slack_app;
pub(crate) mod slack_socket;
pub(crate) mod smtp;
pub(crate) mod smtp_session;
pub(crate) mod tls;
pub(crate) mod webhook;

use std::time::Duration;

/// How long a thing may take that has to happen. Far over what it takes: two cores are shared with everything else.
pub(crate) const SOON: Duration = Duration::from_secs(30);
