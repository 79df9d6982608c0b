//! firstred from outside: the real binary between test doubles that are as strict as the services they stand for.
//!
//! Every test starts its own daemon, its own services and its own folder, all on loopback and on free ports. Tests never sleep to
//! wait: they wait for the thing itself, with a deadline. `README.md` in this folder says how to run the heavy ones.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a broken assumption of a test double must stop the test, and say why"
)]

mod support;

mod api;
mod backtest;
mod cli;
mod cli_json;
mod crash;
mod engines;
mod expect;
mod github;
mod gone;
mod hold;
mod honest;
mod hostile;
mod http_source;
mod incidents;
mod ingest;
mod links;
mod once;
mod presets;
mod promises;
mod redact;
mod reload;
mod rules;
mod secrets;
mod shutdown;
mod silences;
#[expect(
    clippy::struct_excessive_bools,
    clippy::too_many_lines,
    clippy::match_same_arms,
    clippy::nonminimal_bool,
    clippy::format_collect,
    clippy::similar_names,
    reason = "the oracle is plain and slow on purpose: one case after another"
)]
mod simulation;
mod slack_bot;
mod slack_faults;
mod slack_people;
mod slow_clients;
mod smtp;
mod sources;
mod templates;
mod webhook;
