//! From problems to diagnostics: the line and the column of each, its excerpt without secrets, in the order of the file.

use std::ops::Range;

use super::cx::{Place, Problem};
use super::diagnostic::{Diagnostic, Diagnostics, Excerpt, Level};
use super::mask::{line_around, mask};
use super::path::Path;
use super::spans::{Children, Node, Parsed};
use super::within;

/// A mistake of a file that could not be read at all.
pub(super) fn whole_file(name: &str, message: String, help: Option<String>) -> Diagnostics {
    let mut diagnostic = blank(Level::Error, message, help);
    diagnostic.file = Some(name.to_owned());
    Diagnostics(vec![diagnostic])
}

fn blank(severity: Level, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic {
        severity,
        file: None,
        line: None,
        column: None,
        variable: None,
        path: None,
        message,
        help,
        excerpt: None,
    }
}

/// The diagnostics of all `problems`, of which the values at `secret` are not shown.
pub(super) fn diagnostics(
    name: Option<&str>,
    text: &str,
    parsed: &Parsed,
    problems: Vec<Problem>,
    secret: &[Path],
) -> Vec<Diagnostic> {
    let mut covered = Vec::new();
    for path in secret {
        leaves(parsed.root.nearest(path), &mut covered);
    }
    let shown = mask(text, &parsed.root, &covered, &parsed.errors);
    let broken: Vec<usize> =
        parsed.errors.iter().filter_map(|error| Some(line_around(text, error.span.as_ref()?.start)?.0)).collect();

    let mut found = Vec::new();
    for problem in problems {
        let span = span_of(&problem.place, text, parsed);
        let line = span.as_ref().and_then(|span| line_around(text, span.start));
        // What a broken line seems to say, or what seems to be missing beside it, is a guess.
        let syntax = matches!(problem.place, Place::Text(_));
        let guess = problem.absence || line.is_some_and(|(start, _)| broken.contains(&start));
        if !broken.is_empty() && guess && !syntax {
            continue;
        }
        let mut diagnostic = blank(problem.level, problem.message, problem.help);
        match problem.place {
            Place::Variable(variable, path) => {
                diagnostic.variable = Some(variable);
                diagnostic.path = path.map(|path| path.to_string());
            }
            Place::Value(path) | Place::Key(path) | Place::Inside(path, _) => {
                diagnostic.file = name.map(str::to_owned);
                diagnostic.path = Some(path.to_string());
            }
            Place::Text(_) | Place::File => diagnostic.file = name.map(str::to_owned),
        }
        let start = span.as_ref().map_or(usize::MAX, |span| span.start);
        if let (Some(span), Some((from, to))) = (span, line) {
            locate(&mut diagnostic, text, &shown, span, from..to);
        }
        found.push((start, diagnostic));
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
}

fn locate(diagnostic: &mut Diagnostic, text: &str, shown: &str, span: Range<usize>, line: Range<usize>) {
    let before = &text[..line.start];
    diagnostic.line = Some(before.matches('\n').count() + 1);
    diagnostic.column = text.get(line.start..span.start).map(|start| start.chars().count() + 1);
    let Some(excerpt) = shown.get(line.clone()) else {
        return;
    };
    let excerpt = excerpt.trim_end_matches('\r');
    let start = (span.start - line.start).min(excerpt.len());
    // On one line, and never of no width: an arrow must point at something.
    let end = span.end.min(line.end).saturating_sub(line.start).min(excerpt.len()).max(start);
    let end = if end == start { excerpt[start..].chars().next().map_or(start, |c| start + c.len_utf8()) } else { end };
    diagnostic.excerpt = Some(Excerpt { text: excerpt.to_owned(), span: start..end });
}

fn span_of(place: &Place, text: &str, parsed: &Parsed) -> Option<Range<usize>> {
    match place {
        Place::Text(span) => Some(span.clone()),
        Place::Variable(..) | Place::File => None,
        Place::Key(path) => {
            let node = parsed.root.nearest(path);
            Some(node.key.clone().unwrap_or_else(|| node.value.clone()))
        }
        Place::Inside(path, range) => {
            let value = parsed.root.nearest(path).value.clone();
            let within = within::place(text.get(value.clone())?, range);
            Some(value.start + within.start..value.start + within.end)
        }
        Place::Value(path) => Some(parsed.root.nearest(path).value.clone()),
    }
}

fn leaves(node: &Node, into: &mut Vec<Range<usize>>) {
    match &node.children {
        Children::None => into.push(node.value.clone()),
        Children::Array(nodes) => nodes.iter().for_each(|node| leaves(node, into)),
        Children::Table(nodes) => nodes.values().for_each(|node| leaves(node, into)),
    }
}
