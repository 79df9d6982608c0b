//! Secrets of the daemon's own that lie beside the ledger, readable by the daemon's user alone. Who can read them may read the ledger as
//! well. It must not know what they open.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// How many bytes of randomness a secret has.
pub(super) const BYTES: usize = 32;

/// The file that is called as the ledger is, and `extension`.
pub(super) fn beside(ledger: &Path, extension: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// Random bytes; none where the operating system has none.
pub(super) fn draw() -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes)
}

/// Leaves `text` at `path`, instead of what is there. Written under another name first: the file is never there without its mode, nor
/// with half a secret.
pub(super) fn leave(path: &Path, text: &str) -> io::Result<()> {
    let under = &beside(path, ".new");
    match std::fs::remove_file(under) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(under)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    // A secret that is kept over restarts must not be lost in a power cut.
    file.sync_all()?;
    drop(file);
    std::fs::rename(under, path)?;
    // Its name is on the disk only when its folder is.
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// What was left at `path`.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(1024).read_to_string(&mut text)?;
    Ok(text.trim().to_owned())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that [`hex`] wrote.
pub(super) fn bytes(hex: &str) -> Option<[u8; BYTES]> {
    let mut out = [0; BYTES];
    if hex.len() != 2 * BYTES || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}
