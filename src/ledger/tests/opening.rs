//! What is opened, what is refused and what the refusal says.

use super::*;

fn open(folder: &Path) -> Result<(Ledger, Keeper), OpenError> {
    let policy = watch::Sender::new(Arc::new(simple()));
    Ledger::open(&settings(folder), 100, policy.subscribe(), Metrics::default())
}

fn refused(folder: &Path) -> OpenError {
    match open(folder) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_second_firstred_is_refused_until_the_first_one_is_closed() {
    let mut bed = Bed::new();
    let error = refused(bed.folder.path());
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert!(error.to_string().contains("firstred.db"));
    drop(bed.keeper.take());
    assert_eq!(bed.ledger.observe(batch(vec![failed("r1")])).await, Err(LedgerError::Closed));
    open(bed.folder.path()).expect("it is free now");
}

#[test]
fn a_missing_directory_is_named() {
    let folder = TempDir::new().expect("a folder");
    let missing = folder.path().join("var");
    let error = refused(&missing);
    assert!(error.to_string().contains(&missing.display().to_string()), "{error}");
    assert!(error.to_string().contains("create it"), "{error}");
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    drop(open(folder.path()).expect("it opens"));
    let path = settings(folder.path()).path;
    Connection::open(&path).expect("a connection").pragma_update(None, "user_version", 99).expect("an update");
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer firstred"), "{error}");
    assert!(Reader::open(&path).is_err());
}

#[test]
fn a_file_that_is_no_ledger_is_refused_with_the_way_out() {
    let folder = TempDir::new().expect("a folder");
    let path = settings(folder.path()).path;
    std::fs::write(&path, "this is not a database, this is a text ".repeat(400)).expect("a file");
    let error = refused(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    let way_out = format!("mv {0} {0}.damaged", path.display());
    assert!(error.to_string().contains(&way_out), "{error}");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let db = Connection::open(settings(folder.path()).path).expect("a connection");
    db.execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("a table");
    drop(db);
    let error = refused(folder.path());
    assert!(error.to_string().contains("another program"), "{error}");
}

#[tokio::test]
async fn a_damaged_or_shortened_file_is_refused() {
    let bed = Bed::new();
    for chunk in 0..20 {
        bed.see((0..50).map(|index| failed(&format!("r{chunk}-{index}"))).collect()).await;
    }
    let Bed { folder, keeper, .. } = bed;
    drop(keeper);
    let path = settings(folder.path()).path;
    let whole = std::fs::read(&path).expect("a file");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("a file");
    assert!(matches!(refused(folder.path()), OpenError::Damaged { .. }));
    let mut flipped = whole;
    for page in flipped.chunks_mut(4096).skip(3) {
        for byte in page.iter_mut().take(64) {
            *byte ^= 0x5a;
        }
    }
    std::fs::write(&path, flipped).expect("a file");
    assert!(matches!(refused(folder.path()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_shortened_log_costs_its_end_and_not_the_start() {
    let bed = Bed::new();
    for run in 0..20 {
        bed.see(vec![failed(&format!("r{run}"))]).await;
    }
    let folder = TempDir::new().expect("a folder");
    std::fs::copy(bed.path(), folder.path().join("firstred.db")).expect("a copy");
    let log = std::fs::read(bed.folder.path().join("firstred.db-wal")).expect("a log");
    std::fs::write(folder.path().join("firstred.db-wal"), &log[..log.len() * 3 / 4]).expect("a log");
    let bed = Bed::at(folder, watch::Sender::new(Arc::new(simple())), 100);
    let left = bed.due("oncall", 0).await.len();
    assert!((1..20).contains(&left), "{left}");
    bed.see((0..20).map(|run| failed(&format!("r{run}"))).collect()).await;
    assert_eq!(bed.due("oncall", 0).await.len(), 20);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    for name in ["firstred.db", "firstred.db-wal", "firstred.db-shm", "firstred.db.lock"] {
        let mode = std::fs::metadata(bed.folder.path().join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn closing_leaves_one_file_without_a_log() {
    let mut bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let answer = bed.ledger.try_observe(batch(vec![failed("r2")])).expect("room");
    bed.keeper.take().expect("a keeper").close().await;
    assert_eq!(answer.await, Ok(()), "what was in the queue is written");
    assert!(!bed.folder.path().join("firstred.db-wal").exists());
    assert_eq!(Reader::open(&bed.path()).expect("it opens").stories("r2").expect("stories").len(), 1);
}
