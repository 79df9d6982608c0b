//! DAG files that Airflow can't read. No run of theirs will ever start, so that each file is told as a failure of its own: once, and
//! again when it fails in another way, and over when it is gone. It must not know how the list is read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fatal::{Raised, cut};
use super::link::Pages;
use super::traceback;
use super::wire::ImportError;
use crate::run::{Run, RunStatus, StepError, Workflow};
use crate::source::Seen;

/// What the ids of these "runs" begin with.
const PREFIX: &str = "import-error:";
/// The most files that are remembered.
const FILES: usize = 1_000;

/// A file that could not be read when last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Broken {
    /// When it was first seen so.
    pub since: Timestamp,
    /// How it failed: its exception, without what moves from one reading to the next.
    pub how: String,
}

/// What the list of import errors brings: what to tell, and what is to be remembered then.
pub(super) fn news(
    known: &BTreeMap<String, Broken>,
    listed: &[ImportError],
    whole: bool,
    history: bool,
    now: Timestamp,
    pages: &Pages,
) -> (Vec<Seen>, BTreeMap<String, Broken>) {
    let (mut told, mut next) = (Vec::new(), BTreeMap::new());
    for error in listed {
        let name = name(error);
        // One file may stand there twice for a moment, while it is read again.
        if next.contains_key(&name) || next.len() >= FILES {
            continue;
        }
        let said = of_trace(&error.stack_trace);
        let how = cut(format!("{}: {}", said.code, said.message)).chars().take(500).collect::<String>();
        let same = known.get(&name).filter(|broken| broken.how == how);
        let broken = same.cloned().unwrap_or(Broken { since: now, how });
        if same.is_none() {
            let run = Run { error: Some(said), ..run(&name, RunStatus::Failed, broken.since, broken.since, pages) };
            told.push(Seen { run, history });
        }
        next.insert(name, broken);
    }
    for (name, broken) in known {
        if next.contains_key(name) {
            continue;
        }
        if whole {
            let run = run(name, RunStatus::Completed, broken.since, now, pages);
            told.push(Seen { run, history: false });
        } else {
            next.insert(name.clone(), broken.clone());
        }
    }
    (told, next)
}

fn name(error: &ImportError) -> String {
    let bundle = error.bundle_name.as_deref().unwrap_or_default();
    if bundle.is_empty() { error.filename.clone() } else { format!("{bundle}/{}", error.filename) }
}

fn run(name: &str, status: RunStatus, since: Timestamp, at: Timestamp, pages: &Pages) -> Run {
    // Ids have an end, and what tells two paths apart stands at theirs.
    let from = name.char_indices().rev().nth(300).map_or(0, |(at, _)| at);
    let id = format!("{PREFIX}{}", name.get(from..).unwrap_or(name));
    let workflow = Workflow { id: Some(id.clone()), name: Some(format!("DAG file {name}")), version: None };
    Run {
        url: Some(pages.start()),
        started_at: Some(since),
        completed_at: Some(at),
        updated_at: Some(at),
        ..Run::bare(id, workflow, status)
    }
}

/// What a traceback ends in; else its last line.
fn of_trace(trace: &str) -> StepError {
    let detail = Some(cut(trace.trim_end().to_owned())).filter(|trace| !trace.is_empty());
    let raised = traceback::raised(trace).into_iter().next().filter(|raised| !raised.class.is_empty());
    let raised = raised.unwrap_or_else(|| {
        let last = trace.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Raised { class: "ImportError".to_owned(), text: last.trim().to_owned() }
    });
    StepError { code: raised.class, message: cut(raised.text), detail, ..StepError::default() }
}

#[cfg(test)]
mod tests {
    use super::super::api::Generation;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn error(file: &str, last: &str) -> ImportError {
        ImportError {
            id: None,
            filename: file.into(),
            bundle_name: Some("dags-folder".into()),
            stack_trace: format!(
                "Traceback (most recent call last):\n  File \"x\", line 2, in <module>\n    import y\n{last}\n"
            ),
        }
    }

    fn pages() -> Pages {
        Pages { root: "http://af".into(), generation: Generation::Three }
    }

    #[test]
    fn a_file_is_told_once_again_when_it_fails_in_another_way_and_over_when_it_is_gone() {
        let look = |known: &BTreeMap<String, Broken>, listed: &[ImportError], second| {
            news(known, listed, true, false, at(second), &pages())
        };
        let (told, known) = look(&BTreeMap::new(), &[error("a.py", "ModuleNotFoundError: No module named 'y'")], 0);
        let run = &told[0].run;
        assert_eq!((run.id.as_str(), run.status), ("import-error:dags-folder/a.py", RunStatus::Failed));
        let said = run.error.as_ref().unwrap();
        assert_eq!((said.code.as_str(), said.message.as_str()), ("ModuleNotFoundError", "No module named 'y'"));
        let (told, known) = look(&known, &[error("a.py", "ModuleNotFoundError: No module named 'y'")], 30);
        assert!(told.is_empty());
        let (told, known) = look(&known, &[error("a.py", "SyntaxError: '(' was never closed")], 60);
        assert_eq!((told.len(), told[0].run.started_at), (1, Some(at(60))));
        let (told, known) = look(&known, &[], 90);
        assert_eq!((told[0].run.status, told[0].run.id.as_str()), (RunStatus::Completed, run.id.as_str()));
        assert!(known.is_empty());
    }

    #[test]
    fn a_list_that_was_not_read_whole_ends_nothing() {
        let known = news(&BTreeMap::new(), &[error("a.py", "E: x")], true, true, at(0), &pages()).1;
        let (told, after) = news(&known, &[], false, false, at(9), &pages());
        assert!(told.is_empty());
        assert_eq!(after, known);
    }

    #[test]
    fn what_is_no_traceback_says_its_last_line() {
        let error = of_trace("The DAG file took too long\nDagBag import timeout for a.py after 30.0s\n");
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("ImportError", "DagBag import timeout for a.py after 30.0s")
        );
    }
}
