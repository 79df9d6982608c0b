//! `[templates.NAME]`: what is set, and what can be wrong with a template's text. It knows no template language.

use std::ops::Range;

/// One `[templates.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSettings {
    /// Its name.
    pub name: String,
    /// The parts of a message that it writes, each once, and the template of each. Never empty.
    pub blocks: Vec<(Block, String)>,
}

/// A part of a message that a template can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// What and how it stands: `billing-sync failed`.
    Title,
    /// The whole message in one line: lock screen, push, fallback.
    Headline,
    /// The words of the error.
    Text,
    /// The one next action.
    Advice,
    /// Why this is told.
    Footer,
    /// Lines more, beside what else helps to judge it.
    Extra,
}

impl Block {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Title, Self::Headline, Self::Text, Self::Advice, Self::Footer, Self::Extra];

    /// Its key in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Headline => "headline",
            Self::Text => "text",
            Self::Advice => "advice",
            Self::Footer => "footer",
            Self::Extra => "extra",
        }
    }
}

/// What is wrong with the text of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateMistake {
    /// Where in the text, in bytes; absent: all of it.
    pub at: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Compiles a template, tries it out on every kind of message, and says what is wrong with it.
pub type TemplateCheck = fn(Block, &str) -> Vec<TemplateMistake>;
