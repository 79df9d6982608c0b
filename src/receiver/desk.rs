//! What people do about a problem in the place where they were told of it, and what they are answered. It knows no channel, and not how
//! anything is done: whoever knows the problems sits at the desk.

use std::future::Future;
use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};

/// What is being done.
pub type Doing<'a> = Pin<Box<dyn Future<Output = Result<Done, NotDone>> + Send + 'a>>;

/// Does what people ask for.
pub trait Desk: Send + Sync + 'static {
    /// Does it, and comes back once it is committed. `told`: the receivers through whose channel it was asked; what none of them was told
    /// of is as if it were not there. Asked again it does no harm. The future may be dropped at any await.
    fn act(&self, told: Vec<String>, action: Action, person: Person) -> Doing<'_>;
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// They take care of it.
    Acknowledge {
        /// The incident's id, or how that begins.
        incident: String,
    },
    /// What fails so is not to be told for a while.
    Silence {
        /// The incident's id, or how that begins.
        incident: String,
        /// How long.
        length: SignedDuration,
    },
    /// Why it was told, and what is known.
    Why {
        /// The incident's id, or how that begins.
        incident: String,
    },
    /// What goes on.
    Incidents,
}

/// Who asks. Both are cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What the channel calls them, `U012AB3CD`.
    pub id: String,
    /// What people call them.
    pub name: String,
}

impl Person {
    /// As it is put on record: names change and are not unique.
    #[must_use]
    pub fn on_record(&self) -> String {
        if self.name.is_empty() { self.id.clone() } else { format!("{} ({})", self.name, self.id) }
    }
}

/// A problem in short. Its texts come from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its id.
    pub id: String,
    /// What fails: workflow, step, code.
    pub title: String,
    /// Since when.
    pub since: Timestamp,
    /// When it failed last.
    pub last_at: Timestamp,
    /// How many failed attempts.
    pub failures: u32,
    /// Of how many runs.
    pub runs: u32,
    /// Who takes care of it.
    pub acknowledged: Option<String>,
    /// It is over.
    pub over: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// Somebody takes care.
    Acknowledged {
        /// Of this.
        problem: Problem,
        /// It was not so before.
        changed: bool,
    },
    /// It is silent.
    Silenced {
        /// This.
        problem: Problem,
        /// Until then.
        until: Timestamp,
        /// The silence's name.
        silence: String,
    },
    /// Why it was told: a label and its text, the most telling first.
    Why {
        /// Which.
        problem: Problem,
        /// Labels and texts.
        lines: Vec<(&'static str, String)>,
    },
    /// What goes on, the newest first.
    Incidents {
        /// The newest ones.
        problems: Vec<Problem>,
        /// How many there are besides.
        more: usize,
    },
}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// There is none, or it is not for them.
    #[error("no incident that was told here is called {0:?}")]
    Unknown(String),
    /// Several begin so.
    #[error("more than one incident begins with {0:?}: write more of its id")]
    Several(String),
    /// It is over.
    #[error("it is over already")]
    Over,
    /// It can't be done so.
    #[error("{0}")]
    Refused(String),
    /// Not now.
    #[error("firstred can't do it now: try again in a minute")]
    Later,
}
