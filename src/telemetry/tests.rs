//! The log vectors of injection, and an output that is blocked.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;

use super::*;

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn settings(json: bool) -> LogSettings {
    LogSettings { json, filter: "info".to_owned() }
}

/// What is logged, as text or JSON.
fn logged(json: bool, log: impl FnOnce()) -> String {
    let output = Output::default();
    let (writer, guard) = Writer::start(output.clone(), json, Counter::default()).unwrap();
    let settings = settings(json);
    tracing::subscriber::with_default(subscriber(&settings, filter(&settings).unwrap(), writer), log);
    drop(guard);
    let bytes = output.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// The texts of the injection vectors whose sink is a log (I051 to I077), and a few more.
const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}[H all good",
    "\u{1b}]8;;https://evil.example\u{1b}\\Click\u{1b}]8;;\u{1b}\\",
    "\u{1b}[8mhidden\u{1b}[0m \u{1b}[1A\u{1b}[2K",
    "\u{9b}31mred\u{9b}0m \u{9d}0;t\u{9c}",
    "ok\n2026-11-22T00:00:00Z  INFO firstred: all receivers healthy",
    "ok\r2026-11-22T00:00:00Z  INFO firstred: all receivers healthy",
    "\",\"level\":\"INFO\",\"forged\":\"1",
    "invoice\u{202e}gpj.exe \u{2066}x\u{2069}",
    "hi\u{e0041}\u{e0042}",
    "before\0after",
    "one\u{2028}two\u{2029}three\u{85}four",
    "%s%n%x {0} {} {!r}",
];

#[test]
fn whatever_is_logged_and_however_a_record_is_one_harmless_line() {
    for text in HOSTILE {
        for json in [false, true] {
            let log = logged(json, || {
                tracing::warn!(display = %text, debug = ?text, string = *text, "message {text}");
                tracing::info!("second");
            });
            let lines: Vec<&str> = log.split_inclusive('\n').collect();
            assert_eq!(lines.len(), 2, "{log:?}");
            let harmful =
                |c: char| (c.is_control() && c != '\n') || ('\u{2028}'..='\u{202e}').contains(&c) || c == '\u{2066}';
            assert!(!log.contains(harmful) && !log.contains('\u{e0041}'), "{log:?}");
            if json {
                let record: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
                assert_eq!((&record["level"], &record["string"]), (&"WARN".into(), &(*text).into()));
                assert_eq!(lines[0].matches("\"level\":").count(), 1);
            }
        }
    }
}

#[test]
fn control_characters_stay_visible_and_letters_stay_letters() {
    let log = logged(false, || tracing::info!("a\u{1b}b\u{9b}c\nd\te Grüße 日本 \u{1f534}"));
    assert!(log.ends_with("a\\x1bb\\u{9b}c\\nd\te Grüße 日本 \u{1f534}\n"), "{log:?}");
}

/// Says when it is written to, and then waits until it is told to go on.
struct Blocked {
    reached: Sender<()>,
    go_on: Receiver<()>,
}

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.reached.send(()).ok();
        self.go_on.recv().ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_blocked_output_costs_lines_that_are_counted_and_no_time() {
    let ((reached, is_reached), (unblock, go_on)) = (channel(), channel());
    let dropped = Counter::default();
    let (mut writer, guard) = Writer::start(Blocked { reached, go_on }, false, dropped.clone()).unwrap();
    writer.write_all(b"first\n").unwrap();
    is_reached.recv().unwrap();
    for _ in 0..8_192 + 7 {
        writer.write_all(b"more\n").unwrap();
    }
    assert_eq!(dropped.get(), 7);
    drop(unblock);
    drop(guard);
    let before = dropped.get();
    writer.write_all(&vec![b'x'; 5 * 1024 * 1024]).unwrap();
    assert_eq!(dropped.get(), before + 1, "too long to wait for");
}

#[test]
fn a_filter_that_can_not_be_read_is_an_error_that_quotes_it() {
    let wrong = LogSettings { json: false, filter: "firstred=loud".to_owned() };
    assert!(filter(&wrong).unwrap_err().to_string().contains("firstred=loud"));
}
