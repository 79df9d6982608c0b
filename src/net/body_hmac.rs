//! The plain signature over a body that many services send: hex of HMAC-SHA256, in a header of their choice (GitHub's
//! `X-Hub-Signature-256`, dbt Cloud's `Authorization`). It has no time in it; it must not know HTTP.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Whether `shown` is the signature of `body` by one of `secrets`. An empty secret signs nothing.
#[must_use]
pub fn verify(secrets: &[SecretString], prefix: &str, shown: Option<&str>, body: &[u8]) -> bool {
    let Some(digits) = shown.and_then(|shown| shown.trim().strip_prefix(prefix)) else {
        return false;
    };
    let Some(shown) = bytes(digits) else {
        return false;
    };
    let signs = |secret: &SecretString| {
        let secret = secret.expose_secret().as_bytes();
        let mac = Hmac::<Sha256>::new_from_slice(secret).ok().filter(|_| !secret.is_empty());
        // Compares in constant time.
        mac.is_some_and(|mac| mac.chain_update(body).verify_slice(&shown).is_ok())
    };
    secrets.iter().any(signs)
}

fn bytes(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Vec<SecretString> {
        vec![SecretString::from(text)]
    }

    /// The example of GitHub's documentation ("Validating webhook deliveries").
    #[test]
    fn the_documented_example_of_github_is_verified() {
        let shown = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secrets = secret("It's a Secret to Everybody");
        assert!(verify(&secrets, "sha256=", Some(shown), b"Hello, World!"));
        assert!(!verify(&secrets, "sha256=", Some(shown), b"Hello, World"));
        assert!(!verify(&secrets, "", Some(shown), b"Hello, World!"));
        assert!(!verify(&secret("other"), "sha256=", Some(shown), b"Hello, World!"));
        let both: Vec<SecretString> = [secret("new"), secrets].concat();
        assert!(verify(&both, "sha256=", Some(shown), b"Hello, World!"), "the old secret while both are in use");
        for wrong in [None, Some(""), Some("sha256="), Some("sha256=zz"), Some("sha1=757107ea")] {
            assert!(!verify(&both, "sha256=", wrong, b"Hello, World!"), "{wrong:?}");
        }
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let of_nothing = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
        assert!(!verify(&secret(""), "", Some(of_nothing), b""));
    }
}
