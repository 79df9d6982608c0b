//! Everything of a configuration that can fail, built before anything is put in force. It starts nothing.

use std::sync::Arc;

use super::{StartError, doors, heartbeat, lanes, pollers};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::net::permit::{Issuer, Key};
use crate::server::Gates;

/// Everything of a configuration that can fail, done before anything is replaced.
pub(super) struct Prepared {
    pub(super) receivers: lanes::Built,
    pub(super) sources: pollers::Built,
    pub(super) gates: Gates,
    pub(super) heartbeat: Option<Arc<heartbeat::Built>>,
    pub(super) issuer: Option<Arc<Issuer>>,
}

impl Prepared {
    pub(super) fn of(config: &Config, metrics: &Metrics, key: &Key) -> Result<Self, StartError> {
        let sources = pollers::build(config, metrics)?;
        let gates = doors::gates(config, &sources.wakes(), sources.mails())?;
        let heartbeat = heartbeat::build(config)?;
        let issuer = doors::issuer(key, config).map(Arc::new);
        let receivers = lanes::build(config, metrics, issuer.as_deref())?;
        Ok(Self { receivers, sources, gates, heartbeat, issuer })
    }
}
