//! What the machine itself can do, to read the figures against.

use std::io::Write;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::load::{Prepared, failed_run, flood};

const TIME: Duration = Duration::from_secs(2);

/// Requests for each second that a server can answer which only reads and says yes.
pub(crate) async fn raw_http() -> f64 {
    let length = Prepared::new(&[failed_run("wf")]).number(0).len();
    let (port, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            port.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    let mut request = vec![0; length];
                    while stream.read_exact(&mut request).await.is_ok() {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    flood(address.recv().unwrap(), &[failed_run("wf")], 64, 0, TIME).await.0
}

/// Commits for each second of a thread that appends 4 KiB and syncs.
pub(crate) fn bare_writer() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::File::create(folder.path().join("bare")).unwrap();
    let page = [7_u8; 4096];
    let begin = Instant::now();
    let mut commits = 0_u32;
    while begin.elapsed() < TIME {
        file.write_all(&page).unwrap();
        file.sync_data().unwrap();
        commits += 1;
    }
    f64::from(commits) / begin.elapsed().as_secs_f64()
}

/// Rows of 500 bytes for each second that SQLite takes in transactions of 64, synced.
pub(crate) fn bare_sqlite() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let mut database = rusqlite::Connection::open(folder.path().join("bare.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)",
        )
        .unwrap();
    let row = [7_u8; 500];
    let begin = Instant::now();
    let mut rows = 0_u32;
    while begin.elapsed() < TIME {
        let transaction = database.transaction().unwrap();
        for _ in 0..64 {
            transaction.prepare_cached("INSERT INTO t(v) VALUES (?1)").unwrap().execute([&row[..]]).unwrap();
        }
        transaction.commit().unwrap();
        rows += 64;
    }
    f64::from(rows) / begin.elapsed().as_secs_f64()
}
