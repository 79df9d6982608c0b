//! What a diagnostic may show of the file: every secret that is written out in it is covered with stars.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::spans::{Children, Node, SyntaxError};

/// A key that holds one of these names a secret, a misspelt or unknown one too.
const SECRET_WORDS: [&str; 8] = ["token", "secret", "password", "passwd", "key", "auth", "credential", "headers"];

/// URLs that are secrets as a whole.
const SECRET_URLS: [&str; 2] = ["webhook_url", "smtp_url"];

/// User-info of a URL; secrets in its query; the path of a chat system's hook.
#[expect(clippy::unwrap_used, reason = "constants; a test reads them")]
static IN_URLS: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        r#"://([^/\s"'@]+)@"#,
        r#"(?i)[?&][^=&"'\s]*(?:token|key|secret|sig|pass|auth)[^=&"'\s]*=([^&"'\s#]+)"#,
        r#"(?i)://[^/"'\s]*hook[^/"'\s]*/([^"'\s]+)"#,
        r#"(?i)hooks?/([^"'\s]+)"#,
    ]
    .map(|regex| Regex::new(regex).unwrap())
});

/// `text` with stars over its secrets: the values of secret keys, what stands in URLs, and everything at `more`. Same
/// length, same lines.
pub(super) fn mask(text: &str, root: &Node, more: &[Range<usize>], errors: &[SyntaxError]) -> String {
    let mut covered: Vec<Range<usize>> = more.to_vec();
    root.walk(&mut Vec::new(), &mut |keys, node| {
        let named = below_the_name(keys).iter().any(|key| is_secret(key));
        let elsewhere = keys.last().is_some_and(|key| *key == "env" || *key == "file" || key.ends_with("_file"));
        if named && !elsewhere && matches!(node.children, Children::None) {
            covered.push(node.value.clone());
        }
    });
    for regex in IN_URLS.iter() {
        covered.extend(regex.captures_iter(text).filter_map(|found| found.get(1)).map(|part| part.range()));
    }
    for error in errors {
        covered.extend(error.span.as_ref().and_then(|span| broken_secret(text, span.start)));
    }

    let mut bytes = text.as_bytes().to_vec();
    for range in covered {
        let range = inside_quotes(text, range);
        if let Some(part) = bytes.get_mut(range) {
            part.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// The keys that say what a value is. The name of a source or a receiver doesn't, nor does a code or a label.
fn below_the_name<'a>(keys: &'a [&'a str]) -> &'a [&'a str] {
    match keys {
        ["sources" | "receivers", _, rest @ ..] => rest,
        ["classes" | "rules" | "silences" | "inhibit" | "owners" | "expect", ..] => &[],
        _ => keys,
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_URLS.contains(&key.as_str()) || SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// Where the syntax is broken there is no value to cover: everything after the `=` of a secret's line is.
fn broken_secret(text: &str, at: usize) -> Option<Range<usize>> {
    let (start, end) = line_around(text, at)?;
    let line = text.get(start..end)?;
    let lower = line.to_ascii_lowercase();
    let secret = lower.contains("url") || SECRET_WORDS.iter().any(|word| lower.contains(word));
    let equals = line.find('=').filter(|_| secret)?;
    Some(start + equals + 1..end)
}

/// The start and the end of the line that holds byte `at`.
pub(super) fn line_around(text: &str, at: usize) -> Option<(usize, usize)> {
    let before = text.get(..at)?;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    Some((start, end))
}

fn inside_quotes(text: &str, range: Range<usize>) -> Range<usize> {
    match text.get(range.clone()) {
        Some(part) if part.len() >= 2 && part.starts_with(['"', '\'']) => range.start + 1..range.end - 1,
        _ => range,
    }
}
