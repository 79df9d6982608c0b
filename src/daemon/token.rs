//! The daemon's own token: drawn at each start and left beside the ledger, readable by the daemon's user alone. Who can read the file
//! may read the ledger as well, so the file's mode is the whole authentication of commands on this machine.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::private_file::{self, beside, draw, hex, leave};

/// The token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The operating system gives no randomness.
    #[error("the operating system gives no random bytes for the API's token")]
    NoRandomness,
    /// The file could not be written.
    #[error("failed to write the API's token to {path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Where the token of the daemon that keeps this ledger is.
#[must_use]
pub fn path(ledger: &Path) -> PathBuf {
    beside(ledger, ".token")
}

/// Draws a token and leaves it beside the ledger, instead of the one of an earlier start.
///
/// # Errors
/// When there is no randomness, or the file can't be written.
pub fn make(ledger: &Path) -> Result<SecretString, TokenError> {
    let token = SecretString::from(hex(&draw().ok_or(TokenError::NoRandomness)?));
    let path = path(ledger);
    leave(&path, token.expose_secret()).map_err(|cause| TokenError::File { path, cause })?;
    Ok(token)
}

/// The token of the daemon that keeps this ledger, or the last one that did.
///
/// # Errors
/// When there is none, or it may not be read.
pub fn read(ledger: &Path) -> io::Result<SecretString> {
    private_file::read(&path(ledger)).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_leaves_another_token_for_its_own_user() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("firstred.db");
        let first = make(&ledger).expect("a token");
        let second = make(&ledger).expect("a token");
        assert_ne!(first.expose_secret(), second.expose_secret());
        assert_eq!(second.expose_secret().len(), 64);
        assert_eq!(read(&ledger).expect("it is there").expose_secret(), second.expose_secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(path(&ledger)).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("readable").collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn what_stands_there_already_is_replaced_and_not_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("firstred.db");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, "mine").expect("writable");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&elsewhere, path(&ledger)).expect("a link");
        make(&ledger).expect("a token");
        assert_eq!(std::fs::read_to_string(&elsewhere).expect("it is there"), "mine");
    }
}
