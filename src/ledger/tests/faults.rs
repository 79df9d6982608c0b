//! Poison, a full disk, a full queue, a damaged file while running.

use super::*;

const POISON: &str =
    "CREATE TRIGGER p BEFORE INSERT ON runs WHEN new.run = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END";

#[tokio::test]
async fn a_poisoned_item_fails_alone() {
    let bed = Bed::new();
    bed.sql(POISON).await;
    let mut answers = Vec::new();
    for run in ["r1", "poison", "r2"] {
        answers.push(bed.ledger.try_observe(batch(vec![failed(run)])).expect("room"));
    }
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await.is_ok());
    }
    assert_eq!(results, [true, false, true]);
    assert_eq!(bed.due("oncall", 0).await.len(), 2);
    assert_eq!(bed.metrics.ledger_ok.get(), 1, "the ledger is not at fault");
}

#[tokio::test]
async fn a_memory_that_can_not_be_read_does_not_keep_its_run_from_being_told() {
    let bed = Bed::new();
    bed.see(vec![seen("r1", RunStatus::Running, Standing::Open)]).await;
    bed.sql("UPDATE runs SET known = 'nonsense'").await;
    bed.see(vec![failed("r1")]).await;
    bed.sql("UPDATE runs SET known = 'nonsense'").await;
    bed.see(vec![failed("r1")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_runs_and_heals_by_itself() {
    let bed = Bed::new();
    bed.see(vec![failed("r0")]).await;
    let due = bed.due("oncall", 0).await;
    bed.sql("PRAGMA max_page_count = 40").await;
    let mut committed = 1;
    let full = loop {
        match bed.ledger.observe(batch(vec![failed(&format!("r{committed}"))])).await {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
        assert!(committed < 1000, "it never fills");
    };
    assert_eq!(full, LedgerError::Full);
    assert_eq!(bed.metrics.ledger_ok.get(), 0);
    bed.sql("PRAGMA max_page_count = 50").await; // What the reserve gives back.
    bed.record(&due[0], 1, yes()).await;
    bed.sql("PRAGMA max_page_count = 1000000").await;
    bed.see(vec![failed("after")]).await;
    assert_eq!(bed.metrics.ledger_ok.get(), 1);
    assert_eq!(bed.ledger.due("oncall", second(1), 1000, &[]).await.expect("an answer").0.len(), committed);
    assert!(bed.folder.path().join("firstred.db.reserve").exists());
}

#[tokio::test]
async fn without_room_for_the_reserve_only_what_was_sent_is_written() {
    let mut bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let due = bed.due("oncall", 0).await;
    drop(bed.keeper.take());
    let reserve = bed.folder.path().join("firstred.db.reserve");
    std::fs::remove_file(&reserve).expect("it was there");
    // A folder in its place: the file can't be created, as on a full disk.
    std::fs::create_dir(&reserve).expect("a folder");
    let bed = bed.restart();
    assert_eq!(bed.ledger.observe(batch(vec![failed("r2")])).await, Err(LedgerError::Full));
    bed.record(&due[0], 1, yes()).await;
    assert!(bed.due("oncall", 9).await.is_empty());
    assert_eq!(bed.metrics.ledger_ok.get(), 0, "and it is not called healthy");
}

#[tokio::test]
async fn a_full_queue_pushes_back_and_empties() {
    let folder = TempDir::new().expect("a folder");
    let bed = Bed::at(folder, watch::Sender::new(Arc::new(simple())), 2);
    let block = Connection::open(bed.path()).expect("a connection");
    block.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let one = bed.ledger.try_observe(batch(vec![failed("r1")])).expect("room");
    let two = bed.ledger.try_observe(batch(vec![failed("r2")])).expect("room");
    assert!(bed.ledger.try_observe(batch(vec![failed("r3")])).is_err());
    block.execute_batch("COMMIT").expect("released");
    assert_eq!((one.await, two.await), (Ok(()), Ok(())));
    bed.see(vec![failed("r3"), failed("r4"), failed("r5")]).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 5, "a batch larger than the queue is taken, too");
}

#[tokio::test]
async fn damage_that_shows_while_running_is_said_and_the_process_stays() {
    let bed = Bed::new();
    bed.see((0..300).map(|run| failed(&format!("r{run}"))).collect()).await;
    bed.sql("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory;").await;
    let mut bytes = std::fs::read(bed.path()).expect("a file");
    for page in bytes.chunks_mut(4096).skip(1) {
        page.fill(0xff);
    }
    std::fs::write(bed.path(), bytes).expect("a file");
    // What the writer has in its memory is right; a fresh look at the file is not.
    bed.sql("PRAGMA cache_size = 0; PRAGMA shrink_memory;").await;
    let result = bed.ledger.observe(batch(vec![failed("r1"), failed("r999")])).await;
    assert_eq!(result, Err(LedgerError::Damaged));
    assert_eq!(bed.metrics.ledger_ok.get(), 0);
    assert_eq!(bed.ledger.observe(batch(vec![failed("r2"), failed("r998")])).await, Err(LedgerError::Damaged));
}
