//! A text from outside where Markdown is read: in a fence that nothing in it can close. It knows no receiver.

use super::message::text;

/// `said` in a fence, at most `max` bytes long.
pub(crate) fn fenced(said: &str, max: usize) -> String {
    // A code point has up to four bytes, and texts are cut by code points.
    let mut most = max;
    loop {
        let said = text::long_cut(said, most);
        let fence = "`".repeat(longest_run(&said).max(2) + 1);
        let whole = format!("{fence}text\n{said}\n{fence}");
        if whole.len() <= max || most < 100 {
            return whole;
        }
        most = most / 5 * 4;
    }
}

/// The longest run of backticks.
fn longest_run(said: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in said.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_closes_its_fence() {
        assert_eq!(fenced("plain", 100), "```text\nplain\n```");
        assert_eq!(fenced("a ```` b\n````\n[x](y)", 100), "`````text\na ```` b\n````\n[x](y)\n`````");
    }

    #[test]
    fn a_fence_is_closed_and_within_its_bytes_whatever_is_in_it() {
        for said in ["x".repeat(9_000), "\u{6f22}".repeat(9_000), "`".repeat(9_000), "word ".repeat(5_000)] {
            let whole = fenced(&said, 6_000);
            assert!(whole.len() <= 6_000, "{}", whole.len());
            let fence = whole.split("text\n").next().expect("a fence");
            assert!(whole.ends_with(&format!("\n{fence}")), "{whole}");
        }
    }
}
