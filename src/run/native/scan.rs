//! The shape of JSON text by one cheap pass over its bytes, before any parser spends stack or memory on it.
//! It must not care whether the text is valid JSON.

/// How deep and how wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// The deepest nesting of arrays and objects.
    pub(super) depth: usize,
    /// How many objects begin.
    pub(super) objects: usize,
}

/// Measures what stands outside strings.
pub(super) fn shape(text: &str) -> Shape {
    let mut shape = Shape { depth: 0, objects: 0 };
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(inner) = bytes.next() {
                    match inner {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'{' | b'[' => {
                depth += 1;
                shape.depth = shape.depth.max(depth);
                shape.objects += usize::from(byte == b'{');
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_count() {
        assert_eq!(shape(r#"{"a":"[[[{\"[","b":[{}]}"#), Shape { depth: 3, objects: 2 });
        assert_eq!(shape(r#"{"a":"\\"}[["#), Shape { depth: 2, objects: 1 });
        assert_eq!(shape("]]]"), Shape { depth: 0, objects: 0 });
        assert_eq!(shape("\"\\"), Shape { depth: 0, objects: 0 });
    }
}
