//! `firstred check`: every mistake of the configuration, with its place and a way out. Exits 0, or 2 when it can't be used.

use std::path::Path;

use serde_json::json;

use super::{Failure, Format, output, setup};
use crate::config::render;

pub(super) fn run(path: &Path, format: Format) -> Result<(), Failure> {
    let (ok, mistakes) = match setup::read(path) {
        Ok(loaded) => (true, loaded.warnings),
        Err(mistakes) => (false, mistakes.0),
    };
    match format {
        Format::Json => output::say_json(&json!({ "ok": ok, "diagnostics": mistakes }))?,
        Format::Text => {
            if !mistakes.is_empty() {
                output::say(render(&mistakes, output::colour()).trim_end());
            }
            let count = |errors: bool| mistakes.iter().filter(|mistake| mistake.is_error() == errors).count();
            let path = path.display();
            output::say(&match (count(true), count(false)) {
                (0, 0) => format!("{path} is fine"),
                (0, warnings) => format!("{path} can be used; {warnings} to look at"),
                (errors, warnings) => format!("{path} can't be used: {errors} to repair, {warnings} to look at"),
            });
        }
    }
    if ok { Ok(()) } else { Err(Failure::Said) }
}
