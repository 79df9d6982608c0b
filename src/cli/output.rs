//! What commands print, and how they end: 0 fine, 1 the answer is no, 2 it could not be asked.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use super::Format;
use crate::config::Diagnostics;

/// How a command ends when it doesn't end well.
#[derive(Debug)]
pub enum Failure {
    /// The answer is no: exit code 1. Whatever is to be said has been printed.
    No,
    /// The answer is no, and this is why.
    NoBecause(String),
    /// It could not be asked: exit code 2. The text says what was being done, and what the user can do.
    CouldNotAsk(String),
    /// The configuration can't be used: exit code 2, with every mistake.
    Mistakes(Diagnostics),
    /// It could not be asked, and everything has been printed already.
    Said,
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self::CouldNotAsk(text)
    }
}

/// Turns the end of a command into an exit code, and says why: to people on standard error, to programs where they read the answer.
pub(super) fn exit(result: Result<(), Failure>, format: Format) -> ExitCode {
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    let code = match failure {
        Failure::No | Failure::NoBecause(_) => 1,
        Failure::CouldNotAsk(_) | Failure::Mistakes(_) | Failure::Said => 2,
    };
    match (failure, format) {
        (Failure::No | Failure::Said, _) => {}
        (Failure::NoBecause(text), Format::Text) => complain(&text),
        (Failure::CouldNotAsk(text), Format::Text) => complain(&format!("error: {text}")),
        (Failure::Mistakes(mistakes), Format::Text) => complain(&mistakes.render(colour())),
        (Failure::NoBecause(text) | Failure::CouldNotAsk(text), Format::Json) => {
            say(&json!({ "error": text }).to_string());
        }
        (Failure::Mistakes(mistakes), Format::Json) => {
            say(&json!({ "ok": false, "diagnostics": mistakes }).to_string());
        }
    }
    ExitCode::from(code)
}

/// Prints one line, or several, on standard output. A reader that went away is no error.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints on standard error.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a value as JSON.
pub(super) fn say_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    say(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Whether standard output is a terminal that wants colour.
#[expect(clippy::disallowed_methods, reason = "NO_COLOR is a convention of terminals, not configuration")]
pub(super) fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}
