//! `[[test]]`: what `firstred check` tries out.

use std::collections::BTreeSet;

use crate::run::Run;
use crate::triage::Class;

/// One `[[test]]`: a run, and what must come of it.
#[derive(Debug, Clone)]
pub struct TestCase {
    /// Its name, unique.
    pub name: String,
    /// The run, as a source would report it.
    pub run: Run,
    /// The source that it is taken to come from; absent: the only one that is configured.
    pub source: Option<String>,
    /// What must come of it.
    pub want: Wanted,
}

/// What must come of a run. What is absent may be anything; at least one is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Exactly these are told, at once or when the hold ends. Empty: nobody.
    pub receivers: Option<BTreeSet<String>>,
    /// The class of the failure.
    pub class: Option<Class>,
    /// Whether a retry keeps it quiet for now.
    pub held: Option<bool>,
    /// This rule matches, and is reached.
    pub rule: Option<String>,
}
