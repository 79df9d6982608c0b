//! `firstred demo`: the real daemon on an embedded configuration, a made-up engine that fails in every way, and the terminal as
//! the receiver. Takes about a minute, needs nothing, leaves nothing behind.

mod script;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::time::Instant;
use url::Url;

use super::scratch::Scratch;
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::daemon::Daemon;
use crate::metrics::Metrics;
use crate::net::{Client, ClientOptions, Request};

/// The configuration that the demo runs on.
const CONFIG: &str = include_str!("../../config/demo.toml");
/// What is still due when the script ends has this long to arrive.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub(super) fn run(speed: f64, format: Format) -> Result<(), Failure> {
    if !(0.1..=1000.0).contains(&speed) {
        return Err(Failure::CouldNotAsk("--speed takes a number from 0.1 to 1000".to_owned()));
    }
    let folder = Scratch::new("demo")?;
    let result = play(speed, format, folder.path());
    drop(folder);
    result
}

fn play(speed: f64, format: Format, folder: &std::path::Path) -> Result<(), Failure> {
    let mut text = CONFIG.to_owned();
    if format == Format::Json {
        text = text.replace("type = \"console\"", "type = \"console\"\nformat = \"json\"");
    }
    let mut config = setup::embedded("config/demo.toml", &text)?;
    config.ledger.path = folder.join("demo.db");
    setup::runtime()?.block_on(async {
        let (metrics, registry) = Metrics::new();
        let daemon = Daemon::start(&config, metrics, Arc::clone(&registry)).await?;
        if format == Format::Text {
            output::say(
                "firstred demo: for the next minute a made-up engine runs workflows and some of them fail.\n\
                 Lines that begin with \"engine:\" are what it does; everything else is what firstred tells you.\n",
            );
        }
        let ended = push_all(daemon.address, speed, format).await;
        tokio::time::sleep(LAST_WORDS).await;
        daemon.stop().await;
        ended?;
        if format == Format::Text {
            output::say(
                "\nThat was firstred: one message for each failed run, with its first failed step; nothing for the run that \
                 recovered on a retry,\nfor the one that was cancelled, or for what was seen twice. Next: the README's \
                 \"Deploy it\".",
            );
        }
        Ok(())
    })
}

/// Plays the script against the daemon's own ingest endpoint.
async fn push_all(address: std::net::SocketAddr, speed: f64, format: Format) -> Result<(), Failure> {
    let client = Client::new(&ClientOptions::default())?;
    let url = Url::parse(&format!("http://{address}/ingest/demo"))?;
    let (begin, begin_at) = (Instant::now(), clock::now());
    for scene in script::scenes() {
        tokio::time::sleep_until(begin + scene.at.div_f64(speed)).await;
        if format == Format::Text {
            output::say(&format!("engine: {}", scene.title));
        }
        let played = |second: i64| stamp(begin_at, second, speed);
        let answer = client
            .send(Request {
                method: Method::POST,
                url: url.clone(),
                headers: vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                body: serde_json::to_vec(&(scene.run)(&played))?,
                timeout: Duration::from_secs(5),
                body_cap: 64 << 10,
            })
            .await?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(Failure::CouldNotAsk(format!("the demo's own ingest answered {}: {said}", answer.status)));
        }
    }
    Ok(())
}

/// The time of the script's second, as the clock on the wall has it.
fn stamp(begin: Timestamp, second: i64, speed: f64) -> String {
    let offset = SignedDuration::from_secs(second).div_duration_f64(SignedDuration::from_secs(1)) / speed;
    let offset = SignedDuration::try_from_secs_f64(offset).unwrap_or(SignedDuration::ZERO);
    begin.saturating_add(offset).unwrap_or(begin).to_string()
}
