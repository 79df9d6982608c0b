//! What the API needs of whoever knows the problems. It must not know what a problem is, nor where it is kept: questions go in, JSON
//! comes out.

use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use serde_json::Value;

use super::Sheet;
use crate::engine::Matcher;
use crate::net::permit::Permit;

/// An answer that is being looked up.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, ClerkError>> + Send + 'a>>;

/// A page that is being looked up.
pub type Drawing<'a> = Pin<Box<dyn Future<Output = Result<Sheet, ClerkError>> + Send + 'a>>;

/// Answers what is asked by the API, and does what it is told.
pub trait Clerk: Send + Sync + 'static {
    /// The answer as JSON. What changes something is committed by then. The future may be dropped at any await; what was asked for may
    /// still be done, and asking again does no harm.
    fn ask(&self, asked: Asked) -> Answering<'_>;

    /// What the page of a problem shows to who has this permit, as long as whom it was given to may still see it.
    fn draw(&self, permit: Permit) -> Drawing<'_>;
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The problems that go on; `all`: those that are over, too.
    Incidents {
        /// Those that are over, too.
        all: bool,
    },
    /// One problem, with all that is known of it.
    Incident {
        /// Its id, or how that begins.
        id: String,
    },
    /// What was seen, decided and said about the runs with this id.
    Why {
        /// The engine's id.
        run: String,
    },
    /// The silences in force, those of the configuration included.
    Silences,
    /// What is held or withheld.
    Pending,
    /// The receivers, each as it stands.
    Receivers,
    /// Somebody knows.
    Acknowledge {
        /// The incident's id, or how that begins.
        id: String,
        /// Who.
        by: String,
    },
    /// A new silence.
    Silence(Box<NewSilence>),
    /// A silence for one problem: for what fails as it does.
    SilenceIncident {
        /// The incident's id, or how that begins.
        id: String,
        /// Until when.
        until: Timestamp,
        /// Who makes it.
        by: Option<String>,
    },
    /// The end of a silence that was made by command.
    EndSilence {
        /// Its id.
        id: String,
    },
}

/// A silence that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSilence {
    /// What is not told.
    pub when: Matcher,
    /// Until when.
    pub until: Timestamp,
    /// Who makes it.
    pub by: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// It does not hold back an error that is new since it began.
    pub unless_new: bool,
}

/// Why there is no answer. Each text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClerkError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It can't be done so.
    #[error("{0}")]
    Refused(String),
    /// Whom it was once shown may not see it any more.
    #[error("the receiver that this was shown to is no longer told of it")]
    NotYours,
    /// The ledger's disk is full.
    #[error("the ledger's disk is full: make room, then ask again")]
    Full,
    /// The ledger does not answer now. The text stays in the log.
    #[error("the ledger does not answer now: ask again in a few seconds")]
    Unavailable(String),
}
