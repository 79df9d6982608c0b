//! Wires the rooms together: start, reload, shutdown. The only room that knows them all; it decides nothing about runs.

mod bridge;
mod clerk;
mod daily;
mod desk;
mod doors;
mod heartbeat;
mod holds;
mod housekeeping;
mod lanes;
mod lobbies;
mod own_trouble;
mod pollers;
pub mod questions;
mod readiness;
mod reading;
mod settled;
mod signals;
mod start;
mod successes;
#[cfg(test)]
mod tests;
pub mod token;
pub mod views;
mod watch_file;
mod why;

pub use bridge::{Bridge, admit};
pub use start::{Daemon, Reload, StartError, run};
