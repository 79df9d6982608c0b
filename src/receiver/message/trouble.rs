//! What is said of firstred itself: it can't see, it can't send, or it is tested. It knows no channel.

use super::{Budget, Fact, Message, Value, filled, footer, headline, named, state, text};
use crate::engine::{Kind, Notification, OwnTrouble};

/// What is said of `trouble`.
pub(super) fn message(notification: &Notification, trouble: &OwnTrouble, budget: Budget) -> Message {
    let test = notification.kind == Kind::Test;
    let (emoji, ..) = state::of(notification);
    let what = text::middle_cut(&named(&trouble.what), 100);
    let summary = text::line(&trouble.summary);
    let subject = if test { format!("test: {summary}") } else { format!("trouble with {what}: {summary}") };
    let detail = trouble.detail.as_deref().map(|detail| text::middle_long_cut(&text::block(detail), budget.detail));
    Message {
        headline: text::end_cut(&format!("{emoji} firstred {subject}"), headline::LONGEST),
        subject: text::end_cut(&subject, headline::LONGEST),
        title: if test { "firstred test".to_owned() } else { format!("firstred has trouble with {what}") },
        said: Some(text::long_cut(&text::block(&trouble.summary), budget.message)).filter(filled),
        detail: detail.filter(filled),
        facts: vec![Fact { label: "Since", value: Value::Time(trouble.since) }],
        advice: Some(text::end_cut(&text::line(&trouble.advice), 300)).filter(filled),
        footer: footer(notification, ""),
        ..Message::empty(notification)
    }
}
