//! What a bot posts: the incident's message as it stands now with its buttons, and what each change adds to its thread. It knows no HTTP.

use serde_json::{Value as Json, json};

use crate::engine::{Kind, Notification};
use crate::receiver::draft::Draft;
use crate::receiver::message::{Budget, Message, text};
use crate::receiver::slack::blocks::{Form, Links, MOST_JSON, form, plain_text};
use crate::receiver::slack::escape::escape;
use crate::receiver::slack::people::buttons;
use crate::receiver::slack::rich::words;

/// The most characters of an error's detail in the message itself: the whole of it is in the thread.
const DETAIL_ABOVE: usize = 500;
/// As much of a detail as the thread shows, in code points.
const DETAIL_BELOW: usize = 7_000;
/// What surrounds blocks and attachments: text, channel, metadata.
const AROUND: usize = 1_500;

/// What is posted or edited, rich and plain: text, blocks, attachments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) rich: Json,
    pub(super) plain: Json,
}

impl Said {
    fn new(text: &str, form: Form, plain: &str) -> Self {
        let Form { blocks, attachments } = form;
        Self {
            rich: json!({ "text": escape(text), "blocks": blocks, "attachments": attachments }),
            // Empty lists, for an edit without them leaves the old ones under the new text.
            plain: json!({ "text": plain, "blocks": [], "attachments": [] }),
        }
    }
}

/// The message as it stands now. `receiver`: whose buttons it has, where it has any.
pub(super) fn present(draft: &Draft<'_>, receiver: Option<&str>) -> Said {
    let made = |budget: Budget| draft.present(above(budget));
    let message = made(Budget::percent(0));
    let actions = receiver.and_then(|receiver| buttons::of(draft.notification(), &message, receiver));
    let taken = actions.as_ref().map_or(0, |actions| text::length(&actions.to_string()));
    let links = if actions.is_some() { Links::Buttons } else { Links::Inline };
    let mut form = form(made, links, MOST_JSON - AROUND - taken);
    form.blocks.extend(actions);
    Said::new(&message.headline, form, &plain_text(made))
}

fn above(budget: Budget) -> Budget {
    Budget { detail: budget.detail.min(DETAIL_ABOVE), ..budget }
}

/// What a change adds to the thread: what is new, in a line or a few.
pub(super) fn change(draft: &Draft<'_>) -> Said {
    let made = |budget: Budget| {
        let message = draft.message(budget);
        let calls = if is_for_all(draft.notification()) { message.context } else { Vec::new() };
        Message {
            said: None,
            detail: None,
            facts: Vec::new(),
            progress: None,
            advice: None,
            footer: String::new(),
            links: message.links.into_iter().take(1).collect(),
            context: calls,
            ..message
        }
    };
    let headline = made(Budget::percent(0)).headline;
    Said::new(&headline, form(made, Links::Inline, MOST_JSON - AROUND), &plain_text(made))
}

/// The whole detail of the error, where the message has only a part of it.
pub(super) fn detail(draft: &Draft<'_>) -> Option<Said> {
    let of = |most: usize| draft.present(Budget { detail: most, ..Budget::FULL }).detail;
    let whole = of(DETAIL_BELOW).filter(|whole| text::length(whole) > DETAIL_ABOVE)?;
    let block = |said: &str| json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_preformatted", "elements": [words(said)] }] }]);
    // Written as JSON a text may be six times as long.
    let (mut said, mut most) = (whole, DETAIL_BELOW);
    while text::length(&block(&said).to_string()) > MOST_JSON - AROUND && most > DETAIL_ABOVE {
        most -= 1_000;
        said = of(most)?;
    }
    let title = "The error in full";
    let mut blocks = block(&said);
    if text::length(&blocks.to_string()) > MOST_JSON - AROUND {
        blocks = json!([]);
    }
    let plain = escape(&format!("{title}:\n{}", text::long_cut(&said, 1_000)));
    Some(Said {
        rich: json!({ "text": title, "blocks": blocks, "attachments": [] }),
        plain: json!({ "text": text::end_cut(&plain, 3_500), "blocks": [], "attachments": [] }),
    })
}

/// Whether the channel has to see a change, and not only who follows the thread: nobody took care, it is back, it became worse.
pub(super) fn is_for_all(notification: &Notification) -> bool {
    match notification.kind {
        Kind::Failed
        | Kind::StillRetrying
        | Kind::Vanished
        | Kind::Missed
        | Kind::ProviderTrouble
        | Kind::StillOpen
        | Kind::Reopened
        | Kind::Escalated => true,
        Kind::Updated
        | Kind::Acknowledged
        | Kind::Resolved
        | Kind::Summary
        | Kind::Daily
        | Kind::Trouble
        | Kind::Test => false,
    }
}
