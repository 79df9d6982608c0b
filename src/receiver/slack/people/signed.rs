//! Slack's own signature of a request (v0): over the raw bytes, in constant time, within five minutes. It knows nothing of what is signed.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// How old a request may be, or how far ahead (docs.slack.dev, "Verifying requests from Slack").
const TOLERANCE_SECONDS: u64 = 300;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// A header is missing.
    #[error("the headers X-Slack-Request-Timestamp and X-Slack-Signature are needed")]
    Missing,
    /// The timestamp is no number, or too far off.
    #[error("X-Slack-Request-Timestamp is not within 300 s of this server's clock")]
    Time,
    /// It is not signed by this secret.
    #[error("the signature does not fit the body: is signing_secret that of the app?")]
    Mismatch,
}

/// Checks the headers of a request over its raw body.
pub(super) fn verify(
    secret: &SecretString,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refusal> {
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else {
        return Err(Refusal::Missing);
    };
    let sent: i64 = timestamp.parse().map_err(|_| Refusal::Time)?;
    if now.as_second().abs_diff(sent) > TOLERANCE_SECONDS {
        return Err(Refusal::Time);
    }
    let key = secret.expose_secret().trim().as_bytes();
    if key.is_empty() {
        // Anybody can sign with nothing.
        return Err(Refusal::Mismatch);
    }
    let given = signature.strip_prefix("v0=").and_then(unhex).ok_or(Refusal::Mismatch)?;
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(key).map_err(|_| Refusal::Mismatch)?;
    for part in [b"v0:".as_slice(), timestamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    mac.verify_slice(&given).map_err(|_| Refusal::Mismatch)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=\
                        foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F\
                        hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.\
                        47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn check(secret: &str, at: Option<&str>, signature: Option<&str>, body: &str, now: i64) -> Result<(), Refusal> {
        let now = Timestamp::from_second(now).expect("a time");
        verify(&SecretString::from(secret), at, signature, body.as_bytes(), now)
    }

    #[test]
    fn only_what_slack_signed_lately_is_taken() {
        let good = |now| check(SECRET, Some(AT), Some(SIGNATURE), BODY, now);
        assert_eq!(good(1_531_420_628), Ok(()));
        assert_eq!(good(1_531_420_918), Ok(()), "exactly five minutes later");
        assert_eq!((good(1_531_420_919), good(1_531_420_317)), (Err(Refusal::Time), Err(Refusal::Time)));
        let now = 1_531_420_628;
        assert_eq!(check(SECRET, None, Some(SIGNATURE), BODY, now), Err(Refusal::Missing));
        assert_eq!(check(SECRET, Some(AT), None, BODY, now), Err(Refusal::Missing));
        assert_eq!(check(SECRET, Some("soon"), Some(SIGNATURE), BODY, now), Err(Refusal::Time));
        let wrong = SIGNATURE.replace("v0=", "v1=");
        let (cut, odd) = (&SIGNATURE[..60], &SIGNATURE[..61]);
        for signature in [wrong.as_str(), "v0=", "v0=zz", "", cut, odd] {
            assert_eq!(check(SECRET, Some(AT), Some(signature), BODY, now), Err(Refusal::Mismatch), "{signature}");
        }
        assert_eq!(check("another", Some(AT), Some(SIGNATURE), BODY, now), Err(Refusal::Mismatch));
        assert_eq!(check(SECRET, Some(AT), Some(SIGNATURE), &format!("{BODY} "), now), Err(Refusal::Mismatch));
    }

    #[test]
    fn nothing_is_signed_with_an_empty_secret() {
        let mut mac: Hmac<Sha256> = Hmac::new_from_slice(b"").expect("a key of any length");
        mac.update(format!("v0:{AT}:{BODY}").as_bytes());
        let signature =
            mac.finalize().into_bytes().iter().fold("v0=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"));
        for empty in ["", " "] {
            assert_eq!(check(empty, Some(AT), Some(&signature), BODY, 1_531_420_628), Err(Refusal::Mismatch));
        }
    }
}
