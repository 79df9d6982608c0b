//! `[templates.NAME]`: the parts of a message that people write themselves.

use std::collections::BTreeMap;

use toml::Value;

use super::check_name;
use crate::config::path::Path;
use crate::config::read::{At, Section};
use crate::config::suggest;
use crate::config::{Block, TemplateSettings};

/// Templates, with where each stands.
pub(in crate::config) type Templates = BTreeMap<String, (TemplateSettings, Path)>;

/// The longest template of a block, in bytes.
const LONGEST: usize = 8 << 10;

/// `[templates]`
pub(in crate::config) fn templates(at: &At<'_>) -> Option<Templates> {
    let Value::Table(table) = at.value else {
        return at.wrong("a table for each template, [templates.NAME]");
    };
    let mut templates = BTreeMap::new();
    for (name, value) in table {
        let entry = at.entry(name, value);
        check_name(&entry, name, " _.-");
        if let Some(template) = template(&entry, name) {
            templates.insert(name.clone(), (template, entry.path));
        }
    }
    Some(templates)
}

fn template(at: &At<'_>, name: &str) -> Option<TemplateSettings> {
    let section = Section::open(at, "templates")?;
    let mut blocks = Vec::new();
    for block in Block::ALL {
        let text = section.get(block.as_str(), |at| text(at, block));
        blocks.extend(text.map(|text| (block, text)));
    }
    let written = Block::ALL.iter().any(|block| section.has(block.as_str()));
    if !written {
        let names: Vec<_> = Block::ALL.iter().map(|block| format!("`{}`", block.as_str())).collect();
        let help = format!("write at least one of {}", names.join(", "));
        at.cx.missing(section.path(), "the template writes nothing".to_owned(), Some(help));
    }
    section.finish();
    (!blocks.is_empty()).then(|| TemplateSettings { name: name.to_owned(), blocks })
}

fn text(at: &At<'_>, block: Block) -> Option<String> {
    // Not trimmed: a place in it must be a place in the file.
    let Value::String(text) = at.value else {
        return at.wrong("a template");
    };
    if text.trim().is_empty() {
        return at.fail("the template is empty", Some("leave the key out to keep what is built in".to_owned()));
    }
    if text.len() > LONGEST {
        return at.fail(format!("the template is longer than {LONGEST} bytes"), None);
    }
    let mistakes = (at.cx.template_check)(block, text);
    for mistake in &mistakes {
        let range = mistake.at.clone().unwrap_or(0..text.len());
        at.cx.inside(&at.path, range, mistake.message.clone(), mistake.help.clone());
    }
    mistakes.is_empty().then(|| text.clone())
}

/// The name of a template that exists.
pub(super) fn template_name(at: &At<'_>) -> Option<String> {
    let name = crate::config::read::text(at)?;
    if at.cx.templates.contains(&name) {
        return Some(name);
    }
    let known = at.cx.templates.iter().map(String::as_str);
    let help = suggest::hint(&name, "known templates", known)
        .or_else(|| Some("write a [templates.NAME] section; there is none yet".to_owned()));
    at.cx.unknown_name(&at.path, format!("there is no template {name:?}"), help);
    None
}
