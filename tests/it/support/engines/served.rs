//! An engine that `tests/engines/ENGINE/start.sh` installs and serves: started on a port that nobody else has, and ended whole.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::client::Client;

/// An engine may take this long to answer: Prefect takes 13 s on an idle machine, Airflow a minute on a busy one.
const START: Duration = Duration::from_mins(3);

/// What it gets to end its own processes before they are killed.
const END: Duration = Duration::from_secs(15);

/// Ports are taken from below the range that the kernel hands out (32768 and up), so that no other test is given one in
/// between; two engines that take the same one are told apart by what the loser says.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A running engine. Ended, with all of its processes, when it is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    engine: &'static str,
    child: Child,
    port: u16,
    home: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let signal = |signal: &str, to: &str| {
            let _ = Command::new("kill").args([signal, "--", to]).stderr(Stdio::null()).status();
        };
        signal("-TERM", &self.child.id().to_string());
        let deadline = Instant::now() + END;
        while Instant::now() < deadline && !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(50));
        }
        signal("-KILL", &group);
        let _ = self.child.wait();
    }
}

impl Served {
    /// Installs the engine where that is not done yet, starts it with its home in `folder`, and waits until it answers `path`
    /// with 2xx.
    pub(crate) async fn start(engine: &'static str, folder: &Path, path: &str) -> Self {
        let install = script(engine, &["install", &venv(engine)]).status().expect("there is a bash");
        assert!(install.success(), "tests/engines/{engine}/start.sh install failed: {install}");
        let home = folder.join(engine);
        std::fs::create_dir_all(&home).expect("the folder is writable");
        loop {
            let mut served = Self::spawn(engine, &home);
            match served.wait_answering(path).await {
                Ok(()) => return served,
                Err(log) if log.to_lowercase().contains("already in use") => {}
                Err(log) => panic!("{engine} does not answer {path}; its log:\n{log}"),
            }
        }
    }

    fn spawn(engine: &'static str, home: &Path) -> Self {
        let port = free_port();
        let log = File::create(home.join("server.log")).expect("the folder is writable");
        let child = script(engine, &["serve", &venv(engine), &home.to_string_lossy(), &port.to_string()])
            .stdout(Stdio::from(log.try_clone().expect("a second handle")))
            .stderr(Stdio::from(log))
            // A group of its own, so that none of its processes outlives the test.
            .process_group(0)
            .spawn()
            .expect("there is a bash");
        Self { engine, child, port, home: home.to_owned() }
    }

    async fn wait_answering(&mut self, path: &str) -> Result<(), String> {
        let (client, url) = (Client::default(), format!("{}{path}", self.url()));
        let deadline = Instant::now() + START;
        loop {
            if client.get(&url).await.is_ok_and(|answer| answer.accepted()) {
                return Ok(());
            }
            let ended = self.child.try_wait().expect("a child of ours");
            if ended.is_some() || Instant::now() > deadline {
                return Err(format!("({ended:?}) {}", self.log()));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Where it answers, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its folder: what the engine keeps, and its log.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// What the engine wrote so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("server.log")).unwrap_or_default()
    }

    /// A program of the engine's environment, quiet, with its output in the file `NAME.log` of its home.
    pub(crate) fn program(&self, program: &str, name: &str) -> Command {
        let log = File::create(self.home.join(format!("{name}.log"))).expect("the folder is writable");
        let mut command = Command::new(format!("{}/bin/{program}", venv(self.engine)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().expect("a second handle")))
            .stderr(Stdio::from(log));
        command
    }
}

/// A file of `tests/engines/ENGINE`.
pub(crate) fn source(engine: &str, file: &str) -> String {
    format!("{}/tests/engines/{engine}/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// Cached between runs, beside the builds; `FIRSTRED_ENGINES` puts it elsewhere.
fn venv(engine: &str) -> String {
    let elsewhere = std::env::vars().find(|(name, _)| name == "FIRSTRED_ENGINES").map(|(_, path)| path);
    let folder = elsewhere.unwrap_or_else(|| format!("{}/target/engines", env!("CARGO_MANIFEST_DIR")));
    format!("{folder}/{engine}")
}

fn script(engine: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command.arg(source(engine, "start.sh")).args(arguments).stdin(Stdio::null());
    command
}

/// A port that nobody listens on. Starts at another place in each process.
fn free_port() -> u16 {
    let count = u32::from(PORTS.end - PORTS.start);
    let first = std::process::id().wrapping_mul(7919);
    (0..count)
        .filter_map(|step| u16::try_from(first.wrapping_add(step) % count).ok())
        .map(|offset| PORTS.start + offset)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("loopback has a free port")
}
