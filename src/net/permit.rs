//! A signed permission in a URL: whoever holds the link may read one incident, acknowledge it and silence it, until it expires. The
//! signature is all there is: no account, no session, nothing kept. It must not know what an incident is, nor HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use url::Url;

/// How long a link is good for: a problem is looked after within days, and what lies in a mailbox for longer is worth less than the
/// risk that somebody else reads it.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The first byte. Another layout gets another number; this one is refused then.
const VERSION: u8 = 1;
/// What is signed begins with this, so that no other signature by the same key can be taken for a permit.
const PURPOSE: &[u8] = b"firstred permit\0";
/// The longest field, in bytes; what is longer is cut. A mail address has at most 254 (RFC 5321, erratum 1690).
const LONGEST_FIELD: usize = 254;
/// The longest permit that is looked at, in characters.
const LONGEST: usize = 1_200;
const SIGNATURE: usize = 32;

/// What signs permits, and knows its own.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

/// Who may do what, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// Which incident.
    pub incident: String,
    /// The receiver whose message has the link.
    pub receiver: String,
    /// Whom that message went to, where the receiver has several addresses.
    pub address: Option<String>,
    /// Until when, to the second.
    pub expires: Timestamp,
}

/// Why a permit is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was not made by this key, or was changed since.
    #[error("the link was not made here, or was changed on its way")]
    Forged,
    /// It was made here, and its time is over.
    #[error("the link has expired")]
    Expired,
}

/// Makes links to this daemon, and takes them back.
#[derive(Debug, Clone)]
pub struct Issuer {
    base: Url,
    key: Key,
}

impl Key {
    /// How many bytes a key has.
    pub const BYTES: usize = 32;

    /// A key of these bytes, which are random and secret.
    #[must_use]
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        // HMAC pads a key to a block of 64 bytes, so that this is the key of these 32.
        let mut block = [0; 64];
        block[..Self::BYTES].copy_from_slice(bytes);
        Self(Hmac::new(&block.into()))
    }

    /// The permit as text: base64url of its fields and the signature over them.
    #[must_use]
    pub fn sign(&self, permit: &Permit) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&permit.expires.as_second().to_be_bytes());
        for field in [&permit.incident, &permit.receiver, permit.address.as_ref().unwrap_or(&String::new())] {
            let field = &field[..field.floor_char_boundary(LONGEST_FIELD)];
            bytes.push(u8::try_from(field.len()).unwrap_or_default());
            bytes.extend_from_slice(field.as_bytes());
        }
        let signature = self.signature(&bytes);
        bytes.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The permit that this text is, at `now`. The signature is compared in constant time, and before anything else is believed.
    ///
    /// # Errors
    /// When it was not signed by this key, or has expired.
    pub fn open(&self, text: &str, now: Timestamp) -> Result<Permit, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Forged)?;
        let (fields, signature) = bytes.split_last_chunk::<SIGNATURE>().ok_or(Refusal::Forged)?;
        if !bool::from(self.signature(fields).ct_eq(signature)) {
            return Err(Refusal::Forged);
        }
        let permit = read(fields).ok_or(Refusal::Forged)?;
        if now >= permit.expires { Err(Refusal::Expired) } else { Ok(permit) }
    }

    fn signature(&self, fields: &[u8]) -> [u8; SIGNATURE] {
        let mut mac = self.0.clone();
        mac.update(PURPOSE);
        mac.update(fields);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key(***)")
    }
}

fn read(bytes: &[u8]) -> Option<Permit> {
    let (version, bytes) = bytes.split_first()?;
    let (expires, mut bytes) = bytes.split_first_chunk::<8>()?;
    let mut field = || {
        let (length, rest) = bytes.split_first()?;
        let (field, rest) = rest.split_at_checked(usize::from(*length))?;
        bytes = rest;
        String::from_utf8(field.to_vec()).ok()
    };
    let permit = Permit {
        incident: field()?,
        receiver: field()?,
        address: Some(field()?).filter(|address| !address.is_empty()),
        expires: Timestamp::from_second(i64::from_be_bytes(*expires)).ok()?,
    };
    (*version == VERSION && bytes.is_empty()).then_some(permit)
}

impl Permit {
    /// Whom a deed is put down to: the address, else the receiver.
    #[must_use]
    pub fn holder(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.receiver)
    }
}

impl Issuer {
    /// Links begin with `base`, which is how people reach this daemon.
    #[must_use]
    pub fn new(base: Url, key: Key) -> Self {
        Self { base, key }
    }

    /// The page that this permit opens.
    #[must_use]
    pub fn link(&self, permit: &Permit) -> String {
        format!("{}/i/{}", self.base.as_str().trim_end_matches('/'), self.key.sign(permit))
    }

    /// The permit that this text is; see [`Key::open`].
    ///
    /// # Errors
    /// When it was not signed by this key, or has expired.
    pub fn open(&self, text: &str, now: Timestamp) -> Result<Permit, Refusal> {
        self.key.open(text, now)
    }

    /// Whether a page of this origin (`https://host`) is one of ours.
    #[must_use]
    pub fn is_own_origin(&self, origin: &str) -> bool {
        self.base.origin().ascii_serialization() == origin
    }
}

#[cfg(test)]
mod tests;
