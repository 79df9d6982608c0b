//! Escaping for Slack's mrkdwn. It knows no message.

/// Exactly the three characters that Slack reads (docs.slack.dev, "Formatting message text": escape `&`, `<` and `>`). Slack decodes once and
/// does not read the result again. A back-tick can't be escaped, and three of them would turn all that follows into code, so
/// each becomes one that only looks so (U+02CB).
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "\u{2cb}")
}

/// One line of code, in back-ticks of our own.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", escape(&text.replace(['\n', '\r'], " ")))
}
