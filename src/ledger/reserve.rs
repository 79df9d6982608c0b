//! Room set aside for a bad day: a file that is deleted when the disk is full, so that what was sent can still be put on record.
//! It knows a path; it knows nothing of the ledger.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const SIZE: usize = 4 * 1024 * 1024;

/// How long not to try again after there was no room.
const PAUSE: Duration = Duration::from_secs(1);

/// The room set aside.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    held: bool,
    refused_at: Option<Instant>,
}

impl Reserve {
    /// Sets the room aside, or finds that it already is.
    pub(super) fn new(path: PathBuf) -> Self {
        let mut reserve = Self { path, held: false, refused_at: None };
        reserve.restore();
        reserve
    }

    /// Whether the room is set aside.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Gives the room back to the disk.
    pub(super) fn release(&mut self) {
        if self.held {
            self.held = false;
            if let Err(error) = fs::remove_file(&self.path) {
                tracing::error!(path = ?self.path, ?error, "the ledger's reserve can't be given back");
            }
        }
    }

    /// Sets the room aside again. Answers whether it is set aside now; while it is not, the disk counts as full.
    pub(super) fn restore(&mut self) -> bool {
        if self.held {
            return true;
        }
        if self.refused_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return false;
        }
        match self.fill() {
            Ok(()) => {
                self.held = true;
                self.refused_at = None;
            }
            Err(error) => {
                tracing::warn!(path = ?self.path, ?error, "there is no room for the ledger's reserve");
                let _ = fs::remove_file(&self.path);
                self.refused_at = Some(Instant::now());
            }
        }
        self.held
    }

    fn fill(&self) -> std::io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == SIZE as u64) {
            return Ok(());
        }
        let mut file = File::create(&self.path)?;
        let block = [0x66_u8; 16 * 1024];
        for _ in 0..SIZE / block.len() {
            file.write_all(&block)?;
        }
        // Without this the blocks are only promised, and a full disk shows when it is too late.
        file.sync_all()
    }
}
