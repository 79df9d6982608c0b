//! One problem: the failures that belong together, from the first to the proven recovery. The words and the facts of a single
//! incident; which there are, and what is said of them, is the board's to know.

mod concern;
mod ears;
mod id;
mod incident;
mod matching;
mod note;
mod withheld;

pub use concern::Concern;
pub use ears::Ears;
pub use id::IncidentId;
pub use incident::{Ear, Incident, Level, Number, Packed, Point, State, What};
pub use note::{
    Acknowledged, IncidentNote, LastSuccess, Novelty, Proof, ProviderNote, Resolution, RunRef, Summary, SummaryLine,
    Tallies,
};
pub use withheld::Withheld;

/// How many runs an incident can point at.
pub const MOST_REFS: usize = 10;
/// How many problems a summary names one by one.
pub const MOST_LINES: usize = 20;
/// How many names a summary counts by.
pub const MOST_TALLIES: usize = 10;
