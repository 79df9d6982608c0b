//! A sheet as one HTML page that needs nothing else: no script, no picture, no font. Every text is escaped. It must not know requests.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::sheet::{Piece, Sheet, SheetList, SheetTone, Words};
use super::style::STYLE;
use crate::html::escape;

/// What else a page needs to be written.
pub(super) struct Around<'a> {
    /// The permit's text, which is where the page stands: its forms are sent below it.
    pub(super) permit: &'a str,
    /// Whom a deed is put down to.
    pub(super) holder: &'a str,
    /// Until when the link is good.
    pub(super) expires: Timestamp,
    /// What was just done.
    pub(super) notice: Option<&'static str>,
}

/// The page of a problem.
pub(super) fn sheet(sheet: &Sheet, around: &Around<'_>) -> String {
    let mut body = String::new();
    if let Some(notice) = around.notice {
        let _ = write!(body, "<p class=\"card said good\" role=\"status\">{}</p>", escape(notice));
    }
    body.push_str(&top(sheet));
    body.push_str(&deeds(sheet, around));
    body.extend(sheet.lists.iter().map(list));
    body.push_str(&facts(sheet));
    body.push_str(&story(sheet));
    let until = time(around.expires);
    let footer = format!(
        "<footer><p>{}</p><p>This link is for {} and works until {until}. Whoever has it can read this page, acknowledge and silence: don't \
         pass it on.</p></footer>",
        escape(&sheet.footer),
        escape(around.holder)
    );
    whole(&sheet.title, &format!("<main>{body}</main>{footer}"))
}

/// A page that says one thing: that there is no page, and what to do.
pub(super) fn word(title: &str, text: &str) -> String {
    let (shown, text) = (escape(title), escape(text));
    whole(title, &format!("<main><div class=\"card top warn\"><h1>{shown}</h1><p>{text}</p></div></main>"))
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <title>{} · firstred</title><style>{STYLE}</style></head>\n<body>{body}</body></html>\n",
        escape(title)
    )
}

/// What happened, and what to do about it.
fn top(sheet: &Sheet) -> String {
    let mut out = format!(
        "<header class=\"card top {}\"><p class=\"state\">{}</p><h1>{}</h1>",
        tone(sheet.tone),
        escape(&sheet.state),
        escape(&sheet.title)
    );
    if let Some(place) = &sheet.place {
        let _ = write!(out, "<p class=\"m\">{}</p>", words(place));
    }
    for line in &sheet.lead {
        let _ = write!(out, "<p>{}</p>", words(line));
    }
    for line in &sheet.standing {
        let _ = write!(out, "<p>{}</p>", escape(line));
    }
    if !sheet.error.is_empty() {
        let parts: Vec<String> = sheet.error.iter().map(words).collect();
        let _ = write!(out, "<p>{}</p>", parts.join(" &nbsp;·&nbsp; "));
    }
    for text in [&sheet.said, &sheet.detail].into_iter().flatten() {
        let _ = write!(out, "<pre>{}</pre>", escape(text));
    }
    if let Some(advice) = &sheet.advice {
        let _ = write!(out, "<p class=\"next\">{}</p>", escape(advice));
    }
    for line in &sheet.context {
        let _ = write!(out, "<p class=\"m\">{}</p>", words(line));
    }
    if !sheet.links.is_empty() {
        let links: Vec<String> = sheet.links.iter().map(|(label, url)| link(label, url)).collect();
        let _ = write!(out, "<p class=\"row\">{}</p>", links.join(" "));
    }
    out + "</header>"
}

/// What can be done: forms, for a link is followed by every scanner of mails.
fn deeds(sheet: &Sheet, around: &Around<'_>) -> String {
    let permit = escape(around.permit);
    let mut out = String::new();
    if sheet.may_acknowledge {
        let _ = write!(
            out,
            "<section class=\"card\" id=\"acknowledge\"><h2>Somebody takes care</h2><p class=\"m\">No reminders and no escalation any more. \
             Its end is still told.</p><form method=\"post\" action=\"{permit}/ack\"><div class=\"row\"><button class=\"first\" \
             type=\"submit\">Acknowledge</button></div></form></section>"
        );
    }
    if sheet.may_silence {
        let _ = write!(
            out,
            "<section class=\"card\" id=\"silence\"><h2>Not now</h2><p class=\"m\">What fails as this does is not told for a while, to anybody. \
             It is counted, and summed up at the end.</p><form method=\"post\" action=\"{permit}/silence\"><div class=\"row\"><button \
             type=\"submit\" name=\"for\" value=\"1h\">Silence 1 h</button><button type=\"submit\" name=\"for\" value=\"24h\">Silence 24 \
             h</button></div></form></section>"
        );
    }
    out
}

fn list(list: &SheetList) -> String {
    let items = list.items.iter().fold(String::new(), |out, item| out + "<li>" + &words(item) + "</li>");
    let more = list.more.as_ref().map(|more| format!("<p class=\"m\">{}</p>", escape(more))).unwrap_or_default();
    format!("<section class=\"card\"><h2>{}</h2><ul>{items}</ul>{more}</section>", escape(&list.title))
}

fn facts(sheet: &Sheet) -> String {
    if sheet.facts.is_empty() {
        return String::new();
    }
    let rows = sheet.facts.iter().map(|(label, text)| format!("<dt>{}</dt><dd>{}</dd>", escape(label), escape(text)));
    format!("<section class=\"card\"><dl>{}</dl></section>", rows.collect::<String>())
}

/// What was decided, when, and said to whom.
fn story(sheet: &Sheet) -> String {
    let mut out = "<section class=\"card\" id=\"why\"><h2>Why</h2><ol class=\"story\">".to_owned();
    for (at, text) in &sheet.story {
        let _ = write!(out, "<li>{}{}</li>", time(*at), escape(text));
    }
    for text in &sheet.ahead {
        let _ = write!(out, "<li>{}</li>", escape(text));
    }
    out + "</ol></section>"
}

fn words(line: &Words) -> String {
    line.iter().fold(String::new(), |out, piece| {
        out + &match piece {
            Piece::Text(text) => escape(text),
            Piece::Strong(text) => format!("<strong>{}</strong>", escape(text)),
            Piece::Code(text) => format!("<code>{}</code>", escape(text)),
            Piece::Struck(text) => format!("<s>{}</s>", escape(text)),
            Piece::Link(text, url) => link(text, url),
        }
    })
}

/// A link that tells nobody where it was followed from: the address of this page is a permission.
fn link(text: &str, url: &str) -> String {
    format!("<a href=\"{}\" rel=\"noreferrer noopener\">{}</a>", escape(url), escape(text))
}

fn time(at: Timestamp) -> String {
    let shown = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("<time datetime=\"{}\">{shown}</time>", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

fn tone(tone: SheetTone) -> &'static str {
    match tone {
        SheetTone::Bad => "bad",
        SheetTone::Warn => "warn",
        SheetTone::Good => "good",
        SheetTone::Note => "note",
    }
}
