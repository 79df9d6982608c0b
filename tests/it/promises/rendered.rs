//! What a service would make of a text: links, mentions, code that does not end. As the services' own readers see it, not as firstred wrote it.

use std::sync::LazyLock;

use regex::Regex;

use super::check::is_ours;

static MASKED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(!?)\[[^\]\n]*\]\(\s*<?([^\s)>]*)"));
static SLACK_LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"<([a-zA-Z][a-zA-Z0-9+.-]*:[^|>\n]+)\|[^>\n]*>"));
static EVERYBODY: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:^|[^\w@])@(channel|all|here|everyone)\b"));
static SLACK_EVERYBODY: LazyLock<Regex> = LazyLock::new(|| pattern(r"<!(channel|here|everyone|all)\b"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// What Markdown makes of a text that it should not.
pub(crate) fn markdown(text: &str) -> Vec<String> {
    let (prose, open) = prose(text);
    let mut found = Vec::new();
    if open {
        found.push(format!("code that does not end in {text:.80?}"));
    }
    for link in MASKED.captures_iter(&prose) {
        let (image, to) = (&link[1] == "!", &link[2]);
        if image || !is_ours(to) {
            found.push(format!("a link or image to {to:?} in {prose:.80?}"));
        }
    }
    found
}

/// What Markdown of a chat that also reads Slack's marks makes of a text that it should not.
pub(crate) fn chat_markdown(text: &str) -> Vec<String> {
    let (prose, _) = prose(text);
    let mut found = markdown(text);
    found.extend(
        SLACK_LINK.captures_iter(&prose).filter(|link| !is_ours(&link[1])).map(|link| format!("a link {:?}", &link[0])),
    );
    found.extend(EVERYBODY.find_iter(&prose).map(|mention| format!("a mention {:?}", mention.as_str())));
    found.extend(SLACK_EVERYBODY.find_iter(&prose).map(|mention| format!("a mention {:?}", mention.as_str())));
    found
}

/// What is outside of code, without what a backslash makes literal; and whether a fence stays open.
fn prose(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('\\') {
            let literal = after.chars().next().filter(char::is_ascii_punctuation);
            out.push('\u{fffc}');
            rest = &after[literal.map_or(0, char::len_utf8)..];
            continue;
        }
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let after = &rest[ticks..];
        match closing(after, ticks) {
            Some(end) => {
                out.push('\u{fffc}');
                rest = &after[end..];
            }
            None if ticks >= 3 => return (out, true),
            None => {
                out.push_str(&rest[..ticks]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    (out, false)
}

/// Where the next run of exactly `ticks` back-ticks ends.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('`') {
        let start = from + at;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        if run == ticks {
            return Some(start + run);
        }
        from = start + run;
    }
    None
}

/// Reads Telegram's HTML: what is left after parsing, or why it can't be parsed (core.telegram.org/bots/api, "HTML style").
pub(crate) fn telegram_html(text: &str) -> Result<(String, Vec<String>), String> {
    let (mut out, mut links, mut open) = (String::new(), Vec::new(), Vec::<String>::new());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('&') {
            let (name, after) = after.split_once(';').ok_or("an & that begins no entity")?;
            out.push(entity(name).ok_or_else(|| format!("unknown entity &{name:.10};"))?);
            rest = after;
            continue;
        }
        let inside = rest.strip_prefix('<').ok_or("a bare >")?;
        let (tag, after) = inside.split_once('>').ok_or("an unclosed tag")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop().ok_or("an end tag without a beginning")?;
            if last != name {
                return Err(format!("</{name}> ends <{last}>"));
            }
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !["b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"].contains(&name) {
            return Err(format!("unsupported start tag {name:.20?}"));
        }
        if name == "a" {
            let to =
                attributes.strip_prefix("href=\"").and_then(|to| to.strip_suffix('"')).ok_or("<a> without href")?;
            links.push(to.replace("&amp;", "&"));
        }
        open.push(name.to_owned());
    }
    out.push_str(rest);
    match open.pop() {
        Some(tag) => Err(format!("<{tag}> is not ended")),
        None => Ok((out, links)),
    }
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_markdown_would_make_live_is_found() {
        for text in
            ["[a](https://evil.example/x)", "![](https://flows.example.com/a)", "[a](javascript:x)", "``` and on"]
        {
            assert_eq!(markdown(text).len(), 1, "{text}");
        }
        for text in [
            "\\[a](https://evil.example/x)",
            "`[a](https://evil.example)`",
            "[r](https://flows.example.com/r)",
            "``` x ```",
        ] {
            assert_eq!(markdown(text), Vec::<String>::new(), "{text}");
        }
        for text in ["@here", "a @channel", "<!channel>", "<https://evil.example|run>", "(@all)"] {
            assert_eq!(chat_markdown(text).len(), 1, "{text}");
        }
        for text in ["`@here`", "@\u{200b}here", "mail@here", "\\@here", "&lt;!channel&gt;"] {
            assert_eq!(chat_markdown(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn telegram_parses_only_what_it_knows() {
        let parsed = telegram_html("<b>a &lt; b</b> <a href=\"https://x\">r</a>").expect("HTML");
        assert_eq!(parsed, ("a < b r".to_owned(), vec!["https://x".to_owned()]));
        for wrong in ["a < b", "a & b", "<b>", "</b>", "<b><i></b></i>", "<img src=x>", "&nbsp;", "a > b"] {
            assert!(telegram_html(wrong).is_err(), "{wrong}");
        }
    }
}
