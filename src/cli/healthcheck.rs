//! `firstred healthcheck`: asks a running daemon whether it lives. For containers, which have no shell and no curl.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use url::Url;

use super::{Failure, output, setup};
use crate::net::{Client, ClientOptions, Request};

pub(super) fn run(config: &Path, url: Option<String>, ready: bool) -> Result<(), Failure> {
    let base = match url {
        Some(url) => Url::parse(&url).map_err(|error| Failure::CouldNotAsk(format!("`{url}` is no URL: {error}")))?,
        None => address(setup::config(config)?.server.listen)?,
    };
    let url = base.join(if ready { "/readyz" } else { "/healthz" })?;
    let runtime = setup::runtime()?;
    let answer = runtime.block_on(async {
        let client = Client::new(&ClientOptions::default())?;
        client
            .send(Request {
                method: Method::GET,
                url,
                headers: Vec::new(),
                body: Vec::new(),
                timeout: Duration::from_secs(4),
                body_cap: 64 << 10,
            })
            .await
    });
    match answer {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => {
            output::complain(&format!("answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body)));
            Err(Failure::No)
        }
        Err(error) => {
            output::complain(&error.to_string());
            Err(Failure::No)
        }
    }
}

/// Where a daemon that listens on this address is asked from the same machine.
fn address(listen: std::net::SocketAddr) -> Result<Url, Failure> {
    let mut listen = listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{listen}"))?)
}
