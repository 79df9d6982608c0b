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
mod expect;
mod gone;
mod hold;
mod hostile;
mod http_source;
mod incidents;
mod ingest;
mod once;
mod prefect;
mod reload;
mod rules;
mod secrets;
mod shutdown;
mod silences;
mod simulation;
mod slack_faults;
mod slow_clients;
mod smtp;
mod webhook;
