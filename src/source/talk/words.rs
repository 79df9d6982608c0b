//! What an engine says, in a few words for a log line: no line breaks, no addresses, which may hold secrets.

/// The longest such words, in characters.
const LONGEST: usize = 200;

/// The beginning of a body.
pub(in crate::source) fn of_body(body: &[u8]) -> String {
    cut(&String::from_utf8_lossy(&body[..body.len().min(2_000)]))
}

/// A text, cut.
pub(in crate::source) fn cut(text: &str) -> String {
    let plain = text.split(|char: char| char.is_whitespace() || char.is_control()).filter(|word| !word.is_empty());
    let safe = plain.map(|word| if word.contains("://") { "[address]" } else { word });
    let mut line = String::new();
    for word in safe {
        if line.chars().count() + word.chars().count() > LONGEST {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
