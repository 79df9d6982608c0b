//! Secrets: a string, `{ env = "NAME" }` or `{ file = "path" }`, resolved at once. No message here holds one.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use toml::Value;

use super::{At, Section, one_or_many, path, text};
use crate::config::suggest;
use crate::net::signature::Secret;

/// The largest file that may hold a secret.
const MAX_FILE: u64 = 64 << 10;

/// A secret, never empty.
pub(in crate::config) fn secret(at: &At<'_>) -> Option<SecretString> {
    let secret = resolved(at)?;
    at.cx.keep(&secret);
    Some(secret)
}

fn resolved(at: &At<'_>) -> Option<SecretString> {
    if !matches!(at.value, Value::Table(_)) {
        at.cx.hide(&at.path);
    }
    match at.value {
        Value::String(text) if text.trim().is_empty() => at.fail("the secret is empty", None),
        Value::String(text) => {
            let variable = text.strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
            if let Some(name) = variable.filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) {
                at.warn(
                    "this looks like a variable of a shell, and is taken as it stands",
                    Some(format!("write {{ env = {name:?} }} to read the environment")),
                );
            }
            Some(SecretString::from(text.clone()))
        }
        Value::Table(_) => {
            let section = Section::open(at, "secret")?;
            let (by_env, by_file) = (section.get("env", from_env), section.get("file", from_file));
            let read = match (section.has("env"), section.has("file")) {
                (true, true) => at.fail("a secret is read from `env` or from `file`, not from both", None),
                (false, false) => {
                    let help = "write { env = \"NAME\" } or { file = \"/path\" }".to_owned();
                    at.cx.missing(&at.path, "the secret says neither `env` nor `file`".to_owned(), Some(help));
                    None
                }
                _ => by_env.or(by_file),
            };
            section.finish();
            read
        }
        _ => at.wrong("a secret: a string, { env = \"NAME\" } or { file = \"/path\" }"),
    }
}

fn from_env(at: &At<'_>) -> Option<SecretString> {
    let name = text(at)?;
    match at.cx.env.get(&name) {
        Some(value) if value.trim().is_empty() => at.fail(format!("the environment variable `{name}` is empty"), None),
        Some(value) => Some(SecretString::from(value.clone())),
        None => {
            let near = suggest::nearest(&name, at.cx.env.keys().map(String::as_str));
            let help = near.map_or_else(
                || "set it where firstred is started, or write { file = \"/path\" }".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            at.fail(format!("the environment variable `{name}` is not set"), Some(help))
        }
    }
}

fn from_file(at: &At<'_>) -> Option<SecretString> {
    let path = path(at)?;
    let shown = path.display();
    let bytes = match at.cx.files.read(&path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) => {
            let help = path.is_relative().then(|| "it is relative to firstred's working directory".to_owned());
            return at.fail(format!("failed to read `{shown}`: {error}"), help);
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return at.fail(format!("`{shown}` is not UTF-8 text"), None);
    };
    let text = text.trim_end_matches(['\n', '\r']);
    if text.trim().is_empty() {
        return at.fail(format!("the file `{shown}` is empty"), None);
    }
    if at.cx.files.world_readable(&path) {
        at.warn(format!("everybody on this machine can read `{shown}`"), Some(format!("chmod 600 {shown}")));
    }
    Some(SecretString::from(text.to_owned()))
}

/// One secret or a list of them, each as `reader` reads it.
pub(in crate::config) fn secrets<'a>(
    reader: impl Fn(&At<'a>) -> Option<SecretString>,
) -> impl FnOnce(&At<'a>) -> Option<Vec<SecretString>> {
    move |at| one_or_many(reader)(at)
}

/// A secret that can stand in an HTTP header.
pub(in crate::config) fn header_secret(at: &At<'_>) -> Option<SecretString> {
    let secret = secret(at)?;
    let text = secret.expose_secret();
    if text.trim() == text && text.is_ascii() && HeaderValue::from_str(text).is_ok() {
        return Some(secret);
    }
    at.fail(
        "the secret can't be sent in an HTTP header",
        Some("it must be ASCII, on one line, with no spaces around it".to_owned()),
    )
}

/// A Standard Webhooks secret.
pub(in crate::config) fn signing_secret(at: &At<'_>) -> Option<SecretString> {
    let secret = secret(at)?;
    match Secret::parse(&secret) {
        Ok(_) => Some(secret),
        Err(error) => at.fail(error.to_string(), None),
    }
}
