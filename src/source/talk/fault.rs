//! Why a question to an engine has no answer, and what that means for the other questions. It holds no secret and no address.

use crate::source::PollError;

/// Why a question has no answer.
#[derive(Debug, Clone)]
pub(in crate::source) struct Fault {
    /// In words.
    pub(in crate::source) error: PollError,
    /// What it means.
    pub(in crate::source) kind: FaultKind,
    /// The HTTP status that was answered, where it was no yes.
    pub(in crate::source) status: Option<u16>,
}

/// What that means for the other questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum FaultKind {
    /// The server can't be reached, wants us to wait, or does not let us in: nothing else will work either.
    Down,
    /// The connection stood, and no whole answer came to a question that may take long ([`super::Talk::ask_long`]): it may be this question
    /// alone.
    Slow,
    /// It answered this question with this status.
    Refused(u16),
    /// The answer is longer than what is read.
    TooLarge,
    /// The answer is not what this engine answers.
    Shape,
}

impl Fault {
    pub(in crate::source) fn new(kind: FaultKind, doing: &str, reason: impl Into<String>) -> Self {
        let error = PollError { doing: doing.to_owned(), reason: reason.into(), retry_after: None };
        Self { error, kind, status: None }
    }
}
