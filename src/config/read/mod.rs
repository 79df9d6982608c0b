//! Reading values: every reader takes a value with its place, and reports what is wrong with it instead of stopping.

mod address;
mod secret;
mod section;
mod times;
mod values;

use toml::Value;

use super::cx::Cx;
pub(super) use super::cx::kind_of;
use super::path::Path;

pub(super) use address::{http_url, is_loopback, loopback_host, parse_http_url};
pub(super) use secret::{header_secret, secret, secrets, signing_secret};
pub(super) use section::Section;
pub(super) use times::{day_time, days, instant, zone};
pub(super) use values::{
    boolean, certificate, count, duration, filter, list, log_level, name_like, number, one_or_many, path, size, span,
    text, word,
};

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub(super) cx: &'a Cx<'a>,
    pub(super) value: &'a Value,
    pub(super) path: Path,
}

impl<'a> At<'a> {
    /// Reports that something else was expected.
    pub(super) fn wrong<T>(&self, expected: &str) -> Option<T> {
        self.fail(format!("expected {expected}, found {}", kind_of(self.value)), None)
    }

    /// Reports a mistake in this value.
    pub(super) fn fail<T>(&self, message: impl Into<String>, help: Option<String>) -> Option<T> {
        self.cx.error(&self.path, message.into(), help);
        None
    }

    /// Reports that it works, but hardly as it is meant.
    pub(super) fn warn(&self, message: impl Into<String>, help: Option<String>) {
        self.cx.warning(&self.path, message.into(), help);
    }

    /// Whether an environment variable set it: then a number is written as a string.
    pub(super) fn is_override(&self) -> bool {
        self.cx.variable(&self.path).is_some()
    }

    pub(super) fn item(&self, index: usize, value: &'a Value) -> At<'a> {
        At { cx: self.cx, value, path: self.path.index(index) }
    }

    pub(super) fn entry(&self, key: &str, value: &'a Value) -> At<'a> {
        At { cx: self.cx, value, path: self.path.key(key) }
    }
}
