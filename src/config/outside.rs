//! The world outside that a configuration points at: files. Behind a trait, so that tests never touch a disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Where files are read from.
pub trait Files {
    /// Reads at most `limit` bytes. A relative path is relative to the working directory of the process.
    ///
    /// # Errors
    /// When it can't be read, or is larger than `limit`.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Whether everybody on this machine may read it.
    fn world_readable(&self, path: &Path) -> bool;
}

/// The file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    #[cfg(unix)]
    fn world_readable(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        // What a container runtime mounts is the container's own, whatever its mode says.
        if path.starts_with("/run/secrets") || path.starts_with("/var/run/secrets") {
            return false;
        }
        std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0)
    }

    #[cfg(not(unix))]
    fn world_readable(&self, _path: &Path) -> bool {
        false
    }
}
