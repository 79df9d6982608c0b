//! Standard output: text for people, or one JSON object a line. It knows no terminal but whether it may use colour.

use std::io::{IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::common::Common;
use super::draft::Composer;
use super::message::{Budget, Message, Tone, plain, text};
use super::payload;
use crate::config::ConsoleReceiver;
use crate::engine::{Delivery, Outcome};
use crate::triage::redact::Secrets;

/// Where the console writes to.
pub(crate) type Writer = Box<dyn Write + Send>;

/// Standard output, or what stands in for it.
pub(crate) struct Console {
    json: bool,
    colour: bool,
    timeout: Duration,
    composer: Composer,
    /// Locked for a whole card, so that two never mix.
    writer: Arc<Mutex<Writer>>,
}

impl Console {
    pub(crate) fn stdout(settings: ConsoleReceiver, common: &Common) -> Self {
        Self::to(Box::new(std::io::stdout()), settings, std::io::stdout().is_terminal(), common)
    }

    pub(crate) fn to(writer: Writer, settings: ConsoleReceiver, colour: bool, common: &Common) -> Self {
        let (timeout, composer) = (common.timeout, common.composer.clone());
        Self { json: settings.json, colour, timeout, composer, writer: Arc::new(Mutex::new(writer)) }
    }

    /// One attempt. Delivered means written and flushed.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Outcome {
        let mut said = self.said(delivery);
        said.push('\n');
        let writer = Arc::clone(&self.writer);
        // A pipe that nobody reads blocks: that must not block anything else.
        let written = tokio::task::spawn_blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.write_all(said.as_bytes()).and_then(|()| writer.flush())
        });
        let written = tokio::time::timeout(self.timeout, written).await;
        match written.map(|joined| joined.unwrap_or_else(|error| Err(std::io::Error::other(error)))) {
            Ok(Ok(())) => Outcome::delivered("written"),
            Ok(Err(error)) => {
                let reason = text::reason(&format!("failed to write to standard output: {error}"), &Secrets::default());
                Outcome::Refused { permanent: false, reason, retry_after: None }
            }
            Err(_) => Outcome::Unknown { reason: "standard output takes nothing".to_owned() },
        }
    }
}

impl Console {
    fn said(&self, delivery: &Delivery) -> String {
        if self.json {
            return payload::json(&delivery.notification);
        }
        // The empty line keeps two cards apart.
        format!("{}\n", card(&self.composer.draft(delivery).message(Budget::FULL), self.colour))
    }

    /// What is written.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        vec![(if self.json { "json" } else { "text" }, self.said(delivery).into_bytes())]
    }
}

/// The card for a terminal. Only our own colours are in it: control characters of the texts were made visible.
pub(crate) fn card(message: &Message, colour: bool) -> String {
    let said = plain::card(message);
    let (top, rest) = said.split_once('\n').map_or((said.as_str(), None), |(top, rest)| (top, Some(rest)));
    let (on, off) = match message.tone {
        _ if !colour => ("", ""),
        Tone::Bad => ("\x1b[1;31m", "\x1b[0m"),
        Tone::Warn | Tone::Known => ("\x1b[1;33m", "\x1b[0m"),
        Tone::Good => ("\x1b[1;32m", "\x1b[0m"),
        Tone::Note => ("\x1b[1m", "\x1b[0m"),
    };
    let rest = rest.map(|rest| format!("\n{rest}")).unwrap_or_default();
    format!("{emoji} {on}{top}{off}{rest}\n\n{footer}", emoji = message.emoji, footer = message.footer)
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
