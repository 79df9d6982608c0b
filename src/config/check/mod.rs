//! What no value shows by itself: names that lead in circles, rules that never match, failures that nobody hears of.

mod daily;
mod quiet;
mod reach;
mod shadow;

use std::collections::BTreeMap;

pub(super) use daily::daily;
pub(super) use quiet::never_off;
pub(super) use reach::{fallbacks, nobody, sources_named, unused};
pub(super) use shadow::shadowed;

use super::parts::{Receiver, Schedules, Templates};
use super::path::Path;
use crate::engine::{Expectation, Inhibition, Owner, Rule, Silence};

/// What is weighed against each other, with where each stands.
pub(super) struct Parts<'a> {
    pub(super) receivers: &'a BTreeMap<String, Receiver>,
    pub(super) rules: &'a [(Rule, Path)],
    pub(super) default_notify: &'a [String],
    /// Whom the line of the day goes to.
    pub(super) daily: &'a [String],
    pub(super) schedules: &'a Schedules,
    pub(super) templates: &'a Templates,
    pub(super) silences: &'a [(Silence, Path)],
    pub(super) inhibitions: &'a [(Inhibition, Path)],
    pub(super) owners: &'a [(Owner, Path)],
    pub(super) expectations: &'a [(Expectation, Path)],
}
