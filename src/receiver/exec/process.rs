//! One run of a program: its input, what it says, its end, and the end of everything that it started where the time is over. It knows no
//! notification.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// So much is kept of the beginning of standard output and of the end of standard error. The rest is read and thrown away, so that a talkative
/// program does not wait for a reader.
const KEPT: usize = 4_096;

/// What the program started may hold its output open after it has ended. It is listened to for no longer than this.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// A program with its arguments.
pub(super) struct Program {
    pub(super) command: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
}

/// How a program ended, and what it said.
pub(super) struct Ran {
    pub(super) end: End,
    /// The beginning of standard output.
    pub(super) output: Vec<u8>,
    /// The end of standard error.
    pub(super) errors: Vec<u8>,
}

/// An end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Exit(i32),
    /// Somebody else killed it.
    Signal(i32),
    /// It was killed with all that it started.
    OutOfTime,
}

impl Program {
    /// Runs it once, for at most `limit`.
    ///
    /// # Errors
    /// When it can't be started or waited for.
    pub(super) async fn run(
        &self,
        facts: Vec<(&'static str, String)>,
        input: Vec<u8>,
        limit: Duration,
    ) -> io::Result<Ran> {
        let deadline = Instant::now() + limit;
        let mut command = Command::new(&self.command);
        command.args(&self.args).env_clear().envs(self.environment.clone()).envs(facts);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own, so that what it starts can be ended with it; and no signal of firstred's terminal reaches it.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let mut group = Group::of(&child);
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let end = {
            let feed = async {
                if let Some(mut pipe) = stdin {
                    // A program that does not read its input is free not to.
                    let _ = pipe.write_all(&input).await;
                }
            };
            let talk = async {
                tokio::join!(feed, listen(stdout, &mut output, keep_start), listen(stderr, &mut errors, keep_end))
            };
            tokio::pin!(talk);
            // It has ended when the process has: what holds its pipes open longer is another's business.
            let ended = async {
                tokio::select! {
                    ended = child.wait() => (ended, false),
                    _ = &mut talk => (child.wait().await, true),
                }
            };
            if let Ok((ended, all_said)) = timeout_at(deadline, ended).await {
                group.is_over();
                if !all_said {
                    let _ = timeout(LAST_WORDS, &mut talk).await;
                }
                end_of(ended?)
            } else {
                group.kill();
                child.kill().await?;
                group.is_over();
                End::OutOfTime
            }
        };
        Ok(Ran { end, output, errors })
    }
}

fn end_of(status: ExitStatus) -> End {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return End::Signal(signal);
    }
    End::Exit(status.code().unwrap_or(-1))
}

/// Reads to the end, and keeps what `keep` keeps.
async fn listen(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, keep: fn(&mut Vec<u8>, &[u8])) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0; KEPT];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        keep(kept, chunk.get(..read).unwrap_or_default());
    }
}

fn keep_start(kept: &mut Vec<u8>, said: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend_from_slice(said.get(..room).unwrap_or(said));
}

fn keep_end(kept: &mut Vec<u8>, said: &[u8]) {
    kept.extend_from_slice(said);
    kept.drain(..kept.len().saturating_sub(KEPT));
}

/// The program and everything that it started and that did not leave its group. Dropped before the program has ended, it is killed: firstred
/// leaves nothing behind when it stops.
struct Group {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        Self { id }
    }

    #[cfg(not(unix))]
    fn of(_child: &Child) -> Self {
        Self {}
    }

    /// The program was waited for: its number may be another's by now.
    fn is_over(&mut self) {
        #[cfg(unix)]
        {
            self.id = None;
        }
    }

    fn kill(&self) {
        #[cfg(unix)]
        if let Some(id) = self.id {
            // That nobody is left in it is no mistake.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
