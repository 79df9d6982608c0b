//! Is this a message that Slack would take? Block Kit, as strict as the published limits: unknown properties, empty texts and nulls
//! are mistakes. Only the blocks that firstred uses are known; any other is a mistake too.

mod self_tests;
mod values;

use serde_json::Value;

/// The longest fallback text before Slack splits it.
const MAX_TEXT: usize = 4_000;
/// Slack refuses messages somewhere above 15,600 characters of blocks; this is well below.
const MAX_BLOCKS_JSON: usize = 13_000;

/// Every mistake in a webhook message, as `POINTER: what`. Empty: Slack would take it.
pub(crate) fn mistakes(message: &Value) -> Vec<String> {
    let mut check = Check::default();
    check.message(message);
    check.mistakes
}

#[derive(Default)]
struct Check {
    mistakes: Vec<String>,
    block_ids: Vec<String>,
    size: usize,
    blocks: usize,
}

impl Check {
    fn wrong(&mut self, at: &str, what: impl AsRef<str>) {
        self.mistakes.push(format!("{at}: {}", what.as_ref()));
    }

    fn message(&mut self, message: &Value) {
        let known =
            ["text", "blocks", "attachments", "unfurl_links", "unfurl_media", "mrkdwn", "thread_ts", "metadata"];
        let Some(map) = self.object(message, "", &["text"], &known) else { return };
        self.string(map.get("text"), "/text", 1, MAX_TEXT);
        for flag in ["unfurl_links", "unfurl_media"] {
            if map.get(flag) != Some(&Value::Bool(false)) {
                self.wrong(&format!("/{flag}"), "links in alerts must not unfurl: false");
            }
        }
        if let Some(blocks) = map.get("blocks") {
            self.blocks(blocks, "/blocks");
        }
        for (index, attachment) in self.array(map.get("attachments"), "/attachments", 0, 20).iter().enumerate() {
            let at = format!("/attachments/{index}");
            // Any legacy field beside `blocks` makes Slack refuse the message.
            let Some(map) = self.object(attachment, &at, &["blocks", "fallback"], &["blocks", "color", "fallback"])
            else {
                continue;
            };
            self.string(map.get("fallback"), &format!("{at}/fallback"), 1, MAX_TEXT);
            if let Some(color) = map.get("color").and_then(Value::as_str) {
                let hex = color.strip_prefix('#').unwrap_or_default();
                if hex.len() != 6 || !hex.chars().all(|digit| digit.is_ascii_hexdigit()) {
                    self.wrong(&format!("{at}/color"), "#rrggbb");
                }
            }
            if let Some(blocks) = map.get("blocks") {
                self.blocks(blocks, &format!("{at}/blocks"));
            }
        }
        if self.blocks > 50 {
            self.wrong("/blocks", "no more than 50 blocks in a message");
        }
        if self.size >= MAX_BLOCKS_JSON {
            let size = self.size;
            self.wrong("/blocks", format!("{size} characters of blocks, Slack may refuse the message"));
        }
    }

    fn blocks(&mut self, blocks: &Value, at: &str) {
        self.size += blocks.to_string().chars().count();
        let blocks = self.array(Some(blocks), at, 1, 50);
        self.blocks += blocks.len();
        for (index, block) in blocks.iter().enumerate() {
            self.block(block, &format!("{at}/{index}"));
        }
    }

    fn block(&mut self, block: &Value, at: &str) {
        if let Some(id) = block.get("block_id") {
            self.string(Some(id), &format!("{at}/block_id"), 1, 255);
            let id = id.to_string();
            if self.block_ids.contains(&id) {
                self.wrong(at, "block_id is taken");
            }
            self.block_ids.push(id);
        }
        match block.get("type").and_then(Value::as_str) {
            Some("section") => self.section(block, at),
            Some("rich_text") => self.rich_text(block, at),
            Some("context") => self.context(block, at),
            Some("actions") => self.actions(block, at),
            Some("header") => {
                if let Some(map) = self.object(block, at, &["type", "text"], &["block_id"]) {
                    self.text(map.get("text"), &format!("{at}/text"), &["plain_text"], 150);
                }
            }
            Some("divider") => {
                self.object(block, at, &["type"], &["block_id"]);
            }
            other => self.wrong(at, format!("unsupported type: {other:?}")),
        }
    }

    fn section(&mut self, block: &Value, at: &str) {
        let Some(map) = self.object(block, at, &["type"], &["text", "fields", "block_id", "accessory", "expand"])
        else {
            return;
        };
        if !map.contains_key("text") && !map.contains_key("fields") {
            self.wrong(at, "missing required field: text or fields");
        }
        if let Some(text) = map.get("text") {
            self.text(Some(text), &format!("{at}/text"), &["plain_text", "mrkdwn"], 3_000);
        }
        if let Some(fields) = map.get("fields") {
            for (index, field) in self.array(Some(fields), &format!("{at}/fields"), 1, 10).iter().enumerate() {
                self.text(Some(field), &format!("{at}/fields/{index}"), &["plain_text", "mrkdwn"], 2_000);
            }
        }
        if let Some(accessory) = map.get("accessory") {
            self.button(accessory, &format!("{at}/accessory"));
        }
    }

    fn context(&mut self, block: &Value, at: &str) {
        let Some(map) = self.object(block, at, &["type", "elements"], &["block_id"]) else { return };
        for (index, element) in self.array(map.get("elements"), &format!("{at}/elements"), 1, 10).iter().enumerate() {
            self.text(Some(element), &format!("{at}/elements/{index}"), &["plain_text", "mrkdwn"], 3_000);
        }
    }

    fn overflow(&mut self, element: &Value, at: &str) {
        let Some(map) = self.object(element, at, &["type", "options", "action_id"], &["confirm"]) else { return };
        self.string(map.get("action_id"), &format!("{at}/action_id"), 1, 255);
        for (index, option) in self.array(map.get("options"), &format!("{at}/options"), 1, 5).iter().enumerate() {
            let at = format!("{at}/options/{index}");
            let Some(map) = self.object(option, &at, &["text", "value"], &["url", "description"]) else { continue };
            self.text(map.get("text"), &format!("{at}/text"), &["plain_text"], 75);
            self.string(map.get("value"), &format!("{at}/value"), 1, 75);
        }
    }

    fn actions(&mut self, block: &Value, at: &str) {
        let Some(map) = self.object(block, at, &["type", "elements"], &["block_id"]) else { return };
        let elements = self.array(map.get("elements"), &format!("{at}/elements"), 1, 25);
        let mut ids: Vec<&Value> = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            if element["type"] == "overflow" {
                self.overflow(element, &format!("{at}/elements/{index}"));
            } else {
                self.button(element, &format!("{at}/elements/{index}"));
            }
            if let Some(id) = element.get("action_id") {
                if ids.contains(&id) {
                    self.wrong(&format!("{at}/elements/{index}"), "action_id is taken");
                }
                ids.push(id);
            }
        }
    }

    /// A webhook has no app behind it: only link buttons do something.
    fn button(&mut self, element: &Value, at: &str) {
        let optional = ["url", "action_id", "style", "value", "accessibility_label"];
        let Some(map) = self.object(element, at, &["type", "text"], &optional) else { return };
        if map.get("type").and_then(Value::as_str) != Some("button") {
            self.wrong(at, "unsupported type: only buttons are expected");
        }
        self.text(map.get("text"), &format!("{at}/text"), &["plain_text"], 75);
        // A button does something, or leads somewhere: a webhook's can only do the latter.
        if map.contains_key("url") || !map.contains_key("action_id") {
            self.link(map.get("url"), &format!("{at}/url"));
        }
        for (name, most) in [("action_id", 255), ("value", 2_000), ("accessibility_label", 75)] {
            if let Some(value) = map.get(name) {
                self.string(Some(value), &format!("{at}/{name}"), 1, most);
            }
        }
        if let Some(style) = map.get("style")
            && style != "primary"
            && style != "danger"
        {
            self.wrong(&format!("{at}/style"), "primary or danger");
        }
    }

    fn rich_text(&mut self, block: &Value, at: &str) {
        let Some(map) = self.object(block, at, &["type", "elements"], &["block_id"]) else { return };
        for (index, element) in self.array(map.get("elements"), &format!("{at}/elements"), 1, 100).iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            let optional: &[&str] = match element.get("type").and_then(Value::as_str) {
                Some("rich_text_section") => &[],
                Some("rich_text_quote") => &["border"],
                Some("rich_text_preformatted") => &["border", "language"],
                Some("rich_text_list") => {
                    self.list(element, &at);
                    continue;
                }
                other => {
                    self.wrong(&at, format!("unsupported type: {other:?}"));
                    continue;
                }
            };
            let Some(map) = self.object(element, &at, &["type", "elements"], optional) else { continue };
            for (index, inline) in self.array(map.get("elements"), &format!("{at}/elements"), 1, 100).iter().enumerate()
            {
                self.inline(inline, &format!("{at}/elements/{index}"));
            }
        }
    }

    fn list(&mut self, list: &Value, at: &str) {
        let Some(map) = self.object(list, at, &["type", "style", "elements"], &["indent", "offset", "border"]) else {
            return;
        };
        if !matches!(map.get("style").and_then(Value::as_str), Some("bullet" | "ordered")) {
            self.wrong(&format!("{at}/style"), "bullet or ordered");
        }
        for (index, item) in self.array(map.get("elements"), &format!("{at}/elements"), 1, 100).iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            let Some(map) = self.object(item, &at, &["type", "elements"], &[]) else { continue };
            if map.get("type").and_then(Value::as_str) != Some("rich_text_section") {
                self.wrong(&at, "a list holds sections");
            }
            for (index, inline) in self.array(map.get("elements"), &format!("{at}/elements"), 1, 100).iter().enumerate()
            {
                self.inline(inline, &format!("{at}/elements/{index}"));
            }
        }
    }

    fn inline(&mut self, element: &Value, at: &str) {
        let map = match element.get("type").and_then(Value::as_str) {
            Some("text") => self.object(element, at, &["type", "text"], &["style"]),
            Some("link") => self.object(element, at, &["type", "url"], &["text", "style", "unsafe"]),
            Some("date") => self.object(element, at, &["type", "timestamp", "format", "fallback"], &["url", "style"]),
            Some("emoji") => self.object(element, at, &["type", "name"], &["unicode"]),
            // The owner whom the configuration names.
            Some("user") => self.object(element, at, &["type", "user_id"], &["style"]),
            Some("usergroup") => self.object(element, at, &["type", "usergroup_id"], &["style"]),
            // `broadcast` pings everybody: nothing in an alert's text may.
            other => {
                self.wrong(at, format!("unsupported type: {other:?}"));
                None
            }
        };
        let Some(map) = map else { return };
        if let Some(text) = map.get("text") {
            self.string(Some(text), &format!("{at}/text"), 1, 12_000);
        }
        if let Some(url) = map.get("url") {
            self.link(Some(url), &format!("{at}/url"));
        }
        if let Some(style) = map.get("style")
            && let Some(style) = self.object(style, &format!("{at}/style"), &[], &["bold", "italic", "strike", "code"])
            && !style.values().all(Value::is_boolean)
        {
            self.wrong(&format!("{at}/style"), "must be booleans");
        }
    }
}
