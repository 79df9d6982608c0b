//! Text made harmless in HTML, for mails and for pages alike. It must not know what is rendered.

/// The five characters that HTML reads, in texts and in quoted attributes alike.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
