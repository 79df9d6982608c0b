//! Escaping for Slack's mrkdwn. It knows no message.

/// Exactly the three characters that Slack reads (docs.slack.dev, "Formatting message text": escape `&`, `<` and `>`). Slack decodes once and
/// does not read the result again.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One line in back-ticks. A back-tick can't be escaped, so it becomes an apostrophe.
pub(crate) fn code(text: &str) -> String {
    format!("`{}`", escape(&text.replace('`', "'").replace(['\n', '\r'], " ")))
}
