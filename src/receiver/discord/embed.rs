//! The Discord form of a message: an embed, which has a colour, within Discord's limits. Nothing in it calls anybody but whom the owner's
//! `mention` names. It knows no HTTP.

use serde_json::{Value as Json, json};

use crate::receiver::draft::Draft;
use crate::receiver::form::{Dialect as _, Markdown, body, colour, fitting_present, footer, head, place};
use crate::receiver::message::{Budget, Message, text};

/// Discord counts UTF-16 units or code points; nobody says which. Units are never fewer, so they are counted here.
/// Limits: facts/receivers.md 3 (discord-api-docs, "Webhook", "Embed limits").
const MOST_CONTENT: usize = 2_000;
const MOST_TITLE: usize = 256;
const MOST_DESCRIPTION: usize = 4_096;
const MOST_FOOTER: usize = 2_048;
/// Over the whole embed.
const MOST_IN_ALL: usize = 6_000;

/// Discord's Markdown. A backslash takes any punctuation; a moment is shown in the reader's own time zone.
const DISCORD: Markdown = Markdown {
    bold: "**",
    strike: "~~",
    escaped: &['\\', '*', '_', '~', '[', ']', '<', '|', '#'],
    time: Some(|at| format!("<t:{}:f>", at.as_second())),
    calls_in_code: false,
    mention,
};

/// The message as it stands in the channel. The same body posts it and edits it.
pub(super) fn payload(draft: &Draft<'_>) -> Json {
    fitting_present(draft, form, fits)
}

/// The same without an embed, for a Discord that does not take it.
pub(super) fn plain_payload(draft: &Draft<'_>) -> Json {
    let whole = fitting_present(
        draft,
        |message| [vec![head(&DISCORD, message)], body(&DISCORD, message)].concat().join("\n"),
        |said| units(said) <= MOST_CONTENT,
    );
    let message = draft.plain(Budget::percent(0));
    // Its own title may be too long in marks; the headline never is.
    let said = if units(&whole) > MOST_CONTENT { words(&message.headline) } else { whole };
    json!({ "content": said, "embeds": [], "allowed_mentions": allowed(&message) })
}

/// A short message for what people must see, which an edit would not show them. `link` leads to the message that was edited.
pub(super) fn pointer(draft: &Draft<'_>, link: Option<&str>) -> Json {
    let message = draft.message(Budget::percent(0));
    let (headline, calls) = (words(&message.headline), calls(&message));
    let parts = [headline.as_str(), calls.as_str(), link.unwrap_or("Its message is above.")];
    let said = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    json!({ "content": said, "allowed_mentions": allowed(&message) })
}

fn form(message: &Message) -> Json {
    let mut embed = json!({
        "title": title(message),
        "color": colour(message.tone),
        "description": body(&DISCORD, message).join("\n"),
        "footer": { "text": footer(message) },
    });
    if let (Some((_, url)), Some(fields)) = (message.links.first(), embed.as_object_mut()) {
        fields.insert("url".to_owned(), json!(url));
    }
    // An edit takes away what the new body does not have only where that is said: so the empty text is.
    json!({ "content": calls(message), "embeds": [embed], "allowed_mentions": allowed(message) })
}

/// The title and where it failed; where marks make that too long, less of both.
fn title(message: &Message) -> String {
    let with =
        |most, place: &str| format!("{} {}{place}", message.emoji, words(&text::middle_cut(&message.title, most)));
    let whole = with(200, &place(&DISCORD, message));
    if units(&whole) <= MOST_TITLE { whole } else { with(60, "") }
}

fn fits(form: &Json) -> bool {
    let length = |pointer| form.pointer(pointer).and_then(Json::as_str).map(units).unwrap_or_default();
    let (title, description) = (length("/embeds/0/title"), length("/embeds/0/description"));
    let footer = length("/embeds/0/footer/text");
    title <= MOST_TITLE
        && description <= MOST_DESCRIPTION
        && footer <= MOST_FOOTER
        && title + description + footer <= MOST_IN_ALL
        && length("/content") <= MOST_CONTENT
}

fn words(said: &str) -> String {
    DISCORD.words(said)
}

fn units(said: &str) -> usize {
    said.encode_utf16().count()
}

/// Mentions in an embed call nobody, so they stand above it.
fn calls(message: &Message) -> String {
    message.mentions().filter_map(mention).collect::<Vec<_>>().join(" ")
}

/// Exactly those who are named may be called, and nothing in any other text calls anybody.
fn allowed(message: &Message) -> Json {
    let (mut users, mut roles, mut parse) = (Vec::new(), Vec::new(), Vec::new());
    for call in message.mentions().filter_map(called) {
        match call {
            Call::User(id) => users.push(id),
            Call::Role(id) => roles.push(id),
            Call::Everybody => parse = vec!["everyone"],
        }
    }
    let mut allowed = json!({ "parse": parse });
    for (key, ids) in [("users", users), ("roles", roles)] {
        if let (false, Some(fields)) = (ids.is_empty(), allowed.as_object_mut()) {
            fields.insert(key.to_owned(), json!(ids));
        }
    }
    allowed
}

enum Call<'a> {
    User(&'a str),
    Role(&'a str),
    Everybody,
}

/// Reads `<@123>`, `<@&123>`, `@here` and `@everyone`.
fn called(raw: &str) -> Option<Call<'_>> {
    if ["@here", "@everyone"].contains(&raw) {
        return Some(Call::Everybody);
    }
    let id = raw.strip_prefix("<@")?.strip_suffix('>')?;
    match id.strip_prefix('&') {
        Some(role) if super::is_id(role) => Some(Call::Role(role)),
        None if super::is_id(id) => Some(Call::User(id)),
        _ => None,
    }
}

fn mention(raw: &str) -> Option<String> {
    called(raw).map(|_| raw.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_discord_writes_itself_calls_anybody() {
        for raw in ["<@123>", "<@&4567890123456789>", "@here", "@everyone"] {
            assert_eq!(mention(raw), Some(raw.to_owned()));
        }
        for raw in ["<!subteam^S012ABC>", "<@U012>", "<@1> <@2>", "<#123>", "@anna", "<@&>", "<@>", ""] {
            assert_eq!(mention(raw), None, "{raw}");
        }
    }
}
