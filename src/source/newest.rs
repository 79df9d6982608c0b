//! Keeping what is remembered with a time within a bound. It knows no engine.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Leaves the newest `keep` of them.
pub(super) fn newest(times: &mut BTreeMap<String, Timestamp>, keep: usize) {
    if times.len() <= keep {
        return;
    }
    let mut ordered: Vec<Timestamp> = times.values().copied().collect();
    ordered.sort_unstable_by(|one, other| other.cmp(one));
    if let Some(oldest) = ordered.get(keep.saturating_sub(1)).copied() {
        times.retain(|_, at| *at >= oldest);
    }
    // Many may have ended at the same moment.
    while times.len() > keep {
        times.pop_first();
    }
}
