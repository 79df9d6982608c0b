//! In which order a list comes, by what was read of it: what an order promises is believed only where it was seen. It asks nobody.

use jiff::Timestamp;

use super::checkpoint::mark;
use super::shape::Items;

/// Whether all that was read came with the newest first.
pub(super) struct NewestFirst {
    pub(super) holds: bool,
    /// No page ends amid runs of the same time: these may come in another order with each request, and slip from page to page.
    pub(super) sharp: bool,
    last: Option<Timestamp>,
}

impl Default for NewestFirst {
    fn default() -> Self {
        Self { holds: true, sharp: true, last: None }
    }
}

impl NewestFirst {
    pub(super) fn read(&mut self, items: &Items) {
        let first = items.runs.first().map(|(run, _)| mark(run));
        self.sharp &= self.last.is_none() || first.is_none_or(|first| first < self.last);
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
