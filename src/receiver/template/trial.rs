//! Templates tried out on samples of every kind, before any of them is needed: for `firstred check`, for each start and reload, and
//! for people who want to see what theirs says. It sends nothing.

use std::ops::Range;

use super::{Template, context, jinja, rendered};
use crate::config::{Block, TemplateMistake, TemplateSettings};
use crate::engine::Notification;
use crate::receiver::message::{Budget, Message, plain};
use crate::receiver::{BuildError, samples};

/// The most mistakes that are named of one block: the others are like them.
const MOST: usize = 3;
/// The most kinds of messages that a mistake names.
const NAMES: usize = 4;

/// What is wrong with a template's text: that it can't be read, or that it fails for some kind of message.
#[must_use]
pub fn check(block: Block, text: &str) -> Vec<TemplateMistake> {
    let mut environment = jinja::environment();
    if let Err(error) = environment.add_template(block.as_str(), text) {
        let failure = jinja::of_error(&error);
        return vec![TemplateMistake { at: failure.at, message: failure.message, help: None }];
    }
    let mut found: Vec<(jinja::Failure, Vec<String>)> = Vec::new();
    let mut asked = 0;
    for (name, notification) in samples::all() {
        let plain = Message::new(&notification, Budget::FULL);
        if !rendered::is_asked(block, &plain) {
            continue;
        }
        asked += 1;
        let Err(failure) = jinja::render(&environment, block, &context::of(&notification, &plain)) else { continue };
        match found.iter_mut().find(|(known, _)| *known == failure) {
            Some((_, names)) => names.push(name),
            None => found.push((failure, vec![name])),
        }
    }
    found.into_iter().take(MOST).map(|(failure, names)| mistake(failure, &names, asked, block, text)).collect()
}

fn mistake(failure: jinja::Failure, names: &[String], asked: usize, block: Block, text: &str) -> TemplateMistake {
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = if names.len() > shown.len() { ", …" } else { "" };
    let of = if names.len() == asked {
        "every message".to_owned()
    } else {
        format!("{} of {asked} kinds of messages ({}{more})", names.len(), shown.join(", "))
    };
    let help = failure.absent.then(|| guard(failure.at.as_ref(), block, text));
    TemplateMistake { message: format!("it fails for {of}: {}", failure.message), at: failure.at, help }
}

/// How to say something else where it is not there.
fn guard(at: Option<&Range<usize>>, block: Block, text: &str) -> String {
    let name = at.and_then(|at| text.get(at.clone())).map(str::trim).filter(|name| is_path(name));
    let name = name.unwrap_or("data.error");
    let name = name.rsplit_once('.').map_or(name, |(parent, _)| if parent == "data" { name } else { parent });
    let other =
        if block == Block::Extra { String::new() } else { format!("{{% else %}}{{{{ builtin.{} }}}}", block.as_str()) };
    format!("not every message has it: write {{% if {name} %}}…{other}{{% endif %}}, or a default: | default(\"…\")")
}

fn is_path(name: &str) -> bool {
    name.starts_with("data.") && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
}

/// What a template says of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The name of the sample.
    pub sample: String,
    /// What each block says, by its key, as far as it is asked there.
    pub blocks: Vec<(&'static str, String)>,
    /// The whole message as plain text.
    pub card: String,
    /// What failed first.
    pub failure: Option<String>,
}

/// What the template of `settings` says of every sample.
///
/// # Errors
/// When the text of a block is no template.
pub fn try_out(settings: &TemplateSettings) -> Result<Vec<Tried>, BuildError> {
    let template = Template::build(settings)?;
    Ok(samples::all().into_iter().map(|(sample, notification)| tried(&template, sample, &notification)).collect())
}

fn tried(template: &Template, sample: String, notification: &Notification) -> Tried {
    let rendered = template.render(notification);
    let mut message = Message::new(notification, Budget::FULL);
    rendered.apply(&mut message, Budget::FULL);
    let card = format!("{}\n{}\n\n{}", message.headline, plain::card(&message), message.footer);
    let failure = rendered.failure().map(str::to_owned);
    let blocks = rendered.into_blocks().into_iter().map(|(block, said)| (block.as_str(), said)).collect();
    Tried { sample, blocks, card, failure }
}
