//! The template language as it is used here: without files, without the environment, without a clock, with an end. It knows no message.
//!
//! `fuel` bounds time and memory together: about one unit for each instruction and for each 64 bytes that a template makes
//! (`minijinja::Environment::set_fuel`), so that what never ends is over within milliseconds and about 2 MB.

use std::ops::Range;

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};

use super::filters;
use crate::config::Block;
use crate::receiver::message::text;

/// A template of eight lines over the longest error takes about 300.
const FUEL: u64 = 30_000;

/// The most bytes of one block, before it is cut to its place. The longest text of a payload is a detail of 8,000 characters.
const MOST_BYTES: usize = 32 << 10;

/// The longest reason.
const REASON: usize = 120;

/// Why a block can't be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Where in the template, in bytes.
    pub(super) at: Option<Range<usize>>,
    /// What is wrong.
    pub(super) message: String,
    /// It is about something that is not there.
    pub(super) absent: bool,
}

/// The language, without any template.
pub(super) fn environment() -> Environment<'static> {
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_fuel(Some(FUEL));
    jinja.set_recursion_limit(50);
    // Its errors would hold what the message is about.
    jinja.set_debug(false);
    jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // What is not there must not be said as "none".
    jinja.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(Error::new(ErrorKind::UndefinedError, NOTHING));
        }
        escape_formatter(out, state, value)
    });
    // What would escape for HTML, or switch escaping off: here is only text.
    for filter in ["safe", "escape", "e", "pprint"] {
        jinja.remove_filter(filter);
    }
    jinja.remove_global("debug");
    filters::add_to(&mut jinja);
    jinja
}

const NOTHING: &str = "it is nothing here";

/// What `block` says, clean, never empty unless it may be.
pub(super) fn render(jinja: &Environment<'_>, block: Block, context: &Value) -> Result<String, Failure> {
    let said = jinja
        .get_template(block.as_str())
        .and_then(|template| template.render(context.clone()))
        .map_err(|error| of_error(&error))?;
    let failure = |message: String| Failure { at: None, message, absent: false };
    if said.len() > MOST_BYTES {
        return Err(failure(format!("it is longer than {MOST_BYTES} bytes")));
    }
    let said = match block {
        Block::Title | Block::Headline | Block::Advice | Block::Footer => text::line(&said),
        Block::Text | Block::Extra => text::block(&said).trim_start_matches('\n').to_owned(),
    };
    if said.trim().is_empty() && block != Block::Extra {
        return Err(failure("it says nothing".to_owned()));
    }
    Ok(said)
}

/// What an error means.
pub(super) fn of_error(error: &Error) -> Failure {
    let at = error.range().filter(|range| !range.is_empty());
    Failure { at, message: reason(error), absent: error.kind() == ErrorKind::UndefinedError }
}

/// An error in a few words. The details are minijinja's words about types and names; cut short, whatever they are.
pub(super) fn reason(error: &Error) -> String {
    let said = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it takes too long".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    text::end_cut(&text::line(&said), REASON)
}
