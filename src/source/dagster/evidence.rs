//! All that is known of one run. It must not know what follows from it.

use super::story::Story;
use super::wire::{Detail, Run};

/// All that is known of one run.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// The row of a list.
    pub run: Run,
    /// Its plan and its events, where they were asked for.
    pub inside: Option<Inside>,
}

/// What happened inside of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Inside {
    pub detail: Detail,
    pub story: Story,
}

impl Evidence {
    /// What a list says.
    pub(super) fn of(run: Run) -> Self {
        Self { run, inside: None }
    }
}
