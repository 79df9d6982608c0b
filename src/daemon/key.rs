//! The key that signs the links in messages: drawn at the first start, left beside the ledger, and kept, so that a link in yesterday's
//! mail still opens after a restart. Taking the file away and starting anew makes every link worthless that was sent before.

use std::io;
use std::path::{Path, PathBuf};

use super::private_file::{self, beside, bytes, draw, hex, leave};
use crate::net::permit::Key;

/// Whom what is done by a link is put down to that a command printed: who asked for it is not known. No receiver can be called so.
pub const COMMAND_LINE: &str = "(the command line)";

/// The key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The operating system gives no randomness.
    #[error("the operating system gives no random bytes for the key that signs links")]
    NoRandomness,
    /// The file can't be read.
    #[error("failed to read the key that signs links in {path}: {cause}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The file holds something else.
    #[error(
        "the key that signs links in {path} is damaged: put it back from a backup, or remove it and start anew; links sent so far are worth \
         nothing then"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// The file can't be written.
    #[error("failed to write the key that signs links to {path}: {cause}")]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// The key of a daemon that starts.
pub struct Own {
    key: Key,
    path: PathBuf,
    /// Its digits, while no file has them.
    fresh: Option<String>,
}

/// Where the key of the daemon that keeps this ledger is.
#[must_use]
pub fn path(ledger: &Path) -> PathBuf {
    beside(ledger, ".key")
}

/// The key of the daemon that keeps this ledger; none before its first start.
///
/// # Errors
/// When the file can't be read, or holds something else.
pub fn read(ledger: &Path) -> Result<Option<Key>, KeyError> {
    let path = path(ledger);
    match private_file::read(&path) {
        Ok(text) => bytes(&text).map(|bytes| Some(Key::new(&bytes))).ok_or(KeyError::Damaged { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(KeyError::Unreadable { path, cause }),
    }
}

impl Own {
    /// The key that is there, or a new one, which [`Own::keep`] writes.
    ///
    /// # Errors
    /// When the file can't be read or is damaged, or there is no randomness.
    pub fn of(ledger: &Path) -> Result<Self, KeyError> {
        if let Some(key) = read(ledger)? {
            return Ok(Self { key, path: path(ledger), fresh: None });
        }
        let drawn = draw().ok_or(KeyError::NoRandomness)?;
        Ok(Self { key: Key::new(&drawn), path: path(ledger), fresh: Some(hex(&drawn)) })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Leaves a new key beside the ledger. Only for who holds the ledger's lock.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn keep(self) -> Result<Key, KeyError> {
        if let Some(digits) = &self.fresh {
            leave(&self.path, digits).map_err(|cause| KeyError::Unwritable { path: self.path, cause })?;
        }
        Ok(self.key)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::net::permit::Permit;

    fn permit() -> Permit {
        Permit {
            incident: "i_1".to_owned(),
            receiver: "mail".to_owned(),
            address: None,
            expires: "2030-01-01T00:00:00Z".parse().expect("a time"),
        }
    }

    #[test]
    fn the_first_key_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("firstred.db");
        assert!(read(&ledger).expect("readable").is_none());
        let link = Own::of(&ledger).expect("a key").keep().expect("writable").sign(&permit());
        let after = Own::of(&ledger).expect("the key").keep().expect("writable");
        assert_eq!(after.open(&link, Timestamp::UNIX_EPOCH), Ok(permit()));
        assert!(read(&ledger).expect("readable").is_some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path(&ledger)).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_is_named_and_never_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("firstred.db");
        for text in ["", "abc", &"0".repeat(63), &"g".repeat(64), &"0".repeat(65)] {
            std::fs::write(path(&ledger), text).expect("writable");
            let error = Own::of(&ledger).err().expect("no key").to_string();
            assert!(error.contains("firstred.db.key") && error.contains("remove it"), "{error}");
            assert_eq!(std::fs::read_to_string(path(&ledger)).expect("it is there"), text);
        }
    }
}
