//! `type = "console"`: what is set.

/// `type = "console"`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsoleReceiver {
    /// One JSON object a line instead of text for people.
    pub json: bool,
}
