//! The command line: one file for each command. It parses, calls, prints, and answers with an exit code; it decides nothing.

mod ack;
mod backtest;
mod check;
mod coverage;
mod demo;
mod explain;
mod healthcheck;
mod incidents;
mod output;
mod pending;
mod preset;
mod receivers;
mod redact;
mod remote;
mod route;
mod run;
mod runs;
mod scratch;
mod setup;
mod silence;
mod source;
mod template;
mod test_receiver;
mod tried;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use output::Failure;

use crate::daemon::{timeline, words};

/// Watches the runs of workflow engines and tells the right people, once, what the first failed step was.
#[derive(Debug, Parser)]
#[command(name = "firstred", version, arg_required_else_help = true)]
struct Args {
    /// The configuration file.
    #[arg(long, short, global = true, env = "FIRSTRED_CONFIG", default_value = "firstred.toml", value_name = "FILE")]
    config: PathBuf,
    /// How answers are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon.
    Run,
    /// Check the configuration: print every mistake with its place, and run its tests. Exits 0, or 2 when it can't be used or a test
    /// fails.
    Check,
    /// Print the triage card of a run.
    Explain {
        /// A file of native runs (JSON, an array, NDJSON), `-` for standard input, or the id of a run in the ledger.
        #[arg(value_name = "FILE|-|RUN")]
        run: String,
    },
    /// Print which rules match a run, who would be told, and when. Exits 1 when nobody would be.
    Route {
        /// A file of native runs, `-` for standard input, or the id of a run in the ledger.
        #[arg(value_name = "FILE|-|RUN")]
        run: String,
        /// The source that the runs of a file are taken to come from. Default: the only one that is configured.
        #[arg(long)]
        source: Option<String>,
    },
    /// Print what a template of the configuration says of every kind of message; or one whole message with it. Exits 1 when it fails
    /// for any.
    Template {
        /// The template, as the configuration names it.
        name: String,
        /// The kind of message, as the list names it.
        #[arg(value_name = "KIND")]
        sample: Option<String>,
    },
    /// Ask a source's engine what polling asks, and show what comes of it.
    Source {
        #[command(subcommand)]
        command: source::Command,
    },
    /// Print the sources for other engines that are built in (Windmill, Kestra, Argo Workflows, Temporal, Make, Zapier, dbt Cloud, Jenkins,
    /// GitLab CI): a list of them with what each needs, or one, to be copied into the configuration.
    Preset {
        /// The preset, as the list names it.
        name: Option<String>,
    },
    /// Send a test message through a receiver, now. Exits 1 when it is not delivered.
    TestReceiver {
        /// The receiver, as the configuration names it.
        name: String,
    },
    /// Print what was seen, decided, held and sent about a run, and why not.
    Why {
        /// The engine's id of the run.
        #[arg(value_name = "RUN")]
        run: String,
    },
    /// Print the problems that go on: since when, how many failures, who knows, what comes next; or all that is known of one.
    Incidents {
        /// The incident, or how its id begins.
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Those that are over, too.
        #[arg(long)]
        all: bool,
    },
    /// Print what is held or withheld: since when, why, and when it is told.
    Pending,
    /// Print each receiver: when it last took something, what waits for it, what it refuses and by which word, open troubles, what is set.
    Receivers,
    /// Print which rule catches which workflow; what only the defaults or nothing catch; receivers and silences that got old. Exits 1
    /// when failures of some workflow would be told to nobody.
    Coverage,
    /// Say that somebody knows of an incident: no reminders and no escalation any more.
    Ack {
        /// The incident, or how its id begins.
        #[arg(value_name = "ID")]
        id: String,
        /// Who.
        #[arg(long, env = "USER", hide_env_values = true, default_value = "somebody")]
        by: String,
        /// Where the daemon listens. Default: `[server] listen` of the configuration.
        #[arg(long)]
        url: Option<String>,
    },
    /// Withhold messages for a time, list what does, or end it.
    Silence {
        #[command(subcommand)]
        command: silence::Command,
    },
    /// Print a text or a run without the secrets in it; or prove that none gets out (`--selftest`): plant made-up secrets of every kind in
    /// every field of a run, and look for them in every message, in the log and in the ledger. Exits 1 when one shows.
    Redact {
        /// A file, or `-` for standard input.
        #[arg(value_name = "FILE|-", required_unless_present = "selftest")]
        text: Option<String>,
        /// Plant and look. Of the configuration, if there is one, its receivers and secrets take part. Nothing is sent.
        #[arg(long, conflicts_with = "text")]
        selftest: bool,
        /// Plant this instead, such as a secret of your own kind: to see whether it would be found. May be said several times.
        #[arg(long, requires = "selftest", value_name = "SECRET")]
        plant: Vec<String>,
    },
    /// Replay what happened under other rules: messages before and after, failures that are told later, and those that nobody hears of any
    /// more. Exits 1 with `--fail-on lost` where there are any.
    Backtest {
        /// The configuration with the other rules.
        #[arg(value_name = "NEW.toml")]
        new: PathBuf,
        /// What counts: so far back. What is older only warms up.
        #[arg(long, default_value = "30d", value_parser = humantime::parse_duration)]
        since: std::time::Duration,
        /// What makes the answer a no.
        #[arg(long, value_enum)]
        fail_on: Option<backtest::FailOn>,
    },
    /// Watch a made-up engine fail in every way for a minute. Needs nothing and leaves nothing behind.
    Demo {
        /// How many times faster than life.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
    },
    /// Ask a running daemon whether it lives. For containers without a shell.
    Healthcheck {
        /// Its address. Default: `[server] listen` of the configuration.
        #[arg(value_name = "URL")]
        url: Option<String>,
        /// Ask whether it can see and send, too.
        #[arg(long)]
        ready: bool,
    },
}

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.command {
        Command::Run => run::run(&args.config, args.format),
        Command::Check => check::run(&args.config, args.format),
        Command::Explain { run } => explain::run(&args.config, &run, args.format),
        Command::Route { run, source } => route::run(&args.config, &run, source, args.format),
        Command::Template { name, sample } => template::run(&args.config, &name, sample.as_deref(), args.format),
        Command::Source { command } => source::run(&args.config, command, args.format),
        Command::Preset { name } => preset::run(name.as_deref(), args.format),
        Command::TestReceiver { name } => test_receiver::run(&args.config, &name, args.format),
        Command::Why { run } => why::run(&args.config, &run, args.format),
        Command::Redact { text: Some(text), .. } => redact::text(&text, args.format),
        Command::Redact { plant, .. } => redact::selftest(&args.config, &plant, args.format),
        Command::Backtest { new, since, fail_on } => backtest::run(&args.config, &new, since, fail_on, args.format),
        Command::Incidents { id, all } => incidents::run(&args.config, id.as_deref(), all, args.format),
        Command::Pending => pending::run(&args.config, args.format),
        Command::Receivers => receivers::run(&args.config, args.format),
        Command::Coverage => coverage::run(&args.config, args.format),
        Command::Ack { id, by, url } => ack::run(&args.config, &id, &by, url.as_deref(), args.format),
        Command::Silence { command } => silence::run(&args.config, command, args.format),
        Command::Demo { speed } => demo::run(speed, args.format),
        Command::Healthcheck { url, ready } => healthcheck::run(&args.config, url, ready, args.format),
    };
    output::exit(result, args.format)
}
