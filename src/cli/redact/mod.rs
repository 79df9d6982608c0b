//! `firstred redact`: a text without its secrets; and the proof that none gets out: secrets of every kind, planted in every field of made-up
//! runs, and looked for in every message, in the log and in the ledger.

mod canaries;
mod pipeline;
mod plant;
mod search;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::ExposeSecret as _;
use serde_json::json;

use self::canaries::{Canary, PIECE, SHAPES};
use self::pipeline::Seen;
use self::plant::{FIELDS, Keeps};
use super::scratch::Scratch;
use super::{Failure, Format, output, runs, setup};
use crate::config::Config;
use crate::receiver::Receiver;
use crate::telemetry;
use crate::triage::redact::{clean, redact};

const CONFIG: &str = include_str!("selftest.toml");

/// How much is redacted at a time: redaction looks at 64 KiB of a text.
const PART: usize = 48 << 10;

/// The most places and fields that are named.
const MOST: usize = 40;

/// Prints a text without its secrets.
pub(super) fn text(argument: &str, format: Format) -> Result<(), Failure> {
    let bytes = runs::bytes(argument)?;
    let whole = String::from_utf8_lossy(&bytes);
    let (mut shown, mut count) = (String::with_capacity(whole.len()), 0);
    for part in parts(&whole) {
        let cleaned = clean(part);
        let redacted = redact(&cleaned);
        shown.push_str(&redacted.text);
        count += redacted.count;
    }
    match format {
        Format::Json => output::say_json(&json!({ "text": shown, "redacted": count }))?,
        Format::Text => output::say(shown.trim_end_matches('\n')),
    }
    Ok(())
}

/// The text in parts that redaction looks at as a whole, cut at line breaks where there are any.
fn parts(whole: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), whole);
    while rest.len() > PART {
        let end = rest.floor_char_boundary(PART);
        let end = rest[..end].rfind('\n').map_or(end, |at| at + 1);
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Plants secrets of every kind, or those of `planted`, and looks for them.
pub(super) fn selftest(path: &Path, planted: &[String], format: Format) -> Result<(), Failure> {
    let own = setup::config_if_there(path)?;
    let folder = Scratch::new("selftest")?;
    let mut config = setup::embedded("selftest.toml", CONFIG)?;
    config.ledger.path = folder.path().join("selftest.db");
    let log = Log::default();
    let logs = telemetry::record(log.clone())?;

    let runs = if planted.is_empty() {
        plant::all()
    } else {
        planted.iter().enumerate().flat_map(|(number, secret)| plant::with(secret, number)).collect()
    };
    let others = own.as_ref().map(receivers_of).transpose()?.unwrap_or_default();
    let runtime = setup::runtime()?;
    let mut gone = runtime.block_on(pipeline::go(&config, &others, folder.path(), &runs))?;
    drop(logs);
    gone.seen.push(Seen { place: "the log".to_owned(), bytes: log.taken() });

    let configured = own.as_ref().map(configured).unwrap_or_default();
    let canaries: Vec<&Canary> = runs.iter().flat_map(|planted| &planted.canaries).chain(&configured).collect();
    let leaks = search::leaks(&canaries, &gone.seen)
        .map_err(|error| Failure::CouldNotAsk(format!("failed to build the search: {error}")))?;
    let report = Report {
        kinds: if planted.is_empty() { SHAPES.len() } else { planted.len() },
        fields: FIELDS.len(),
        runs: runs.len(),
        canaries: canaries.len(),
        configured: configured.len(),
        gone: &gone,
        leaks: &leaks,
    };
    match format {
        Format::Json => output::say_json(&report.json())?,
        Format::Text => output::say(&report.text()),
    }
    if leaks.is_empty() { Ok(()) } else { Err(Failure::No) }
}

fn receivers_of(config: &Config) -> Result<Vec<(String, Receiver)>, Failure> {
    let build = |(name, settings)| -> Result<_, Failure> {
        Ok((String::clone(name), Receiver::build(name, settings, config.server.public_url.as_ref())?))
    };
    config.receivers.iter().map(build).collect()
}

/// The secrets of the user's own configuration: none may show either.
fn configured(config: &Config) -> Vec<Canary> {
    let long = config.secrets.iter().filter(|secret| secret.expose_secret().chars().count() >= PIECE);
    long.map(|secret| canaries::of_own(secret.expose_secret(), "the configuration")).collect()
}

/// What was done and what came of it.
struct Report<'a> {
    kinds: usize,
    fields: usize,
    runs: usize,
    canaries: usize,
    configured: usize,
    gone: &'a pipeline::Gone,
    leaks: &'a search::Leaks,
}

impl Report<'_> {
    /// Where was looked, and at how many bytes.
    fn places(&self) -> Vec<(&str, usize, usize)> {
        let mut places: Vec<(&str, usize, usize)> = Vec::new();
        for Seen { place, bytes } in &self.gone.seen {
            match places.iter_mut().find(|(known, ..)| known == place) {
                Some((_, count, size)) => (*count, *size) = (*count + 1, *size + bytes.len()),
                None => places.push((place, 1, bytes.len())),
            }
        }
        places
    }

    fn json(&self) -> serde_json::Value {
        let places = self.places().into_iter();
        let places: Vec<_> =
            places.map(|(place, count, bytes)| json!({ "place": place, "count": count, "bytes": bytes })).collect();
        let leaks: Vec<_> = self
            .leaks
            .iter()
            .flat_map(|(place, found)| {
                found.iter().map(move |(field, kind)| json!({ "field": field, "kind": kind, "place": place }))
            })
            .collect();
        json!({
            "ok": self.leaks.is_empty(), "kinds": self.kinds, "fields": self.fields, "runs": self.runs, "secrets": self.canaries,
            "configured": self.configured, "messages": self.gone.messages, "notifications": self.gone.kinds, "places": places,
            "leaks": leaks,
        })
    }

    fn text(&self) -> String {
        let mut lines = vec![format!(
            "planted {} secrets of {} kinds in {} fields of {} runs; {} of them are from your configuration",
            self.canaries, self.kinds, self.fields, self.runs, self.configured
        )];
        let said: Vec<&str> = self.gone.kinds.iter().copied().collect();
        lines.push(format!("{} messages came of them: {}", self.gone.messages, said.join(", ")));
        let places = self.places();
        let width = places.iter().map(|(place, ..)| place.chars().count()).max().unwrap_or_default();
        for (place, count, bytes) in places {
            let leaked = self.leaks.get(place).map_or(0, Vec::len);
            let found = if leaked == 0 { "none shows".to_owned() } else { format!("{leaked} SHOW") };
            lines.push(format!("  {place:width$}  {count:>5} looked at, {bytes:>9} bytes  {found}"));
        }
        let leaks = self.leaks.iter().flat_map(|(place, found)| found.iter().map(move |leak| (place, leak)));
        for (place, (field, kind)) in leaks.clone().take(MOST) {
            lines.push(format!("leak: {kind} planted in {field} shows in {place}"));
        }
        let more = leaks.count().saturating_sub(MOST);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let kept = FIELDS.iter().filter(|field| field.keeps == Keeps::Identity).map(|field| field.name);
        lines.push(format!(
            "kept as they are in the ledger, for the engine is asked by them: {}",
            kept.collect::<Vec<_>>().join(", ")
        ));
        lines.join("\n")
    }
}

/// Where the log of this process goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_of_receiver_takes_part() {
        let config = setup::embedded("selftest.toml", CONFIG).expect("a configuration");
        let there: BTreeSet<&str> = config.receivers.values().map(|settings| settings.kind.as_str()).collect();
        let known: BTreeSet<&str> = crate::config::receiver_types().collect();
        assert_eq!(there, known, "write a section for it into cli/redact/selftest.toml");
        assert!(config.receivers.values().any(|settings| settings.template.is_some()), "templates take part");
    }

    #[test]
    fn a_long_text_is_redacted_in_parts_that_lose_nothing() {
        let text = "a line\n".repeat(20_000) + &"é".repeat(60_000);
        assert_eq!(parts(&text).concat(), text);
        assert!(parts(&text).iter().all(|part| part.len() <= PART));
    }
}
