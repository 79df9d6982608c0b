//! How a service checks a request: its fields, their lengths, and texts that hold nothing but what can be read. It knows no service.

use jiff::Timestamp;
use serde_json::Value;

use crate::support::http::Asked;
use crate::support::webhook::leaves;

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Check(Vec<String>);

impl Check {
    pub(crate) fn mistakes(self) -> Vec<String> {
        self.0
    }

    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    pub(crate) fn all(&mut self, what: impl IntoIterator<Item = String>) {
        self.0.extend(what);
    }

    /// `holds`, or it is wrong.
    pub(crate) fn that(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.wrong(what);
        }
    }

    /// A POST (or `method`) of JSON, every text of which can be read. Null when there is none.
    pub(crate) fn json(&mut self, asked: &Asked, method: &str) -> Value {
        self.that(asked.method == method, format!("{} instead of {method}", asked.method));
        let kind = asked.header("content-type").to_owned();
        self.that(kind.starts_with("application/json"), format!("content-type {kind:?}"));
        let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
            self.wrong("the body is not JSON");
            return Value::Null;
        };
        for text in leaves(&body) {
            self.readable(text);
        }
        body
    }

    /// An object with these fields and no others.
    pub(crate) fn fields(&mut self, at: &str, value: &Value, required: &[&str], optional: &[&str]) {
        let Some(map) = value.as_object() else {
            self.wrong(format!("{at}: not an object"));
            return;
        };
        for name in required {
            self.that(map.get(*name).is_some_and(|value| !value.is_null()), format!("{at}: no {name:?}"));
        }
        for name in map.keys() {
            let known = required.contains(&name.as_str()) || optional.contains(&name.as_str());
            self.that(known, format!("{at}: unknown field {name:?}"));
        }
    }

    /// A text of so many characters; absent is fine.
    pub(crate) fn text(&mut self, at: &str, value: &Value, least: usize, most: usize) {
        match value {
            Value::Null => {}
            Value::String(text) => {
                let length = text.chars().count();
                self.that((least..=most).contains(&length), format!("{at}: {length} characters, {least} to {most}"));
            }
            other => self.wrong(format!("{at}: not a text: {other:.60}")),
        }
    }

    /// One of these words; absent is fine.
    pub(crate) fn word(&mut self, at: &str, value: &Value, words: &[&str]) {
        let fine = value.is_null() || value.as_str().is_some_and(|word| words.contains(&word));
        self.that(fine, format!("{at}: {value} is none of {words:?}"));
    }

    /// An RFC 3339 time; absent is fine.
    pub(crate) fn time(&mut self, at: &str, value: &Value) {
        let fine = value.is_null() || time(value).is_some();
        self.that(fine, format!("{at}: {value} is not an RFC 3339 time"));
    }

    /// A link that leads where the run's own do; absent is fine.
    pub(crate) fn link(&mut self, at: &str, value: &Value) {
        let fine = value.is_null() || value.as_str().is_some_and(is_ours);
        self.that(fine, format!("{at}: {value} is no link of ours"));
    }

    /// Nothing that hides, turns around or controls.
    pub(crate) fn readable(&mut self, text: &str) {
        let hides = |c: char| {
            (c.is_control() && !matches!(c, '\n' | '\t'))
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{e0000}'..='\u{e007f}')
        };
        if let Some(found) = text.chars().find(|c| hides(*c)) {
            self.wrong(format!("U+{:04X} in {:.60?}", u32::from(found), text));
        }
    }
}

/// A time.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Where the links of the test runs lead.
const OURS: &str = "flows.example.com";

/// A link leads where the run's own do.
pub(crate) fn is_ours(link: &str) -> bool {
    let Ok(url) = url::Url::parse(link) else { return false };
    matches!(url.scheme(), "http" | "https")
        && url.host_str() == Some(OURS)
        && url.username().is_empty()
        && !link.contains(char::is_whitespace)
}

/// Every text of a body, a line for each.
pub(crate) fn text_of(body: &Value) -> String {
    leaves(body).join("\n")
}
