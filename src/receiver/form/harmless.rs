//! What the tests demand of a text with marks: nothing in it links, calls or escapes but what is ours.

use std::sync::LazyLock;

use regex::Regex;

/// Fails unless every mark in `said` is one of ours.
pub(crate) fn harmless_markdown(said: &str) {
    static FENCE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?s)```\n.*?\n```").expect("a pattern"));
    static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`[^`\n]+`").expect("a pattern"));
    static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(https?://[^\s()<>]+\)").expect("a pattern"));
    static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<t:\d+:f>").expect("a pattern"));
    static LIVE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"@[\pL\pN_]|://|[\pL\pN]\.[\pL]|<[@#!:a-zA-Z/]|\]\(|```").expect("a pattern"));
    let rest = FENCE.replace_all(said, "");
    let rest = CODE.replace_all(&rest, "");
    let rest = LINK.replace_all(&rest, "");
    let rest = TIME.replace_all(&rest, "");
    let unescaped = rest.replace("\\<", "").replace("\\]", "");
    let live = LIVE.find(&unescaped).map(|found| found.as_str().to_owned());
    assert!(live.is_none() && !rest.contains('`'), "{live:?} in {rest:?}\n\nof {said:?}");
    assert!(!said.contains(['\0', '\r', '\u{1b}', '\u{202e}']), "{said:?}");
}
