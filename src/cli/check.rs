//! `firstred check`: every mistake of the configuration, with its place and a way out, and its tests. Exits 0, or 2 when it can't be
//! used or a test fails.

use std::path::Path;

use serde_json::json;

use super::tried::{Tried, try_out};
use super::{Failure, Format, output, setup};
use crate::config::render;

pub(super) fn run(path: &Path, format: Format) -> Result<(), Failure> {
    let (used, mistakes, tried) = match setup::read(path) {
        Ok(loaded) => {
            let tried: Vec<Tried> = loaded.config.tests.iter().map(|test| try_out(test, &loaded.config)).collect();
            (true, loaded.warnings, tried)
        }
        Err(mistakes) => (false, mistakes.0, Vec::new()),
    };
    let failed = tried.iter().filter(|tried| !tried.ok).count();
    let ok = used && failed == 0;
    match format {
        Format::Json => output::say_json(&json!({ "ok": ok, "diagnostics": mistakes, "tests": tried }))?,
        Format::Text => {
            if !mistakes.is_empty() {
                output::say(render(&mistakes, output::colour()).trim_end());
            }
            tried.iter().flat_map(Tried::lines).for_each(|line| output::say(&line));
            let count = |errors: bool| mistakes.iter().filter(|mistake| mistake.is_error() == errors).count();
            let path = path.display();
            let tests = tests(tried.len(), failed);
            output::say(&match (count(true), count(false)) {
                (0, 0) if failed == 0 => format!("{path} is fine{tests}"),
                (0, 0) => format!("{path} does not do what it should{tests}"),
                (0, warnings) if failed == 0 => format!("{path} can be used; {warnings} to look at{tests}"),
                (0, warnings) => format!("{path} does not do what it should; {warnings} to look at{tests}"),
                (errors, warnings) => format!("{path} can't be used: {errors} to repair, {warnings} to look at"),
            });
        }
    }
    if ok { Ok(()) } else { Err(Failure::Said) }
}

fn tests(all: usize, failed: usize) -> String {
    match (all, failed) {
        (0, _) => String::new(),
        (1, 0) => "; its test passes".to_owned(),
        (all, 0) => format!("; its {all} tests pass"),
        (all, failed) => format!("; {failed} of {all} tests failed"),
    }
}
