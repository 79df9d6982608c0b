//! HTTP comes in: ingest, the API, the pages of incidents, health, readiness, metrics. This room reads bodies and answers; it must not
//! know the engine, the ledger, or who asks it for its state: what it needs of them are [`Inlet`], [`Clerk`], [`Checkup`], [`Gates`],
//! [`Keys`] and [`Callback`].
//!
//! There is no web framework: a dozen paths are two `match`es, and ingest is a hot path.

mod accept;
mod answer;
mod api;
mod body;
mod callback;
mod clerk;
mod gate;
mod health;
mod ingest;
mod inlet;
mod page;
mod reading;
mod route;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch as channel;
use tokio_util::sync::CancellationToken;

pub use api::Keys;
pub use callback::{Callback, Callbacks, Called, Calling};
pub use clerk::{Answering, Asked, Clerk, ClerkError, Drawing, NewSilence};
pub use gate::{Gate, Gates};
pub use health::{
    Checkup, ConfigHealth, CountHealth, HeartbeatHealth, LedgerHealth, Readiness, ReceiverHealth, SourceHealth,
};
pub use inlet::{Inlet, InletError};
pub use page::{Piece, Sheet, SheetList, SheetTone, Words};
pub use reading::{Native, Pushed, Reading, Unread};

use crate::config::ServerSettings;
use crate::metrics::Metrics;
use crate::net::permit::Issuer;

/// How long the server waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a request (for the first one: from the connect) to the end of its header.
    pub header: Duration,
    /// From the end of the header to the end of the body.
    pub body: Duration,
    /// Between two requests, and for the client to take an answer.
    pub idle: Duration,
    /// For a commit, before the sender is told to come again.
    pub commit: Duration,
    /// For requests in flight, once the server is told to stop.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            commit: Duration::from_millis(4_500),
            drain: Duration::from_secs(5),
        }
    }
}

/// What the server is connected to.
pub struct Wiring<I, C> {
    /// Where runs go.
    pub inlet: I,
    /// Who knows how the daemon is.
    pub checkup: C,
    /// What `/metrics` prints.
    pub registry: Arc<Registry>,
    /// What the server counts itself.
    pub metrics: Metrics,
    /// The sources that are pushed to; a reload sends new ones.
    pub gates: channel::Receiver<Arc<Gates>>,
    /// Who answers the API.
    pub clerk: Arc<dyn Clerk>,
    /// The tokens that open it; a reload sends new ones.
    pub keys: channel::Receiver<Arc<Keys>>,
    /// Who takes the links to the pages of incidents; nobody where there are no pages. A reload sends another.
    pub issuer: channel::Receiver<Option<Arc<Issuer>>>,
    /// Who answers other services by path; a reload sends new ones.
    pub callbacks: channel::Receiver<Arc<Callbacks>>,
}

/// The address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}: {cause}")]
pub struct BindError {
    /// The address of the settings.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// A server that listens, and serves once it is told what.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    max_body: usize,
    max_connections: usize,
    timeouts: Timeouts,
}

impl Server {
    /// Begins to listen; says on which address, as port 0 means any.
    ///
    /// # Errors
    /// When the address is taken, not ours, or forbidden.
    pub async fn bind(settings: &ServerSettings) -> Result<(Self, SocketAddr), BindError> {
        let address = settings.listen;
        let failed = |cause| BindError { address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let server = Self {
            listener,
            max_body: settings.max_body,
            max_connections: accept::affordable(settings.max_connections),
            timeouts: Timeouts::default(),
        };
        Ok((server, bound))
    }

    /// Waits for others as long as this says.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Serves until `stop`: then takes no more connections, lets requests in flight end, and drops what is left after
    /// [`Timeouts::drain`].
    pub async fn serve<I: Inlet, C: Checkup>(self, wiring: Wiring<I, C>, stop: CancellationToken) {
        let routes = Arc::new(route::Routes::new(wiring, self.max_body, self.timeouts));
        accept::run(self.listener, self.max_connections, self.timeouts, routes, stop).await;
    }
}
