//! The values inside blocks: texts, links, strings, lists, objects, each within Slack's limits.

use serde_json::{Map, Value};

use super::Check;

impl Check {
    pub(super) fn text(&mut self, text: Option<&Value>, at: &str, kinds: &[&str], most: usize) {
        let Some(text) = text else { return };
        let kind = text.get("type").and_then(Value::as_str).unwrap_or_default();
        if !kinds.contains(&kind) {
            self.wrong(at, format!("unsupported type: {kind:?}"));
            return;
        }
        let optional = if kind == "plain_text" { "emoji" } else { "verbatim" };
        let Some(map) = self.object(text, at, &["type", "text"], &[optional]) else { return };
        self.string(map.get("text"), &format!("{at}/text"), 1, most);
        if kind == "mrkdwn"
            && let Some(text) = map.get("text").and_then(Value::as_str)
        {
            for ping in ["<!channel", "<!here", "<!everyone", "<!subteam", "<@"] {
                if text.contains(ping) {
                    self.wrong(at, format!("pings people: {ping}"));
                }
            }
        }
    }

    pub(super) fn link(&mut self, url: Option<&Value>, at: &str) {
        self.string(url, at, 1, 3_000);
        let url = url.and_then(Value::as_str).unwrap_or_default();
        let good = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !good || url.contains(char::is_whitespace) {
            self.wrong(at, "invalid url");
        }
    }

    pub(super) fn string(&mut self, value: Option<&Value>, at: &str, least: usize, most: usize) {
        let Some(text) = value.and_then(Value::as_str) else {
            self.wrong(at, "must provide a string");
            return;
        };
        let length = text.chars().count();
        if length < least || length > most {
            self.wrong(at, format!("must have {least} to {most} characters, has {length}"));
        }
        let control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if text.contains(|c| control(c) || bidi(c)) {
            self.wrong(at, "holds control or direction characters");
        }
    }

    pub(super) fn array<'v>(&mut self, value: Option<&'v Value>, at: &str, least: usize, most: usize) -> &'v [Value] {
        let Some(value) = value else {
            return &[];
        };
        let Some(array) = value.as_array() else {
            self.wrong(at, "must provide an array");
            return &[];
        };
        if array.len() < least || array.len() > most {
            self.wrong(at, format!("must have {least} to {most} items, has {}", array.len()));
        }
        array
    }

    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        at: &str,
        required: &[&str],
        optional: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.wrong(at, "must provide an object");
            return None;
        };
        for name in required.iter().filter(|name| !map.contains_key(**name)) {
            self.wrong(at, format!("missing required field: {name}"));
        }
        for (name, value) in map {
            if !required.contains(&name.as_str()) && !optional.contains(&name.as_str()) {
                self.wrong(at, format!("invalid additional property: {name}"));
            }
            if value.is_null() {
                self.wrong(&format!("{at}/{name}"), "must not be null");
            }
        }
        Some(map)
    }
}
