//! Diagnostics as text for people: the message, the line of the file, what to do.

use annotate_snippets::{AnnotationKind, Group, Level as Words, Origin, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Level};

/// All of `diagnostics` as text, with the lines of the file that they are about. Colours only when asked for.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&renderer.render(&[group(diagnostic)]));
        text.push_str("\n\n");
    }
    text.truncate(text.trim_end().len());
    text
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Level::Error => Words::ERROR,
        Level::Warning => Words::WARNING,
    };
    let title = match &diagnostic.path {
        Some(path) => format!("{path}: {}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut group = Group::with_title(level.primary_title(title));
    if let Some(variable) = &diagnostic.variable {
        group = group.element(Origin::path(format!("environment variable {variable}")));
    } else if let (Some(file), Some(line), Some(excerpt)) = (&diagnostic.file, diagnostic.line, &diagnostic.excerpt) {
        group = group.element(
            Snippet::source(excerpt.text.as_str())
                .line_start(line)
                .path(file.as_str())
                .annotation(AnnotationKind::Primary.span(excerpt.span.clone())),
        );
    } else if let Some(file) = &diagnostic.file {
        group = group.element(Origin::path(file.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Words::HELP.message(help.as_str()));
    }
    group
}
