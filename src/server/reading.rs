//! From the body of a push to runs: what an engine sends need not be native. It must not know any engine's format.

use std::fmt;

use hyper::HeaderMap;

use crate::run::{Limits, NativeError, Run, read_batch};

/// Reads what is pushed to one source.
pub trait Reading: fmt::Debug + Send + Sync {
    /// The runs of a body that its sender has proven to be his. It may take as long as its size asks for; it does no I/O.
    ///
    /// # Errors
    /// When the body as a whole can't be read, or not now; the sender is told so.
    fn read(&self, headers: &HeaderMap, body: &[u8], limits: Limits) -> Result<Pushed, Unread>;

    /// Whether it may take long whatever the size: it is read beside the tasks then.
    fn is_slow(&self) -> bool {
        false
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// What is in it is wrong: sent again, it would be as wrong.
    Wrong(NativeError),
    /// Nobody could read it now, which is not its sender's fault: it is to be sent again. Why, for the log.
    Later(String),
}

impl From<NativeError> for Unread {
    fn from(error: NativeError) -> Self {
        Self::Wrong(error)
    }
}

/// What was in a body.
#[derive(Debug, Default)]
pub struct Pushed {
    /// Its runs, each for itself.
    pub runs: Vec<Result<Run, NativeError>>,
    /// They came numbered: in an array, or several of them. Pointers begin with the number then.
    pub numbered: bool,
    /// It says that there is news to be asked for.
    pub wake: bool,
}

/// The native form: one run, an array of them, or one a line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Native;

impl Reading for Native {
    fn read(&self, _headers: &HeaderMap, body: &[u8], limits: Limits) -> Result<Pushed, Unread> {
        let runs = read_batch(body, limits)?;
        // A byte order mark may stand before it.
        let array = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start().starts_with(b"[");
        let numbered = array || runs.len() > 1;
        Ok(Pushed { runs, numbered, wake: false })
    }
}
