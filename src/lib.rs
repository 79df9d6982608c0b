//! firstred watches the runs of workflow engines and tells the right people, once, what the first failed step was.
//!
//! The map of the house. Imports run one way: `run ← triage ← engine ← config ← {source, ledger, receiver, server} ← daemon ← cli`.
//! The four in the middle don't know each other; what they share are the shell's commons: `net`, `metrics`, `clock`, `html`.

pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod engine;
mod html;
pub mod ledger;
pub mod metrics;
pub mod net;
pub mod receiver;
pub mod run;
pub mod server;
pub mod source;
pub mod telemetry;
pub mod triage;
