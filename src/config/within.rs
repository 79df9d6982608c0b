//! From a place in a string to its place in the file: quotes and escapes take room in TOML (toml.io/en/v1.0.0#string). It knows no
//! sections.

use std::ops::Range;

/// Where bytes `range` of the string that `raw` writes stand in `raw`.
pub(super) fn place(raw: &str, range: &Range<usize>) -> Range<usize> {
    let (quotes, escapes) = match raw.as_bytes() {
        [b'"', b'"', b'"', ..] => (3, true),
        [b'\'', b'\'', b'\'', ..] => (3, false),
        [b'"', ..] => (1, true),
        [b'\'', ..] => (1, false),
        _ => return 0..raw.len(),
    };
    let mut at = quotes;
    if quotes == 3 {
        // A line break right behind the quotes is no part of the string.
        let rest = raw.get(at..).unwrap_or_default();
        at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    }
    let (mut read, mut start) = (0, at);
    while read < range.end && at < raw.len() {
        if read <= range.start {
            start = at;
        }
        let (taken, meant) = if escapes { piece(&raw[at..]) } else { plain(&raw[at..]) };
        at += taken;
        read += meant;
    }
    if read <= range.start {
        start = at;
    }
    start..at.max(start)
}

/// How many bytes the next character or escape takes, and how many it means.
fn piece(raw: &str) -> (usize, usize) {
    let bytes = raw.as_bytes();
    let coded = |digits: usize| {
        let code = raw.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        (2 + digits, code.and_then(char::from_u32).map_or(1, char::len_utf8))
    };
    match bytes {
        [b'\\', b'u', ..] => coded(4),
        [b'\\', b'U', ..] => coded(8),
        [b'\\', b'x', ..] => coded(2),
        // A backslash at the end of a line swallows the break and all white space behind it.
        [b'\\', b' ' | b'\t' | b'\r' | b'\n', ..] => (raw.len() - raw[1..].trim_start().len(), 0),
        [b'\\', _, ..] => (2, 1),
        _ => plain(raw),
    }
}

fn plain(raw: &str) -> (usize, usize) {
    let length = raw.chars().next().map_or(1, char::len_utf8);
    (length, length)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_place_in_a_string_is_found_in_what_writes_it() {
        for raw in [
            r#""say {{ here }} ä""#,
            r"'say {{ here }}'",
            "\"\"\"\nsay\n {{ here }}\"\"\"",
            "'''\r\nsay {{ here }}'''",
            r#""t\tab \u00e4 \U0001F534 \"q\" {{ here }}""#,
            "\"\"\"a \\\n     b {{ here }}\"\"\"",
        ] {
            let value: toml::Table = format!("x = {raw}").parse().expect("TOML");
            let text = value["x"].as_str().expect("a string");
            let at = text.find("here").expect("it is there");
            assert_eq!(&raw[place(raw, &(at..at + 4))], "here", "{raw}");
        }
        assert_eq!(place("7", &(0..4)), 0..1);
        assert!(place("\"short\"", &(90..99)).end <= 7);
    }
}
