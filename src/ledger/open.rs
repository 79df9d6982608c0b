//! Opens the file: the lock, the checks, the schema, the threads; and closes it in order. It knows nothing of what is stored.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::bells::Bells;
use super::command::{Command, Work};
use super::reader::{self, Message};
use super::reserve::Reserve;
use super::writer::Writer;
use super::{Ledger, OpenError, Shared, checkpoint, migrate};
use crate::config::LedgerSettings;
use crate::engine::Policy;
use crate::metrics::Metrics;

/// 3.51.3: the first without the WAL-reset corruption.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long the check of the file may delay the start. A large file is checked as far as that goes.
const CHECK_AT_MOST: Duration = Duration::from_secs(1);

/// "fred": tells a ledger from somebody else's SQLite file.
pub(super) const APPLICATION_ID: i64 = 0x6672_6564;

/// Keeps the ledger's threads, its lock and its file. Closing it, or dropping it, writes what is in the queue, checkpoints and
/// unlocks; that blocks for as long as the disk takes.
#[derive(Debug)]
pub struct Keeper {
    writer: Option<JoinHandle<()>>,
    reader: Option<JoinHandle<()>>,
    commands: mpsc::UnboundedSender<Command>,
    jobs: std_mpsc::Sender<Message>,
    began_anew: bool,
    _lock: File,
}

impl Keeper {
    /// Whether the file was empty although a firstred has kept its ledger here before: what that one knew is gone.
    #[must_use]
    pub fn began_anew(&self) -> bool {
        self.began_anew
    }

    /// Writes what is in the queue, refuses what comes after, checkpoints and closes, without holding up the runtime.
    pub async fn close(self) {
        if let Err(error) = tokio::task::spawn_blocking(move || drop(self)).await {
            tracing::error!(?error, "the ledger was not closed in order");
        }
    }

    fn shut(&mut self) {
        // The reader first: the checkpoint at the end must not wait for it.
        let _ = self.jobs.send(Message::Stop);
        join(self.reader.take());
        let (answer, _) = oneshot::channel();
        let _ = self.commands.send(Command { work: Work::Close, answer, _place: None });
        join(self.writer.take());
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shut();
    }
}

fn join(thread: Option<JoinHandle<()>>) {
    if thread.is_some_and(|thread| thread.join().is_err()) {
        tracing::error!("a thread of the ledger ended by a bug");
    }
}

/// Opens the ledger for writing.
pub(super) fn open(
    settings: &LedgerSettings,
    queue: usize,
    policy: watch::Receiver<Arc<Policy>>,
    metrics: Metrics,
) -> Result<(Ledger, Keeper), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version().to_owned()));
    }
    let path = settings.path.as_path();
    check_directory(path)?;
    let lock = lock(path)?;
    create(path)?;
    let mut db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| OpenError::of(path, &error))?;
    let new = prepare(path, &mut db)?;
    // The reserve is made after the schema: beside an empty ledger it was left by an earlier one.
    let began_anew = new && beside(path, "reserve").exists();
    let read = open_for_reading(path)?;

    let bells = Arc::new(Bells::default());
    let (commands, inbox) = mpsc::unbounded_channel();
    let (jobs, job_inbox) = std_mpsc::channel();
    metrics.ledger_ok.set(1);
    let (bell, calls) = std_mpsc::sync_channel(1);
    let own = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|own| own.execute_batch("PRAGMA synchronous = FULL; PRAGMA cache_size = -512").map(|()| own))
        .map_err(|error| OpenError::of(path, &error))?;
    let checkpointer = spawn(path, "ledger-checkpointer", move || checkpoint::run(&own, &calls))?;
    let writer = Writer {
        inbox,
        policy,
        bells: Arc::clone(&bells),
        metrics,
        reserve: Reserve::new(beside(path, "reserve")),
        checkpointer: checkpoint::Bell::new(bell),
        healthy: true,
        in_force: None,
        stale: true,
        stale_board: true,
    };
    let reader = spawn(path, "ledger-reader", move || reader::run(&read, &job_inbox))?;
    let writer = spawn(path, "ledger-writer", move || {
        if let Err(error) = writer.run(&db) {
            tracing::error!(?error, "the ledger's writer can't begin");
        }
        // Its bell is gone with the writer: it ends, and the last connection that closes leaves no log behind.
        join(Some(checkpointer));
        leave(db);
    })?;
    let queue = u32::try_from(queue.max(1)).unwrap_or(u32::MAX);
    let places = Arc::new(Semaphore::new(usize::try_from(queue).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)));
    let shared = Shared { commands: commands.clone(), places, queue, jobs: jobs.clone(), bells, path: path.to_owned() };
    let keeper = Keeper { writer: Some(writer), reader: Some(reader), commands, jobs, began_anew, _lock: lock };
    Ok((Ledger { shared: Arc::new(shared) }, keeper))
}

/// A connection that can't write. While no firstred runs, the file may lie where nothing can be created beside it.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, OpenError> {
    check_directory(path)?;
    let damaged = |error: rusqlite::Error| OpenError::of(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(damaged)?;
    db.busy_timeout(Duration::from_secs(5)).map_err(damaged)?;
    db.set_prepared_statement_cache_capacity(32);
    check_version(path, &db)?;
    Ok(db)
}

/// Answers whether the file was empty.
fn prepare(path: &Path, db: &mut Connection) -> Result<bool, OpenError> {
    let damaged = |error: rusqlite::Error| OpenError::of(path, &error);
    db.busy_timeout(Duration::from_secs(5)).map_err(damaged)?;
    db.set_prepared_statement_cache_capacity(128);
    check_version(path, db)?;
    let new = migrate::version(db).map_err(damaged)? == 0;
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA mmap_size = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA wal_autocheckpoint = 14000;
         PRAGMA cache_size = -32768;
         PRAGMA temp_store = MEMORY;",
    )
    .map_err(damaged)?;
    quick_check(path, db)?;
    if migrate::migrate(db).map_err(damaged)? {
        db.pragma_update(None, "application_id", APPLICATION_ID).map_err(damaged)?;
    }
    let clean: Option<i64> =
        db.query_row("SELECT max(value) FROM facts WHERE name = 'clean'", [], |row| row.get(0)).map_err(damaged)?;
    if clean == Some(0) {
        tracing::info!("the ledger was not closed in order last time; what was committed is there");
    }
    set_clean(db, false).map_err(damaged)?;
    Ok(new)
}

fn set_clean(db: &Connection, clean: bool) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('clean', ?1)", [clean])?;
    Ok(())
}

fn leave(db: Connection) {
    db.flush_prepared_statement_cache();
    let left = set_clean(&db, true)
        .and_then(|()| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .and_then(|()| db.close().map_err(|(_, error)| error));
    if let Err(error) = left {
        tracing::warn!(?error, "the ledger is closed without a checkpoint; the next start does it");
    }
}

/// Refuses what is not a ledger, and what a newer firstred wrote.
fn check_version(path: &Path, db: &Connection) -> Result<(), OpenError> {
    let damaged = |error: rusqlite::Error| OpenError::of(path, &error);
    let found = migrate::version(db).map_err(damaged)?;
    let id: i64 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(damaged)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(damaged)?;
    let foreign = if found == 0 { tables > 0 } else { id != APPLICATION_ID && id != 0 };
    if foreign {
        let reason = "it is an SQLite file of another program".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), reason });
    }
    if found > migrate::VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: migrate::VERSION });
    }
    Ok(())
}

fn quick_check(path: &Path, db: &Connection) -> Result<(), OpenError> {
    let handle = db.get_interrupt_handle();
    let (done, still_checking) = std_mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(move || {
            if still_checking.recv_timeout(CHECK_AT_MOST) == Err(std_mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        drop(done);
        result
    });
    match result {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(reason) => Err(OpenError::Damaged { path: path.to_owned(), reason }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            tracing::info!(?path, "the ledger is large; it was checked in part");
            Ok(())
        }
        Err(error) => Err(OpenError::of(path, &error)),
    }
}

fn check_directory(path: &Path) -> Result<(), OpenError> {
    let directory = match path.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => return Ok(()),
    };
    if directory.is_dir() { Ok(()) } else { Err(OpenError::NoDirectory(directory.to_owned())) }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let name = beside(path, "lock");
    let file = private().create(true).truncate(false).write(true).open(&name);
    let file = file.map_err(|error| OpenError::io(&name, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::io(&name, &error)),
    }
}

/// Creates the file, for its owner only: it holds what runs said when they failed. SQLite gives its side files the same mode.
fn create(path: &Path) -> Result<(), OpenError> {
    match private().create_new(true).write(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(OpenError::io(path, &error)),
        _ => Ok(()),
    }
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

fn spawn(path: &Path, name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(|error| OpenError::io(path, &error))
}
