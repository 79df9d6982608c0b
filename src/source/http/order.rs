//! In which order a list comes, by what was read of it: what an order promises is believed only where it was seen. It asks nobody.

use jiff::Timestamp;

use super::checkpoint::mark;
use super::shape::Items;

/// Whether all that was read came with the newest first.
pub(super) struct NewestFirst {
    pub(super) holds: bool,
    last: Option<Timestamp>,
}

impl Default for NewestFirst {
    fn default() -> Self {
        Self { holds: true, last: None }
    }
}

impl NewestFirst {
    pub(super) fn read(&mut self, items: &Items) {
        for (run, _) in &items.runs {
            let mark = mark(run);
            self.holds &= mark.is_some() && self.last.is_none_or(|last| mark <= Some(last));
            self.last = mark;
        }
    }
}

/// Whether a page begins with its oldest run. Changes may come in any order; a list that is sorted at all is sorted by its starts too.
pub(super) fn oldest_first(items: &Items) -> bool {
    let (Some((first, _)), Some((last, _))) = (items.runs.first(), items.runs.last()) else { return false };
    mark(first) < mark(last) && first.started_at <= last.started_at
}
