//! The task log of Airflow 2: lines, and Python's tracebacks between them. It must not know what a card is.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::super::python::{compiled, exception};
use super::fatal::{End, Fatal, Raised};
use super::log::TaskLog;

/// `[2026-11-22T21:12:10.482+0000] {taskinstance.py:3337} ERROR - `
const LINE: &str =
    r"(?m)^\[([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+)(Z|[+-][0-9]{2}):?([0-9]{2})?\] \{([^}:]*):[0-9]+\} ([A-Z]+) - ";
/// So much of a log's end is looked at, in bytes.
const END: usize = 4 * 1024 * 1024;
const TRACEBACK: &str = "Traceback (most recent call last):";
const GROUP: &str = "Exception Group Traceback (most recent call last):";
const DURING: &str = "During handling of the above exception, another exception occurred:";
const CAUSE: &str = "The above exception was the direct cause of the following exception:";

static LINES: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&[LINE]));

/// One line, with what stands below it until the next.
struct Line<'a> {
    at: Option<Timestamp>,
    file: &'a str,
    level: &'a str,
    text: &'a str,
}

/// Reads a log, or its end.
pub(super) fn read(body: &str) -> TaskLog {
    let plain = of_python(body);
    let whole = plain.as_deref().unwrap_or(body);
    let body = end_of(whole);
    let mut log = TaskLog::default();
    let lines = lines(body);
    let missing =
        ["*** Could not read", "Error fetching the logs", "*** Log file does not exist", "*** !!!! Please make sure"];
    log.missing = (lines.is_empty() && body.len() == whole.len())
        || (lines.len() < 2 && missing.iter().any(|words| body.contains(words)));
    let mut answered = None;
    for line in &lines {
        if line.file == "http.py" && line.level == "ERROR" {
            if !line.text.starts_with("HTTP error:") {
                answered = Some(line.text.trim_end().to_owned());
            }
            continue;
        }
        // What is written after it was told to stop follows from that.
        if log.fatal.as_ref().is_some_and(Fatal::is_outside) {
            break;
        }
        if let Some(end) = end(line) {
            log.fatal = Some(Fatal { at: line.at, end, body: answered.take() });
        }
    }
    log
}

/// The last part of a log: what ended the try is said there.
fn end_of(body: &str) -> &str {
    let mut from = body.len().saturating_sub(END);
    while !body.is_char_boundary(from) {
        from += 1;
    }
    body.get(from..).unwrap_or(body)
}

fn end(line: &Line<'_>) -> Option<End> {
    let first = line.text.lines().next().unwrap_or_default();
    let said = || first.to_owned();
    if first == "Task failed with exception" && line.file == "taskinstance.py" {
        let chain = raised(line.text);
        return (!chain.is_empty()).then_some(End::Exception(chain));
    }
    if let Some(code) = first.strip_prefix("Task failed due to SystemExit(") {
        let code = code.trim_end_matches(')').parse();
        return Some(End::Exit(code.unwrap_or(1), said()));
    }
    // 1 and 2 follow every failure.
    if let Some(code) = first.strip_prefix("Task exited with return code -") {
        return Some(End::Signal(signal(code.trim()), said()));
    }
    first.starts_with("State of this instance has been externally set to").then(|| End::Outside(said()))
}

fn lines(body: &str) -> Vec<Line<'_>> {
    let Some(pattern) = LINES.first() else { return Vec::new() };
    let heads: Vec<_> = pattern.captures_iter(body).collect();
    let start = |at: usize| heads.get(at).and_then(|head| head.get(0)).map_or(body.len(), |all| all.start());
    let line = |(at, head): (usize, &regex::Captures<'_>)| {
        let group = |number| head.get(number).map_or("", |group| group.as_str());
        let text = body.get(head.get(0)?.end()..start(at + 1)).unwrap_or_default();
        // `group` borrows the captures; the slices have to borrow the body.
        let of_body = |number| head.get(number).and_then(|group| body.get(group.range())).unwrap_or_default();
        let zone = if group(2) == "Z" {
            "Z".to_owned()
        } else {
            format!("{}:{}", group(2), head.get(3).map_or("00", |m| m.as_str()))
        };
        let at = format!("{}{zone}", group(1)).parse().ok();
        Some(Line { at, file: of_body(4), level: of_body(5), text })
    };
    heads.iter().enumerate().filter_map(line).collect()
}

/// The exceptions of a traceback, the one that was raised last first.
pub(super) fn raised(text: &str) -> Vec<Raised> {
    let mut blocks: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        match line.trim_start_matches([' ', '|']).trim_end() {
            DURING | CAUSE => blocks.push(Vec::new()),
            _ => blocks.last_mut().into_iter().for_each(|block| block.push(line)),
        }
    }
    blocks.iter().rev().flat_map(|block| of_block(block)).collect()
}

/// The exception that ends one traceback, with the members of its group.
fn of_block(block: &[&str]) -> Vec<Raised> {
    let Some(head) = block.iter().position(|line| line.contains(TRACEBACK)) else { return Vec::new() };
    let rest = block.get(head + 1..).unwrap_or_default();
    if !block.get(head).is_some_and(|line| line.contains(GROUP)) {
        return of_frames(rest.iter().copied()).into_iter().collect();
    }
    let split = rest.iter().position(|line| line.trim_start().starts_with("+-+-")).unwrap_or(rest.len());
    let (own, members) = rest.split_at(split);
    let bare = |line: &&'_ str| line.trim_start().strip_prefix("| ").map(str::to_owned);
    let own: Vec<String> = own.iter().filter_map(bare).collect();
    let mut raised: Vec<Raised> = of_frames(own.iter().map(String::as_str)).into_iter().collect();
    // Each member stands between two rules, one step further in.
    for member in members.split(|line| line.trim_start().starts_with("+-+-") || line.trim_start().starts_with("+--")) {
        let member: Vec<String> = member.iter().filter_map(bare).collect();
        let after = member.iter().rposition(|line| line.contains(TRACEBACK)).map_or(0, |at| at + 1);
        raised.extend(of_frames(member.get(after..).unwrap_or_default().iter().map(String::as_str)));
    }
    raised
}

/// The exception below the frames: they are indented and it is not; its own text may have more lines.
fn of_frames<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Raised> {
    let text: Vec<&str> = lines.skip_while(|line| line.starts_with([' ', '\t']) || line.trim().is_empty()).collect();
    let text = text.join("\n");
    if text.trim().is_empty() {
        return None;
    }
    let (class, text) = exception(&text).unwrap_or(("", text.as_str()));
    Some(Raised { class: class.rsplit('.').next().unwrap_or(class).to_owned(), text: text.to_owned() })
}

fn signal(number: &str) -> String {
    let known = [
        ("4", "SIGILL"),
        ("6", "SIGABRT"),
        ("7", "SIGBUS"),
        ("8", "SIGFPE"),
        ("9", "SIGKILL"),
        ("11", "SIGSEGV"),
        ("15", "SIGTERM"),
    ];
    known
        .iter()
        .find(|(of, _)| *of == number)
        .map_or_else(|| format!("signal_{number}"), |(_, name)| (*name).to_owned())
}

/// Asked for JSON, Airflow 2 gives a list of pairs as Python prints it, inside a string.
fn of_python(body: &str) -> Option<String> {
    let whole: serde_json::Value = serde_json::from_str(body).ok()?;
    let text = whole.get("content")?.as_str()?;
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, char == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some(other) => plain.push(other),
                None => {}
            },
            (char, false) => plain.push(char),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[2026-11-22T21:12:10.482+0000] {taskinstance.py:3337} ERROR - Task failed with exception\n";

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(LINES.len(), 1);
    }

    #[test]
    fn the_last_traceback_of_a_chain_is_the_exception_that_was_raised() {
        let log = format!(
            "{HEAD}{TRACEBACK}\n  File \"a\", line 1\n    x\nKeyError: 'k'\n\n{CAUSE}\n\n{TRACEBACK}\n  File \"b\", line 2\n\
             lib.net.ApiError: two\n  lines\n[2026-11-22T21:12:11.000+0000] {{local_task_job_runner.py:266}} INFO - Task exited with return code 1\n"
        );
        let fatal = read(&log).fatal.unwrap();
        assert_eq!(fatal.at, Some("2026-11-22T21:12:10.482Z".parse().unwrap()));
        let error = fatal.error();
        assert_eq!((error.code.as_str(), error.message.as_str()), ("ApiError", "two\n  lines"));
        assert_eq!(error.detail.as_deref(), Some("KeyError: 'k'"));
    }

    #[test]
    fn a_group_is_told_with_its_members() {
        let log = format!(
            "{HEAD}  + {GROUP}\n  |   File \"a\", line 1\n  |     raise\n  | ExceptionGroup: many (2 sub-exceptions)\n  \
             +-+---------------- 1 ----------------\n    | {TRACEBACK}\n    |   File \"b\"\n    | ValueError: one\n    \
             +---------------- 2 ----------------\n    | KeyError: 'two'\n    +------------------------------------\n"
        );
        let error = read(&log).fatal.unwrap().error();
        assert_eq!((error.code.as_str(), error.message.as_str()), ("ExceptionGroup", "many (2 sub-exceptions)"));
        assert_eq!(error.detail.as_deref(), Some("ValueError: one <- KeyError: 'two'"));
    }

    #[test]
    fn a_killed_process_and_one_that_leaves_by_itself_have_codes() {
        let line =
            |text: &str| format!("[2026-11-22T21:12:10.482+0000] {{local_task_job_runner.py:266}} INFO - {text}\n");
        let code = |text: &str| read(&line(text)).fatal.map(|fatal| fatal.error().code);
        assert_eq!(code("Task exited with return code -9").as_deref(), Some("SIGKILL"));
        assert_eq!(code("Task failed due to SystemExit(3)").as_deref(), Some("exit_3"));
        assert_eq!(code("Task exited with return code 1"), None);
    }

    #[test]
    fn what_follows_after_somebody_stopped_it_is_no_cause() {
        let log = format!(
            "[2026-11-22T21:12:10.000+0000] {{local_task_job_runner.py:346}} WARNING - State of this instance has been externally set to failed. \
             Terminating instance.\n{HEAD}{TRACEBACK}\n  File\nAirflowException: Task received SIGTERM signal\n"
        );
        assert!(read(&log).fatal.unwrap().is_outside());
    }

    #[test]
    fn a_log_that_is_gone_is_missing() {
        assert!(read("vm\n INFO - ::group::Log message source details\n*** Could not read served logs: x\n").missing);
        assert!(read("Error fetching the logs. Try number 0 is invalid.").missing);
    }
}
