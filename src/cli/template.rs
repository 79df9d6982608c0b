//! `firstred template`: what a template says of every kind of message, made up and never sent; or one whole message with it.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Failure, Format, output, setup};
use crate::receiver::{TemplateTried, try_template};

pub(super) fn run(config: &Path, name: &str, sample: Option<&str>, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let Some(template) = config.templates.get(name) else {
        let known: Vec<&str> = config.templates.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::CouldNotAsk(format!("there is no template `{name}`; there is: {known}")));
    };
    let all = try_template(template)?;
    let tried: Vec<&TemplateTried> =
        all.iter().filter(|tried| sample.is_none_or(|sample| tried.sample == sample)).collect();
    if tried.is_empty() {
        let kinds: Vec<&str> = all.iter().map(|tried| tried.sample.as_str()).collect();
        return Err(Failure::CouldNotAsk(format!(
            "there is no kind of message `{}`; there is: {}",
            sample.unwrap_or_default(),
            kinds.join(", ")
        )));
    }
    match format {
        Format::Json => output::say_json(&tried.iter().map(|tried| json_of(tried)).collect::<Vec<_>>())?,
        Format::Text if sample.is_some() => tried.iter().for_each(|tried| output::say(&tried.card)),
        Format::Text => tried.iter().for_each(|tried| output::say(&blocks(tried))),
    }
    if tried.iter().any(|tried| tried.failure.is_some()) { Err(Failure::No) } else { Ok(()) }
}

fn json_of(tried: &TemplateTried) -> Value {
    let blocks: Map<String, Value> =
        tried.blocks.iter().map(|(block, said)| ((*block).to_owned(), Value::from(said.as_str()))).collect();
    json!({ "kind": tried.sample, "blocks": blocks, "failure": tried.failure, "message": tried.card })
}

/// The name of the kind, and what each block says below it.
fn blocks(tried: &TemplateTried) -> String {
    let mut lines = vec![tried.sample.clone()];
    for (block, said) in &tried.blocks {
        let mut said = said.lines();
        lines.push(format!("  {block:<9} {}", said.next().unwrap_or_default()));
        lines.extend(said.map(|line| format!("            {line}")));
    }
    lines.extend(tried.failure.iter().map(|failure| format!("  {failure}")));
    lines.join("\n")
}
