//! Makes one harmless line of whatever was formatted. It must not know where the line goes.

use std::fmt::Write as _;

/// One record as one line: what could move a cursor, end the line, turn text round or hide it becomes visible text.
/// In JSON the escapes are JSON's own, so that the line stays JSON and says the same.
pub(super) fn sanitised(record: &[u8], json: bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(record);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut line = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if !harmful(character) {
            line.push(character);
        } else if json {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String can't fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            match character {
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\0'..='\u{7f}' => {
                    let _ = write!(line, "\\x{:02x}", u32::from(character));
                }
                _ => {
                    let _ = write!(line, "\\u{{{:x}}}", u32::from(character));
                }
            }
        }
    }
    line.push('\n');
    line.into_bytes()
}

fn harmful(character: char) -> bool {
    match character {
        '\t' | ' '..='~' => false,
        // Line and paragraph separators, directions, what has no width, tags.
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}
