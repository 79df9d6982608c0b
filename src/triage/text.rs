//! Brings untrusted texts into the card: cleaned, redacted, and only then cut. It must not know which field is which.

use std::borrow::Cow;

use super::redact::{MAX_TEXT, clean, clean_line, redact};

/// Counts the secrets that were taken out of a card's texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) redacted: u32,
}

impl Texts {
    /// A text on one line.
    pub(super) fn line(&mut self, text: &str, limit: usize) -> String {
        let cleaned = clean_line(head(text));
        cut_line(&self.without_secrets(&cleaned), limit)
    }

    /// [`Texts::line`] of a text that may be kept as it is, which most are.
    pub(super) fn owned_line(&mut self, text: String, limit: usize) -> String {
        let cleaned = clean_line(head(&text));
        let redacted = redact(&cleaned);
        if redacted.count == 0
            && cleaned.len() == text.len()
            && matches!(cleaned, Cow::Borrowed(_))
            && text.len() <= limit
        {
            return text;
        }
        self.redacted += redacted.count;
        cut_line(&redacted.text, limit)
    }

    /// [`Texts::line`], where there is one.
    pub(super) fn optional(&mut self, text: Option<&str>, limit: usize) -> Option<String> {
        text.map(|text| self.line(text, limit))
    }

    /// A text of several lines, of which the beginning is kept.
    pub(super) fn message(&mut self, text: &str, limit: usize) -> String {
        let cleaned = clean(head(text));
        let telling = without_lessons(&cleaned);
        let text = self.without_secrets(&telling);
        let length = text.chars().count();
        if length <= limit {
            return text.into_owned();
        }
        let note = |left: usize| format!("… ({left} characters cut)");
        let kept = limit.saturating_sub(note(length).chars().count());
        let beginning: String = text.chars().take(kept).collect();
        beginning + &note(length - kept)
    }

    /// A text of several lines, of which beginning and end are kept: a traceback says most in its last line.
    pub(super) fn detail(&mut self, text: &str, limit: usize) -> String {
        let both = head_and_tail(text);
        let cleaned = clean(&both);
        let telling = without_lessons(&cleaned);
        let text = self.without_secrets(&telling);
        let length = text.chars().count();
        if length <= limit {
            return text.into_owned();
        }
        let note = |left: usize| format!("\n… {left} characters cut …\n");
        let kept = limit.saturating_sub(note(length).chars().count());
        let first = kept / 2;
        let mut out: String = text.chars().take(first).collect();
        out.push_str(&note(length - kept));
        out.extend(text.chars().skip(length - (kept - first)));
        out
    }

    /// The value of a label: its name may say that it is a secret.
    pub(super) fn label(&mut self, name: &str, value: &str, limit: usize) -> String {
        let pair = format!("{name}={}", clean_line(head(value)));
        let redacted = redact(&pair);
        let value = redacted.text.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = value {
            self.redacted += redacted.count;
            return cut_line(value, limit);
        }
        self.line(value.unwrap_or(&pair[name.len() + 1..]), limit)
    }

    fn without_secrets<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        let redacted = redact(text);
        self.redacted += redacted.count;
        redacted.text
    }
}

/// At most `limit` characters; the last one is `…` where something was cut.
pub(super) fn cut_line(text: &str, limit: usize) -> String {
    if text.len() <= limit || text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut + "…"
}

/// Leaves out the line in which httpx recommends a page about HTTP statuses in general: it explains no failure, and in a
/// message at night it is one line to read more.
fn without_lessons(text: &str) -> Cow<'_, str> {
    const LESSONS: [&str; 2] = [
        "For more information check: https://developer.mozilla.org/",
        "For more information check: https://httpstatuses.com/",
    ];
    let is_lesson = |line: &str| LESSONS.iter().any(|lesson| line.trim_start().starts_with(lesson));
    if !text.lines().any(is_lesson) {
        return Cow::Borrowed(text);
    }
    let kept: String = text.split_inclusive('\n').filter(|line| !is_lesson(line)).collect();
    Cow::Owned(kept.trim_end().to_owned())
}

/// What is worked on of a text of any length.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// What is worked on of a text whose end counts too. The tail begins behind a space, for the second half of a token
/// might no longer look like the secret that it is.
fn head_and_tail(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return Cow::Borrowed(text);
    }
    let half = MAX_TEXT / 2 - 64;
    let head = &text[..text.floor_char_boundary(half)];
    let head =
        head.rfind(char::is_whitespace).filter(|space| head.len() - space < 2048).map_or(head, |end| &head[..end]);
    let tail = &text[text.ceil_char_boundary(text.len() - half)..];
    let near = &tail[..tail.floor_char_boundary(2048)];
    let tail = near.find(char::is_whitespace).map_or(tail, |space| &tail[space..]);
    Cow::Owned(format!("{head}\n… {} bytes cut …\n{tail}", text.len() - head.len() - tail.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_before_the_text_is_cut() {
        let token = format!("{}_{}", "ghp", "a7Kq2Zx9Bv4Lm8Rt3Wp6".repeat(2));
        let mut texts = Texts::default();
        let text = format!("{}{token}", "x ".repeat(1990));
        assert!(!texts.message(&text, 4000).contains("a7Kq"));
        assert!(!texts.detail(&format!("{text}{}", " y".repeat(40_000)), 8000).contains("a7Kq"));
        assert_eq!(texts.redacted, 2);
    }

    #[test]
    fn texts_keep_their_limits_and_a_detail_its_end() {
        let mut texts = Texts::default();
        for length in [0, 10, 4000, 4001, 30_000, 200_000] {
            let text = "é".repeat(length) + "end";
            assert!(texts.message(&text, 4000).chars().count() <= 4000);
            let detail = texts.detail(&text, 8000);
            assert!(detail.chars().count() <= 8000 && detail.ends_with("end"), "{length}");
            assert!(texts.line(&text, 200).chars().count() <= 200);
        }
        assert!(texts.message(&"y".repeat(5000), 4000).ends_with("characters cut)"));
    }

    #[test]
    fn a_lesson_about_http_is_left_out_and_what_stands_around_it_stays() {
        let mut texts = Texts::default();
        let lesson = "For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/401";
        let said = "Client error '401 Unauthorized' for url 'http://x/a'";
        for (text, left) in [
            (format!("{said}\n{lesson}"), said.to_owned()),
            (format!("{said}\r\n{lesson}\nwhile syncing"), format!("{said}\nwhile syncing")),
            (lesson.to_owned(), String::new()),
            (format!("{said}, {lesson}"), format!("{said}, {lesson}")),
            (
                "For more information check: https://wiki.example/a".to_owned(),
                "For more information check: https://wiki.example/a".to_owned(),
            ),
        ] {
            assert_eq!(texts.message(&text, 4000), left);
            assert_eq!(texts.detail(&text, 8000), left);
        }
    }

    #[test]
    fn a_labels_name_gives_its_value_away() {
        let mut texts = Texts::default();
        assert_eq!(texts.label("db_password", "hunter22", 200), "[REDACTED:kv-strong-eq]");
        assert_eq!(texts.label("owner", "growth", 200), "growth");
        assert_eq!(texts.redacted, 1);
    }
}
