//! The line of the day: what was seen, failed and was told, and whether firstred itself is well. Calm, whatever it says: what is urgent was
//! told when it happened. It knows no channel.

use jiff::SignedDuration;

use super::headline::{LONGEST, fitting};
use super::line::{Line, short};
use super::{Fact, Message, Value, state, text, when};
use crate::engine::{DailyNote, Notification};

/// The most names of a list; the others are counted.
const NAMES: usize = 5;

/// What is said of the day.
pub(super) fn message(notification: &Notification, note: &DailyNote) -> Message {
    let (emoji, ..) = state::of(notification);
    let (counts, health) = (counts(note), health(note));
    let period = period(note.until.duration_since(note.since));
    let open = match note.open {
        0 => "No problem is open.".to_owned(),
        open => format!("{} open.", of(open, "problem is", "problems are")),
    };
    Message {
        headline: fitting(vec![
            format!("{emoji} firstred saw {counts}; {health}"),
            format!("{emoji} firstred saw {counts}"),
        ]),
        subject: text::end_cut(&format!("the day of {}: {counts}", note.date), LONGEST),
        title: format!("firstred saw {counts} {period}"),
        lead: vec![Line::default().text(format!("{}.", capital(&health))), Line::default().text(open)],
        facts: vec![
            Fact { label: "From", value: Value::Time(note.since) },
            Fact { label: "Until", value: Value::Time(note.until) },
        ],
        ..Message::empty(notification)
    }
}

/// `saw 1,204 runs, 9 failed, 7 told, 2 held back; 3 problems open; nothing from source events`
pub(crate) fn sentence(note: &DailyNote) -> String {
    let open = of(note.open, "problem", "problems");
    format!("saw {}; {open} open; {}", counts(note), health(note))
}

/// `in 24 h`: a line comes some seconds after its hour, so that hours are rounded.
fn period(span: SignedDuration) -> String {
    match (span.as_secs() + 1_800) / 3_600 {
        0 => format!("in {}", when::rough(span)),
        hours => format!("in {hours} h"),
    }
}

/// `1,204 runs, 9 failed, 7 told, 2 held back`
fn counts(note: &DailyNote) -> String {
    let runs = of(note.runs, "run", "runs");
    if note.failed == 0 {
        return runs + ", none failed";
    }
    let mut said = vec![runs, format!("{} failed", number(note.failed)), format!("{} told", number(note.told))];
    if note.held > 0 {
        said.push(format!("{} held back", number(note.held)));
    }
    if note.nobody > 0 {
        said.push(format!("{} told to nobody", number(note.nobody)));
    }
    said.join(", ")
}

/// What is wrong with firstred's own eyes and mouth; or that nothing is.
fn health(note: &DailyNote) -> String {
    let mut said = Vec::new();
    if !note.unread.is_empty() {
        said.push(format!("{} can't be read", names(&note.unread, "source", "sources")));
    }
    if !note.silent.is_empty() {
        said.push(format!("nothing came from {}", names(&note.silent, "source", "sources")));
    }
    if !note.broken.is_empty() {
        let takes = if note.broken.len() == 1 { "takes" } else { "take" };
        said.push(format!("{} {takes} nothing", names(&note.broken, "receiver", "receivers")));
    }
    if said.is_empty() { "sources and receivers are well".to_owned() } else { said.join("; ") }
}

fn names(list: &[String], one: &str, many: &str) -> String {
    let shown: Vec<String> = list.iter().take(NAMES).map(|name| short(name)).collect();
    let more = list.len().saturating_sub(NAMES);
    let noun = if list.len() == 1 { one } else { many };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{more}", shown.join(", "))
}

fn of(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

fn number(count: u64) -> String {
    text::grouped(usize::try_from(count).unwrap_or(usize::MAX))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> DailyNote {
        DailyNote {
            date: jiff::civil::date(2026, 11, 22),
            since: jiff::Timestamp::UNIX_EPOCH,
            until: jiff::Timestamp::UNIX_EPOCH,
            runs: 0,
            failed: 0,
            told: 0,
            held: 0,
            nobody: 0,
            open: 0,
            unread: Vec::new(),
            silent: Vec::new(),
            broken: Vec::new(),
        }
    }

    #[test]
    fn a_day_on_which_nothing_happened_says_so() {
        assert_eq!(sentence(&quiet()), "saw 0 runs, none failed; 0 problems open; sources and receivers are well");
    }

    #[test]
    fn every_failure_is_accounted_for_and_what_is_ill_is_named() {
        let list = |count: usize| (0..count).map(|number| format!("s{number}")).collect::<Vec<_>>();
        let note = DailyNote {
            runs: 1_204,
            failed: 10,
            told: 7,
            held: 2,
            nobody: 1,
            open: 1,
            unread: list(1),
            silent: list(7),
            broken: list(2),
            ..quiet()
        };
        assert_eq!(
            sentence(&note),
            "saw 1,204 runs, 10 failed, 7 told, 2 held back, 1 told to nobody; 1 problem open; source s0 can't be read; \
             nothing came from sources s0, s1, s2, s3, s4 and 2 more; receivers s0, s1 take nothing"
        );
    }
}
