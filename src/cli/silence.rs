//! `firstred silence`: what is not told for a time, and is summed up at the end of it.

use std::fmt::Write as _;
use std::path::Path;

use clap::{ArgGroup, Subcommand};
use jiff::{Timestamp, Zoned};
use reqwest::Method;
use serde_json::{Value, json};

use super::remote::Remote;
use super::words::{count, moment, time};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::daemon::questions::Questions;
use crate::daemon::views::SilenceView;
use crate::engine::Matcher;
use crate::triage::redact::clean;

/// What is done with silences.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Withhold what matches, for a time. It is counted, and summed up at the end.
    #[command(group(ArgGroup::new("end").required(true).args(["length", "until"])))]
    Add {
        /// What is withheld: workflow=nightly-*, step=, code=, class=, status=, source=, workspace=, labels.NAME=. All must fit; a key
        /// that is repeated matches any of its values.
        #[arg(value_name = "KEY=VALUE", required = true)]
        matches: Vec<String>,
        /// For how long: 30m, 2h, 3d.
        #[arg(long = "for", value_name = "TIME")]
        length: Option<String>,
        /// Until when: 2026-11-25T06:00:00Z, or 2026-11-25T06:00[Europe/Berlin].
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Why, for whoever wonders.
        #[arg(long)]
        comment: Option<String>,
        /// Ends early when an error comes that was never seen before.
        #[arg(long)]
        unless_new: bool,
        /// Who makes it.
        #[arg(long, env = "USER", hide_env_values = true)]
        by: Option<String>,
        /// Where the daemon listens. Default: `[server] listen` of the configuration.
        #[arg(long)]
        url: Option<String>,
    },
    /// Print the silences: those of the configuration, too.
    List,
    /// End a silence that was made by command, now.
    End {
        /// Its id, as `firstred silence list` shows it.
        id: String,
        /// Where the daemon listens. Default: `[server] listen` of the configuration.
        #[arg(long)]
        url: Option<String>,
    },
}

pub(super) fn run(config: &Path, command: Command, format: Format) -> Result<(), Failure> {
    match command {
        Command::Add { matches, length, until, comment, unless_new, by, url } => {
            let matcher = Matcher::parse(&matches)?;
            let until = until.as_deref().map(instant).transpose()?;
            let body = json!({
                "match": matcher, "for": length, "until": until, "comment": comment, "by": by, "unlessNew": unless_new,
            });
            let answer =
                Remote::of(&setup::config(config)?, url.as_deref())?.ask(&Method::POST, "silences", Some(&body))?;
            if format == Format::Json {
                return output::say_json(&answer);
            }
            let end = answer["until"].as_str().and_then(|until| until.parse().ok()).map(time).unwrap_or_default();
            let (id, what) = (id_of(&answer), clean(&matcher.describe()).into_owned());
            output::say(&format!(
                "silence {id} withholds {what} until {end}; `firstred silence end {id}` ends it earlier"
            ));
            Ok(())
        }
        Command::List => list(config, format),
        Command::End { id, url } => {
            let path = format!("silences/{id}");
            let answer = Remote::of(&setup::config(config)?, url.as_deref())?.ask(&Method::DELETE, &path, None)?;
            if format == Format::Json {
                return output::say_json(&answer);
            }
            output::say(&format!("silence {} is over: what it withheld is told now, together", clean(&id)));
            Ok(())
        }
    }
}

fn id_of(answer: &Value) -> String {
    clean(answer["id"].as_str().unwrap_or_default()).into_owned()
}

/// A time with an offset, or with the place whose clock shows it.
fn instant(text: &str) -> Result<Timestamp, Failure> {
    let zoned = || text.parse::<Zoned>().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>().or_else(|_| zoned()).map_err(|_| {
        Failure::CouldNotAsk(format!(
            "`{text}` is no time with its zone: write 2026-11-25T06:00:00Z or 2026-11-25T06:00[Europe/Berlin]"
        ))
    })
}

fn list(config: &Path, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let now = clock::now();
    let all = Questions::open(&config.ledger.path, &config.policy, now)?.silences()?;
    if format == Format::Json {
        return output::say_json(&all);
    }
    if all.is_empty() {
        output::say("there is no silence");
    }
    for silence in &all {
        output::say(&text(silence, now));
    }
    Ok(())
}

/// A silence in two lines.
pub(super) fn text(silence: &SilenceView, now: Timestamp) -> String {
    let mut text = format!("{}  {}", clean(&silence.id), clean(&silence.when.describe()));
    let end = moment(silence.until, now);
    let _ = match (silence.on, silence.ended_early) {
        (_, Some(at)) => write!(text, "\n    ended early by a new error, {}", moment(at, now)),
        (true, None) => write!(text, "\n    on until {end}"),
        (false, None) if silence.until <= now => write!(text, "\n    over since {end}"),
        (false, None) => {
            write!(text, "\n    on from {} until {end}", silence.from.map_or(end.clone(), |at| moment(at, now)))
        }
    };
    if silence.unless_new && silence.ended_early.is_none() {
        text.push_str(", or until a new error");
    }
    if silence.withholds > 0 {
        let _ = write!(text, "; {} waiting", count(silence.withholds, "incident is", "incidents are"));
    }
    match &silence.by {
        Some(by) => {
            let _ = write!(text, "; by {}", clean(by));
        }
        None if silence.configured => text.push_str("; in the configuration"),
        None => {}
    }
    if let Some(comment) = &silence.comment {
        let _ = write!(text, ": {}", clean(comment));
    }
    text
}
