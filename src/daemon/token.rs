//! The daemon's own token: drawn at each start and left beside the ledger, readable by the daemon's user alone. Who can read the file
//! may read the ledger as well, so the file's mode is the whole authentication of commands on this machine.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

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
    let mut bytes = [0; 32];
    rustls::crypto::aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| TokenError::NoRandomness)?;
    let token = SecretString::from(hex(&bytes));
    let path = path(ledger);
    leave(&path, &beside(ledger, ".token.new"), &token).map_err(|cause| TokenError::File { path, cause })?;
    Ok(token)
}

/// The token of the daemon that keeps this ledger, or the last one that did.
///
/// # Errors
/// When there is none, or it may not be read.
pub fn read(ledger: &Path) -> io::Result<SecretString> {
    let mut text = String::new();
    std::fs::File::open(path(ledger))?.take(1024).read_to_string(&mut text)?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// Written under another name first: the file is never there without its mode, nor with half a token.
fn leave(path: &Path, under: &Path, token: &SecretString) -> io::Result<()> {
    match std::fs::remove_file(under) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(under)?;
    file.write_all(token.expose_secret().as_bytes())?;
    file.write_all(b"\n")?;
    drop(file);
    std::fs::rename(under, path)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn beside(ledger: &Path, extension: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
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
