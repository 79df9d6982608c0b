//! What a template wrote, put in its places: which part of the message each block replaces, and how long it may be there. It knows
//! no template language.

use std::collections::BTreeMap;

use crate::config::Block;
use crate::receiver::message::{Budget, Line, Message, headline, text};

/// The longest title, as the built-in one.
const TITLE: usize = 200;
/// The longest advice, as the built-in one.
const ADVICE: usize = 300;
/// The longest footer, without what is said about a failure.
const FOOTER: usize = 300;
/// The most lines of `extra`.
const EXTRA_LINES: usize = 8;
/// The longest line of `extra`.
const EXTRA_LINE: usize = 200;
/// The longest word about a failure.
const FAILURE: usize = 160;

/// What a template wrote of one notification.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered {
    blocks: BTreeMap<Block, String>,
    /// The first block that could not be rendered, and why.
    failure: Option<String>,
}

/// Whether there is anything for `block` to write: what replaces a part is not asked where the message has no such part.
pub(super) fn is_asked(block: Block, plain: &Message) -> bool {
    match block {
        Block::Text => plain.said.is_some(),
        Block::Advice => plain.advice.is_some(),
        Block::Title | Block::Headline | Block::Footer | Block::Extra => true,
    }
}

impl Rendered {
    pub(super) fn put(&mut self, block: Block, said: String) {
        self.blocks.insert(block, said);
    }

    pub(super) fn fail(&mut self, block: Block, name: &str, reason: &str) {
        let said = || format!("template \"{name}\" failed at {}: {reason}", block.as_str());
        self.failure.get_or_insert_with(|| text::end_cut(&text::line(&said()), FAILURE));
    }

    /// What failed first, if anything did.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The blocks that were rendered.
    pub(super) fn into_blocks(self) -> BTreeMap<Block, String> {
        self.blocks
    }

    /// Puts what was written in its places in `message`, which was written for `budget`.
    pub(crate) fn apply(&self, message: &mut Message, budget: Budget) {
        for (block, said) in &self.blocks {
            match block {
                Block::Title => message.title = text::end_cut(said, TITLE),
                Block::Headline => message.headline = text::end_cut(said, headline::LONGEST),
                Block::Text => {
                    message.said = Some(text::long_cut(said, budget.message)).filter(|said| !said.is_empty());
                }
                Block::Advice => message.advice = Some(text::end_cut(said, ADVICE)),
                Block::Footer => message.footer = text::end_cut(said, FOOTER),
                Block::Extra => message.context.extend(extra(said, budget)),
            }
        }
        if let Some(failure) = &self.failure {
            message.footer = format!("{}; {failure}", message.footer);
        }
    }
}

/// The lines of `extra`. A message that must be short has no room for them.
fn extra(said: &str, budget: Budget) -> impl Iterator<Item = Line> {
    let room = if budget.message == 0 { 0 } else { EXTRA_LINES };
    let lines = said.lines().map(text::line).filter(|line| !line.is_empty());
    lines.take(room).map(|line| Line::default().text(text::end_cut(&line, EXTRA_LINE)))
}
