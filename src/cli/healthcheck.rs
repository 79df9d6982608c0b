//! `firstred healthcheck`: asks a running daemon whether it lives. For containers, which have no shell and no curl.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::remote::address;
use super::{Failure, Format, output, setup};
use crate::net::{Client, ClientOptions, Request};

pub(super) fn run(config: &Path, url: Option<String>, ready: bool, format: Format) -> Result<(), Failure> {
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
    let answer = answer.map_err(|error| Failure::NoBecause(error.to_string()))?;
    let well = answer.status == 200;
    let text = String::from_utf8_lossy(&answer.body);
    match format {
        // What is no JSON stands there as a text.
        Format::Json => output::say_json(&json!({
            "status": answer.status,
            "body": serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.trim_end())),
        }))?,
        Format::Text if well => {}
        Format::Text => output::complain(&format!("answered {}: {text}", answer.status)),
    }
    if well { Ok(()) } else { Err(Failure::No) }
}
