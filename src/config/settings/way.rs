//! How a receiver, a source or the heartbeat is reached over the network: the same words for all of them.

use std::path::PathBuf;

use crate::net::{ClientOptions, Proxy};

/// How something is reached over the network.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// A certificate authority to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The proxy on the way: its own, or the one of `[http]`. E-mail and what stays on this machine take none.
    pub proxy: Proxy,
    /// Its address may be one of the local link.
    pub allow_link_local: bool,
}

impl Way {
    /// How an HTTP client is built for it.
    #[must_use]
    pub fn client(&self) -> ClientOptions {
        let Self { ca_file, proxy, allow_link_local } = self.clone();
        ClientOptions { ca_file, proxy, allow_link_local }
    }
}
