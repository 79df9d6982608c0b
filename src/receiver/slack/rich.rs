//! Sentences as elements of Slack's `rich_text`, where every text is literal. It knows no message and no limit.

use serde_json::{Value as Json, json};

use crate::receiver::message::{Line, Span, plain};

/// The sentence, with a capital letter at its start.
pub(super) fn sentence(line: &Line) -> Vec<Json> {
    let mut out = Vec::new();
    for (index, span) in line.0.iter().enumerate() {
        let said = |said: &String| if index == 0 { plain::capital(said) } else { said.clone() };
        out.push(match span {
            Span::Text(text) => words(&said(text)),
            Span::Strong(text) => bold(&said(text)),
            other => inline(other),
        });
    }
    out
}

/// The sentence as it is: a name at its start is nobody's to change.
pub(super) fn item(line: &Line) -> Vec<Json> {
    line.0.iter().map(inline).collect()
}

fn inline(span: &Span) -> Json {
    match span {
        Span::Text(text) => words(text),
        Span::Strong(text) => bold(text),
        Span::Code(text) => json!({ "type": "text", "text": text, "style": { "code": true } }),
        Span::Link(text, url) => json!({ "type": "link", "url": url, "text": text }),
        Span::Time(at, shown) => {
            // Whether the date is needed was decided for UTC; a few hours of time zone don't change that.
            let format = if shown.contains('-') { "{date_short_pretty} {time}" } else { "{time}" };
            json!({ "type": "date", "timestamp": at.as_second(), "format": format, "fallback": shown })
        }
        Span::Mention(raw) => called(raw).map_or_else(|| words(raw), Call::element),
    }
}

/// Whom a mention calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call<'a> {
    User(&'a str),
    Group(&'a str),
    Everybody(&'a str),
}

/// Reads `<@U012AB3CD>`, `<!subteam^S012ABC>`, `<!here>`: as the configuration writes them, each on its own.
fn called(raw: &str) -> Option<Call<'_>> {
    let inner = raw.strip_prefix('<')?.strip_suffix('>')?;
    let id = |id: &'static [char], text: &str| {
        text.starts_with(id)
            && (2..=24).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    if let Some(user) = inner.strip_prefix('@').filter(|user| id(&['U', 'W'], user)) {
        return Some(Call::User(user));
    }
    let command = inner.strip_prefix('!')?;
    let group = command.strip_prefix("subteam^").map(|group| group.split_once('|').map_or(group, |(group, _)| group));
    if let Some(group) = group.filter(|group| id(&['S'], group)) {
        return Some(Call::Group(group));
    }
    ["here", "channel", "everyone"].contains(&command).then_some(Call::Everybody(command))
}

impl Call<'_> {
    fn element(self) -> Json {
        match self {
            Self::User(id) => json!({ "type": "user", "user_id": id }),
            Self::Group(id) => json!({ "type": "usergroup", "usergroup_id": id }),
            Self::Everybody(range) => json!({ "type": "broadcast", "range": range }),
        }
    }
}

/// The mention as mrkdwn calls it, where it calls anybody; for the form without blocks.
pub(super) fn mrkdwn_call(raw: &str) -> Option<String> {
    Some(match called(raw)? {
        Call::User(id) => format!("<@{id}>"),
        Call::Group(id) => format!("<!subteam^{id}>"),
        Call::Everybody(range) => format!("<!{range}>"),
    })
}

pub(super) fn words(text: &str) -> Json {
    json!({ "type": "text", "text": text })
}

pub(super) fn bold(text: &str) -> Json {
    json!({ "type": "text", "text": text, "style": { "bold": true } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_slack_writes_itself_calls_anybody() {
        assert_eq!(called("<@U012AB3CD>"), Some(Call::User("U012AB3CD")));
        assert_eq!(called("<!subteam^S012ABC|@growth>"), Some(Call::Group("S012ABC")));
        assert_eq!(called("<!here>"), Some(Call::Everybody("here")));
        for text in [
            "@growth",
            "<@U012> <!channel>",
            "<@u012ab>",
            "<!date^1^x|y>",
            "<https://evil.example|x>",
            "<!subteam^>",
            "<@U>",
            "<",
            "",
        ] {
            assert_eq!(called(text), None, "{text}");
        }
    }
}
