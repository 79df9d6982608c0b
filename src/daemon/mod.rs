//! Wires the rooms together: start, reload, shutdown. The only room that knows them all; it decides nothing about runs.

mod bridge;
mod clerk;
mod daily;
mod desk;
mod doors;
mod heartbeat;
mod holds;
mod housekeeping;
pub mod key;
mod lanes;
mod lobbies;
mod own_trouble;
mod page;
mod pollers;
mod prepared;
mod private_file;
pub mod questions;
mod readiness;
mod reading;
mod run;
mod settled;
mod signals;
mod start;
mod successes;
#[cfg(test)]
mod tests;
pub(crate) mod timeline;
pub mod token;
pub mod views;
mod watch_file;
mod why;
pub(crate) mod words;

pub use bridge::{Bridge, admit};
pub(crate) use pollers::survey;
pub use run::run;
pub use start::{Daemon, Reload, StartError};
