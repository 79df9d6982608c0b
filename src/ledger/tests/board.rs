//! The board in the ledger: it outlives a crash, it is what the tables say after a transaction was undone, time works on it.

use super::*;
use crate::engine::{Board, Kind};

/// All runs of the workflow are one problem, told to `oncall`.
pub(super) fn grouped() -> Policy {
    policy(vec![testing::rule("all", Matcher::default())])
}

pub(super) fn at(observations: Vec<Observation>, at: i64) -> Observed {
    Observed { at: second(at), ..batch(observations) }
}

pub(super) async fn kinds(bed: &Bed, at: i64) -> Vec<Kind> {
    bed.hear("oncall", at).await.into_iter().map(|delivery| delivery.notification.kind).collect()
}

pub(super) fn completed(run: &str) -> Observation {
    seen(run, RunStatus::Completed, Standing::Completed)
}

/// What the tables say, in words.
fn stored(bed: &Bed) -> String {
    let db = rusqlite::Connection::open(bed.path()).expect("it opens");
    format!("{:#?}", load::load(&db).expect("a board").0)
}

#[tokio::test]
async fn a_problem_goes_on_after_a_crash_as_if_there_had_been_none() {
    let bed = Bed::with(grouped());
    bed.see(vec![failed("r1")]).await;
    let bed = bed.crash();
    bed.ledger.observe(at(vec![failed("r2")], 60)).await.expect("committed");
    assert_eq!(kinds(&bed, 60).await, [Kind::Failed], "the second is part of the first, which was told");
    let bed = bed.crash();
    bed.ledger.end_holds(second(15 * 60)).await.expect("committed");
    let told = bed.hear("oncall", 15 * 60).await;
    assert_eq!(told[0].notification.kind, Kind::Updated);
    let note = told[0].notification.incident.as_ref().expect("an incident");
    assert_eq!((note.failures, note.runs, note.more), (2, 2, 1));
    let bed = bed.restart();
    bed.ledger.observe(at(vec![completed("r3")], 16 * 60)).await.expect("committed");
    assert_eq!(kinds(&bed, 16 * 60).await, [Kind::Resolved]);
}

#[tokio::test]
async fn the_board_that_is_read_back_is_the_board_that_was() {
    let bed = Bed::with(grouped());
    let policy = grouped();
    let mut board = Board::default();
    let mut known = std::collections::BTreeMap::new();
    let mut chance = fastrand::Rng::with_seed(7);
    for step in 0..200 {
        let run = format!("r{}", chance.u32(..60));
        let mut seen = if chance.bool() { failed(&run) } else { completed(&run) };
        seen.key.workflow = format!("w{}", chance.u32(..5));
        seen.attempt = Some(chance.u32(1..4));
        let time = step * 100;
        let before = known.remove(&seen.key);
        let changes = board.observe(second(time), before, seen.clone(), crate::engine::Context::default(), &policy);
        known.insert(seen.key.clone(), changes.known);
        bed.ledger.observe(at(vec![seen], time)).await.expect("committed");
        if chance.u32(..10) == 0 {
            board.tick(second(time), &policy);
            bed.ledger.end_holds(second(time)).await.expect("committed");
        }
    }
    let reread = {
        let db = rusqlite::Connection::open(bed.path()).expect("it opens");
        load::load(&db).expect("a board").0
    };
    assert!(board.incidents().eq(reread.incidents()), "the same problems, under the same numbers");
    assert!(board.workflows().eq(reread.workflows()));
    // A desk on which nothing lies is not kept.
    assert_eq!(board.desk("oncall").cloned().unwrap_or_default(), reread.desk("oncall").cloned().unwrap_or_default());
    assert_eq!(board.error("v1:0"), reread.error("v1:0"));
    // And they behave alike from there on.
    let mut reread = reread;
    reread.adopt(second(20_000), &policy);
    board.adopt(second(20_000), &policy);
    for day in 1..40 {
        let now = second(20_000 + day * 6 * 3600);
        assert_eq!(reread.tick(now, &policy), board.tick(now, &policy), "day {day}");
    }
}

#[tokio::test]
async fn a_transaction_that_is_undone_leaves_nothing_on_the_board() {
    let bed = Bed::with(grouped());
    bed.see(vec![failed("r1")]).await;
    let before = stored(&bed);
    bed.sql(
        "CREATE TEMP TRIGGER refused BEFORE INSERT ON runs WHEN NEW.run = 'r2' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    bed.ledger.observe(at(vec![failed("r1b"), failed("r2")], 10)).await.expect_err("undone");
    assert_eq!(stored(&bed), before);
    bed.ledger.observe(at(vec![failed("r3")], 20)).await.expect("committed");
    bed.ledger.end_holds(second(900)).await.expect("committed");
    let told = bed.hear("oncall", 900).await;
    let note = told[1].notification.incident.as_ref().expect("an incident");
    assert_eq!(note.runs, 2, "r1 and r3: what was undone was never counted");
}

#[tokio::test]
async fn rows_that_can_not_be_read_are_put_aside_and_told_of_and_the_others_go_on() {
    let bed = Bed::with(simple());
    bed.see(vec![failed("r1"), failed("r2")]).await;
    bed.sql("UPDATE incidents SET body = '{' WHERE number = 1; UPDATE workflows SET body = '[]'").await;
    let bed = bed.restart();
    // What the start does is committed before anything that is asked afterwards.
    bed.ledger.settle("nothing").await.expect("committed");
    let told = bed.due("data", 0).await;
    let troubles: Vec<_> = bed
        .due("oncall", 0)
        .await
        .into_iter()
        .chain(told)
        .filter_map(|delivery| match delivery.notification.subject {
            crate::engine::Subject::Own(trouble) => Some(trouble),
            _ => None,
        })
        .collect();
    assert!(troubles[0].summary.starts_with("2 rows about open problems can't be read"), "{troubles:?}");
    let board = { load::load(&rusqlite::Connection::open(bed.path()).expect("it opens")).expect("a board").0 };
    assert_eq!(board.incidents().map(|(number, _)| number).collect::<Vec<_>>(), [2]);
    bed.ledger.observe(at(vec![failed("r3")], 10)).await.expect("committed");
    let board = { load::load(&rusqlite::Connection::open(bed.path()).expect("it opens")).expect("a board").0 };
    assert_eq!(board.incidents().map(|(number, _)| number).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn whoever_waits_for_time_is_woken_when_the_board_has_to_be_asked_sooner() {
    let bed = Bed::with(grouped());
    let bell = bed.ledger.hold_wakeup();
    bed.see(vec![failed("r1")]).await;
    tokio::time::timeout(Duration::from_secs(5), bell.notified()).await.expect("rung");
    // A day later nothing is due sooner than before.
    bed.ledger.observe(at(vec![failed("r1")], 60)).await.expect("committed");
    let rung = tokio::time::timeout(Duration::from_millis(50), bell.notified()).await;
    assert!(rung.is_err(), "nothing changed");
}

#[tokio::test]
async fn a_member_of_a_problem_is_found_by_its_row() {
    let bed = Bed::with(grouped());
    bed.see(vec![failed("r1"), failed("r2")]).await;
    let db = rusqlite::Connection::open(bed.path()).expect("it opens");
    let members: i64 =
        db.query_row("SELECT count(*) FROM members WHERE incident = 1", [], |row| row.get(0)).expect("a count");
    let said: i64 = db.query_row("SELECT incident FROM notifications", [], |row| row.get(0)).expect("a row");
    assert_eq!((members, said), (2, 1));
}

#[tokio::test]
async fn a_problem_that_was_over_goes_with_all_that_hangs_on_it_and_its_number_is_not_given_again() {
    let bed = Bed::new();
    bed.see(vec![failed("r1"), as_workflow(failed("r2"), "other", None)]).await;
    bed.ledger.observe(at(vec![completed("r1")], 60)).await.expect("committed");
    for delivery in bed.due("oncall", 60).await {
        bed.record(&delivery, 61, yes()).await;
    }
    let day = 86_400;
    // Nobody can open it again any more: it leaves the board, and is remembered for as long as the retention says.
    bed.ledger.end_holds(second(day)).await.expect("committed");
    let count = |sql: &'static str| {
        let db = rusqlite::Connection::open(bed.path()).expect("it opens");
        db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a count")
    };
    assert_eq!((count("SELECT count(*) FROM incidents"), count("SELECT sum(on_board) FROM incidents")), (2, 1));
    for delivery in bed.due("oncall", day).await {
        bed.record(&delivery, day + 1, yes()).await;
    }
    assert_eq!(bed.ledger.prune(second(120)).await, Ok(2), "the runs");
    assert_eq!(count("SELECT count(*) FROM incidents"), 1, "the other one goes on");
    assert_eq!(count("SELECT count(*) FROM members WHERE incident = 1"), 0);
    // Two days without a failure: the other one ends by itself, and goes too.
    bed.ledger.end_holds(second(3 * day)).await.expect("committed");
    bed.ledger.end_holds(second(5 * day)).await.expect("committed");
    for delivery in bed.due("oncall", 5 * day).await {
        bed.record(&delivery, 5 * day, yes()).await;
    }
    bed.ledger.prune(second(20 * day)).await.expect("committed");
    assert_eq!((count("SELECT count(*) FROM incidents"), count("SELECT count(*) FROM notifications")), (0, 0));
    let bed = bed.restart();
    bed.ledger.observe(at(vec![failed("r3")], 21 * day)).await.expect("committed");
    let numbers: Vec<u64> = Reader::open(&bed.path())
        .expect("a reader")
        .recent_incidents(None, 10)
        .expect("incidents")
        .into_iter()
        .map(|row| row.number)
        .collect();
    assert_eq!(numbers, [3]);
}

#[tokio::test]
async fn what_time_stumbles_over_costs_only_itself() {
    let stumbling = Rule { keep_going: true, ..testing::rule("stumble", Matcher::default()) };
    let sound = Rule { notify: vec!["data".to_owned()], ..testing::rule("all", Matcher::default()) };
    let policy = policy(vec![stumbling, sound]);
    let bed = Bed::with(policy);
    bed.see(vec![failed("r1")]).await;
    bed.ledger.observe(at(vec![failed("r2")], 60)).await.expect("committed");
    let next = bed.ledger.end_holds(second(20 * 60)).await.expect("committed, without what was stumbled over");
    assert_eq!(next, Some(second(21 * 60)), "it is put off");
    let told = bed.hear("data", 20 * 60).await;
    let kinds: Vec<Kind> = told.into_iter().map(|delivery| delivery.notification.kind).collect();
    assert_eq!(kinds, [Kind::Failed, Kind::Updated]);
    assert_eq!(self::kinds(&bed, 20 * 60).await, [Kind::Failed]);
}
