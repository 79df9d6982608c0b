//! The line of the day, and refusals by word.

use jiff::civil::date;

use super::*;
use crate::engine::{DailyNote, Subject};

fn day(of: jiff::civil::Date, at: i64) -> Day {
    Day {
        date: of,
        now: second(at),
        receivers: vec!["oncall".to_owned()],
        sources: vec!["events".to_owned(), "prod".to_owned()],
        unread: Vec::new(),
        broken: Vec::new(),
    }
}

async fn line(bed: &Bed, of: jiff::civil::Date, at: i64) -> Option<DailyNote> {
    bed.ledger.daily(day(of, at)).await.expect("committed")
}

async fn lines(bed: &Bed) -> usize {
    let due = bed.due("oncall", 900_000).await;
    due.iter().filter(|delivery| matches!(delivery.notification.subject, Subject::Daily(_))).count()
}

#[tokio::test]
async fn a_day_has_one_line_over_crashes_and_whatever_the_clock_does() {
    let mut bed = Bed::new();
    assert_eq!(line(&bed, date(2026, 11, 22), 0).await, None, "the first time it only begins to count");
    bed.see(vec![failed("r1"), seen("r2", RunStatus::Completed, Standing::Completed)]).await;
    bed.see(vec![failed("r1")]).await;
    bed = bed.crash();
    let note = line(&bed, date(2026, 11, 23), 86_400).await.expect("a line");
    assert_eq!((note.runs, note.failed, note.told, note.held, note.nobody), (2, 1, 1, 0, 0));
    assert_eq!((note.open, note.silent.as_slice(), note.since), (0, &["prod".to_owned()][..], second(0)));
    for (of, at) in [((2026, 11, 23), 86_401), ((2026, 11, 22), 50_000), ((2026, 11, 23), 90_000)] {
        bed = bed.crash();
        assert_eq!(line(&bed, date(of.0, of.1, of.2), at).await, None, "{of:?}");
    }
    assert_eq!(lines(&bed).await, 1);
    let note = line(&bed, date(2026, 11, 24), 172_800).await.expect("a line");
    assert_eq!((note.runs, note.failed, note.silent.len()), (0, 0, 2), "nothing happened: that is news");
    assert_eq!(lines(&bed).await, 2);
}

#[tokio::test]
async fn a_date_that_a_wrong_clock_wrote_does_not_silence_the_days_until_then() {
    let bed = Bed::new();
    line(&bed, date(2040, 1, 1), 0).await;
    assert_eq!(line(&bed, date(2026, 11, 22), 10).await, None);
    assert!(line(&bed, date(2026, 11, 23), 20).await.is_some());
}

#[tokio::test]
async fn a_line_for_a_receiver_that_is_bound_to_workspaces_is_not_sent() {
    let mut policy = simple();
    let oncall = policy.receivers.get_mut("oncall").expect("it is there");
    oncall.workspaces = Some(["acme".to_owned()].into());
    let bed = Bed::with(policy);
    line(&bed, date(2026, 11, 22), 0).await;
    assert!(line(&bed, date(2026, 11, 23), 10).await.is_some(), "it is logged");
    assert_eq!(lines(&bed).await, 0);
}

#[tokio::test]
async fn what_a_transaction_that_was_undone_counted_is_not_counted() {
    let bed = Bed::new();
    line(&bed, date(2026, 11, 22), 0).await;
    bed.sql("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT raise(ABORT, 'no'); END").await;
    bed.ledger.observe(batch(vec![failed("r1")])).await.expect_err("refused");
    bed.sql("DROP TRIGGER no").await;
    bed.see(vec![failed("r1")]).await;
    let note = line(&bed, date(2026, 11, 23), 10).await.expect("a line");
    assert_eq!((note.runs, note.failed, note.open), (1, 1, 1));
}

#[tokio::test]
async fn refusals_are_counted_by_word_and_forgotten_with_the_rest() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), failed("r2")]).await;
    let due = bed.due("oncall", 0).await;
    let refused = |reason: &str| Outcome::Refused { permanent: true, reason: reason.to_owned(), retry_after: None };
    bed.record(&due[0], 1, refused("HTTP 404: no_service")).await;
    bed.record(&due[1], 2, refused("HTTP 404: no_service")).await;
    // The same attempt again changes nothing.
    bed.record(&due[1], 3, refused("HTTP 404: no_service")).await;
    let reader = Reader::open(&bed.path()).expect("a reader");
    let said = reader.refusals().expect("an answer");
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].receiver.as_str(), said[0].word.as_str(), said[0].count), ("oncall", "no_service", 2));
    assert_eq!(said[0].last_at, second(2));
    bed.ledger.prune(second(10 * 86_400)).await.expect("pruned");
    assert!(reader.refusals().expect("an answer").is_empty());
}
