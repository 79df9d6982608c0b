//! What no value shows by itself: names that lead in circles, rules that never match, failures that nobody hears of.

mod reach;
mod shadow;

pub(super) use reach::{fallbacks, nobody, sources_named, unused};
pub(super) use shadow::shadowed;
