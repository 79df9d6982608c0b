//! The HTML part of a mail: tables and inline styles, which is what classic Outlook and Gmail keep; no images. Every text is
//! escaped. It knows no headers and no SMTP.

use std::fmt::Write as _;

use crate::html::escape;
use crate::receiver::links::ACKNOWLEDGE;
use crate::receiver::message::{Line, Message, Span, Tone, plain};

const SANS: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;";
const MONO: &str = "font-family:Consolas,Menlo,monospace;";

const LEAD: &str = "font-size:14px;line-height:22px;color:#1f2328;";
const LINKS: &str = "font-size:14px;line-height:28px;color:#59636e;";
const NOTE: &str = "font-size:13px;line-height:20px;color:#59636e;";

/// Word takes `width:100%` and ignores `max-width`: it gets a table of its own around the card.
const GHOST: &str = "<!--[if mso]><table role=\"presentation\" align=\"center\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" \
                     border=\"0\"><tr><td><![endif]-->";
const GHOST_END: &str = "<!--[if mso]></td></tr></table><![endif]-->";

/// Dark mode for the clients that know it; the inline styles are the light one.
const STYLE: &str = "\
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .bg { background-color:#0d1117 !important; }
  .card { background-color:#161b22 !important; border-color:#30363d !important; }
  .t { color:#e6edf3 !important; }
  .m { color:#9da7b3 !important; }
  .lnk { color:#79b8ff !important; }
  .b1 { background-color:#1f6feb !important; border-color:#1f6feb !important; }
  .b2 { background-color:#161b22 !important; border-color:#79b8ff !important; }
  .b1t { color:#ffffff !important; }
  .b2t { color:#79b8ff !important; }
  .bad { color:#ff7b72 !important; }
  .warn { color:#e3b341 !important; }
  .good { color:#56d364 !important; }
  .note { color:#79b8ff !important; }
  .code { background-color:#0d1117 !important; color:#e6edf3 !important; border-color:#30363d !important; }
}
@media (max-width: 480px) { .pad { padding-left:16px !important; padding-right:16px !important; } }";

/// The whole page.
pub(super) fn render(message: &Message) -> String {
    let mut rows = head(message);
    rows.push_str(&lead(message));
    rows.push_str(&error(message));
    rows.push_str(&list(message));
    rows.push_str(&advice(message));
    rows.push_str(&context(message));
    rows.push_str(&links(message));
    rows.push_str(&facts(message));
    rows.push_str(&row(
        "0 24px 20px 24px",
        &paragraph("m", "font-size:12px;line-height:18px;color:#59636e;", &escape(&message.footer)),
    ));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"supported-color-schemes\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\n</style>\n</head>\n\
         <body class=\"bg\" style=\"margin:0;padding:0;background-color:#f6f8fa;\">\n\
         <div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all;\">{preheader}</div>\n\
         <table role=\"presentation\" class=\"bg\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" bgcolor=\"#f6f8fa\">\n\
         <tr><td align=\"center\" style=\"padding:24px 8px;\">\n{GHOST}\n\
         <table role=\"presentation\" class=\"card\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" bgcolor=\"#ffffff\" \
         style=\"width:100%;max-width:600px;background-color:#ffffff;border:1px solid #d1d9e0;\">\n\
         {rows}</table>\n{GHOST_END}\n</td></tr>\n</table>\n</body>\n</html>\n",
        title = escape(&message.title),
        preheader = escape(&preheader(message)),
    )
}

/// What a mail client shows beside the subject.
fn preheader(message: &Message) -> String {
    let lead = message.lead.first().map(plain::sentence);
    lead.or_else(|| plain::error_line(message))
        .or_else(|| message.said.clone())
        .unwrap_or_else(|| message.headline.clone())
}

fn head(message: &Message) -> String {
    let (colour, tone) = colour(message);
    let mut text = paragraph(
        tone,
        &format!("font-size:12px;line-height:16px;font-weight:bold;letter-spacing:1px;color:{colour};"),
        message.state,
    );
    let _ = writeln!(
        text,
        "<h1 class=\"t\" style=\"{SANS}margin:4px 0 0 0;font-size:20px;line-height:28px;color:#1f2328;word-break:break-word;\">{}</h1>",
        escape(&message.title)
    );
    let place = match (&message.place, message.instead) {
        (Some(place), _) => {
            let position =
                place.position.as_ref().map(|position| format!(" ({})", escape(position))).unwrap_or_default();
            let before = place.before.trim_start_matches([',', ' ']);
            let said = format!("{before}<code style=\"{MONO}\">{}</code>{position}", escape(&place.step));
            if place.over { format!("<s>{said}</s>") } else { said }
        }
        (None, Some(instead)) => escape(instead),
        (None, None) => String::new(),
    };
    if !place.is_empty() {
        text.push_str(&paragraph("m", "font-size:14px;line-height:22px;color:#59636e;", &place));
    }
    let bar = format!(
        "<tr><td bgcolor=\"{colour}\" style=\"background-color:{colour};font-size:0;line-height:6px;height:6px;\">&nbsp;</td></tr>\n"
    );
    bar + &row("20px 24px 4px 24px", &text)
}

/// The colour of the light page, and the class that has that of the dark one.
fn colour(message: &Message) -> (&'static str, &'static str) {
    match message.tone {
        Tone::Bad => ("#a30200", "bad"),
        // Dark enough for a white page, unlike Slack's #daa038 and #2eb886.
        Tone::Warn | Tone::Known => ("#9a6700", "warn"),
        Tone::Good => ("#1a7f37", "good"),
        Tone::Note => ("#0b57d0", "note"),
    }
}

/// What comes before the error.
fn lead(message: &Message) -> String {
    let lines: String = message.lead.iter().map(|line| paragraph("t", LEAD, &sentence(line))).collect();
    if lines.is_empty() { lines } else { row("8px 24px 0 24px", &lines) }
}

fn list(message: &Message) -> String {
    let Some(list) = &message.list else { return String::new() };
    let mut out =
        paragraph("t", "font-size:14px;line-height:22px;font-weight:bold;color:#1f2328;", &escape(&list.title));
    out.push_str("<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n");
    for line in &list.items {
        let _ = writeln!(
            out,
            "<tr><td class=\"m\" style=\"{SANS}font-size:14px;line-height:22px;color:#59636e;padding:2px 8px 2px 0;vertical-align:top;\">&#8226;</td>\
             <td class=\"t\" style=\"{SANS}font-size:14px;line-height:22px;color:#1f2328;padding:2px 0;word-break:break-word;\">{}</td></tr>",
            spans(line)
        );
    }
    out.push_str("</table>\n");
    if let Some(more) = &list.more {
        out.push_str(&paragraph("m", "font-size:14px;line-height:22px;color:#59636e;", &escape(more)));
    }
    row("12px 24px 0 24px", &out)
}

/// What helps to judge it.
fn context(message: &Message) -> String {
    let lines: String = message.context.iter().map(|line| paragraph("m", NOTE, &sentence(line))).collect();
    if lines.is_empty() { lines } else { row("12px 24px 0 24px", &lines) }
}

/// The sentence, with a capital letter at its start.
fn sentence(line: &Line) -> String {
    match line.0.split_first() {
        Some((Span::Text(first), rest)) => escape(&plain::capital(first)) + &rest.iter().map(span).collect::<String>(),
        Some((Span::Strong(first), rest)) => {
            format!("<b>{}</b>{}", escape(&plain::capital(first)), rest.iter().map(span).collect::<String>())
        }
        _ => spans(line),
    }
}

fn spans(line: &Line) -> String {
    line.0.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Text(text) => escape(text),
        Span::Strong(text) => format!("<b>{}</b>", escape(text)),
        Span::Code(text) => format!("<code style=\"{MONO}\">{}</code>", escape(text)),
        Span::Time(_, shown) => escape(shown),
        Span::Link(text, url) => {
            format!("<a class=\"lnk\" href=\"{}\" style=\"color:#0b57d0;\">{}</a>", escape(url), escape(text))
        }
        Span::Mention(raw) if raw.starts_with('<') => String::new(),
        Span::Mention(raw) => escape(raw),
    }
}

fn error(message: &Message) -> String {
    let code =
        message.code.as_ref().map(|code| format!("<b style=\"{MONO}word-break:break-word;\">{}</b>", escape(code)));
    let status = message.status.map(|status| format!("HTTP {status}"));
    let verdict = message.verdict.as_ref().map(|it| format!("<b>{}</b>: {}", escape(it.word), escape(&it.meaning)));
    let class = message.class.as_deref().map(escape);
    let parts: Vec<String> = [code, status, verdict, class].into_iter().flatten().collect();
    let mut out = String::new();
    if !parts.is_empty() {
        out.push_str(&paragraph(
            "t",
            "font-size:14px;line-height:22px;color:#1f2328;",
            &parts.join(" &nbsp;&middot;&nbsp; "),
        ));
    }
    for text in [&message.said, &message.detail].into_iter().flatten() {
        out.push_str(&literal(text));
    }
    if out.is_empty() { out } else { row("12px 24px 0 24px", &out) }
}

fn advice(message: &Message) -> String {
    let Some(advice) = &message.advice else { return String::new() };
    row("12px 24px 0 24px", &paragraph("t", LEAD, &escape(advice)))
}

/// Text as it is: line breaks stay, and so do spaces at the start of a line.
fn literal(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        format!("{}{}", "&nbsp;".repeat(indent.min(40)), escape(&line[indent..]))
    });
    format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\
         <tr><td style=\"font-size:0;line-height:6px;height:6px;\">&nbsp;</td></tr>\
         <tr><td class=\"code\" bgcolor=\"#f6f8fa\" style=\"{MONO}font-size:13px;line-height:20px;color:#1f2328;\
         background-color:#f6f8fa;border:1px solid #d1d9e0;padding:10px 12px;word-break:break-word;\">{}</td></tr></table>\n",
        lines.collect::<Vec<_>>().join("\n<br>")
    )
}

/// What is done: buttons, for a thumb finds them. What is read: links behind them, which break into lines on a narrow screen.
fn links(message: &Message) -> String {
    let (mut buttons, mut rest) = (String::new(), Vec::new());
    for (index, (label, url)) in message.links.iter().enumerate() {
        if index == 0 || *label == ACKNOWLEDGE {
            buttons.push_str(&button(label, url, index == 0));
        } else {
            rest.push(format!(
                "<a class=\"lnk\" href=\"{}\" style=\"{SANS}font-size:14px;line-height:28px;color:#0b57d0;white-space:nowrap;\">{}</a>",
                escape(url),
                escape(label)
            ));
        }
    }
    if buttons.is_empty() {
        return buttons;
    }
    let mut out = format!(
        "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\n{buttons}</tr></table>\n"
    );
    if !rest.is_empty() {
        out.push_str(&paragraph("m", &format!("{LINKS}margin-top:8px;"), &rest.join(" &nbsp; &nbsp; \n")));
    }
    row("16px 24px 16px 24px", &out)
}

/// A button that keeps its size in classic Outlook: Word ignores the padding of a link and takes `mso-padding-alt` of the cell instead.
fn button(label: &str, url: &str, is_first: bool) -> String {
    let (label, url) = (escape(label), escape(url));
    let (cell, text, colour, ground) =
        if is_first { ("b1", "b1t", "#ffffff", "#0b57d0") } else { ("b2", "b2t", "#0b57d0", "#ffffff") };
    let gap = "<td width=\"8\" style=\"width:8px;font-size:0;line-height:0;\">&nbsp;</td>\n";
    format!(
        "{}<td class=\"{cell}\" bgcolor=\"{ground}\" style=\"background-color:{ground};border:1px solid #0b57d0;border-radius:4px;\
         mso-padding-alt:10px 16px;\"><a class=\"{text}\" href=\"{url}\" style=\"{SANS}display:inline-block;padding:10px 16px;\
         font-size:14px;line-height:20px;font-weight:bold;color:{colour};text-decoration:none;white-space:nowrap;\">{label}</a></td>\n",
        if is_first { "" } else { gap }
    )
}

fn facts(message: &Message) -> String {
    let progress = message.progress.iter().map(|progress| ("Progress", progress.clone()));
    let rows: String = message.facts.iter().map(plain::row).chain(progress).fold(String::new(), |mut out, (label, text)| {
        let _ = writeln!(
            out,
            "<tr><td class=\"m\" style=\"{SANS}font-size:13px;line-height:20px;color:#59636e;padding:2px 16px 2px 0;white-space:nowrap;\
             vertical-align:top;\">{}</td><td class=\"t\" style=\"{SANS}font-size:13px;line-height:20px;color:#1f2328;padding:2px 0;\
             word-break:break-word;\">{}</td></tr>",
            escape(label),
            escape(&text)
        );
        out
    });
    if rows.is_empty() {
        return row("4px 24px", "");
    }
    row(
        "0 24px 16px 24px",
        &format!("<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n{rows}</table>\n"),
    )
}

fn row(padding: &str, content: &str) -> String {
    format!("<tr><td class=\"pad\" style=\"padding:{padding};\">\n{content}</td></tr>\n")
}

fn paragraph(class: &str, style: &str, content: &str) -> String {
    format!("<p class=\"{class}\" style=\"{SANS}margin:0;{style}\">{content}</p>\n")
}
