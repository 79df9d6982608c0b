//! A message that fits: it says less and less until it is short enough for its channel. It knows no channel.

use crate::receiver::draft::Draft;
use crate::receiver::message::{Budget, Message};

/// The first form of what `draft` says that `fits`; the last one says no more than what failed, and `fits` or not.
pub(crate) fn fitting<T>(draft: &Draft<'_>, render: impl Fn(&Message) -> T, fits: impl Fn(&T) -> bool) -> T {
    shrunk(draft, |budget| draft.message(budget), render, fits)
}

/// The same of how the problem stands, in full, for the one message that is edited.
pub(crate) fn fitting_present<T>(draft: &Draft<'_>, render: impl Fn(&Message) -> T, fits: impl Fn(&T) -> bool) -> T {
    shrunk(draft, |budget| draft.present(budget), render, fits)
}

fn shrunk<T>(
    draft: &Draft<'_>,
    make: impl Fn(Budget) -> Message,
    render: impl Fn(&Message) -> T,
    fits: impl Fn(&T) -> bool,
) -> T {
    for share in [100, 60, 30, 10, 0] {
        let mut message = make(Budget::percent(share));
        if share < 60 {
            message = message.without_links_in_lines();
        }
        if share == 0 {
            // Without texts, and of the links only the first.
            (message.said, message.detail) = (None, None);
            message.links.truncate(1);
        }
        let form = render(&message);
        if fits(&form) {
            return form;
        }
    }
    render(&bare(draft))
}

/// What failed where, and nothing else.
fn bare(draft: &Draft<'_>) -> Message {
    let mut message = draft.plain(Budget::percent(0));
    (message.said, message.detail, message.list, message.advice) = (None, None, None, None);
    (message.progress, message.class, message.links) = (None, None, Vec::new());
    (message.lead, message.context, message.facts) = (Vec::new(), Vec::new(), Vec::new());
    message
}
