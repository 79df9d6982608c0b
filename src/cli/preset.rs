//! `firstred preset`: the sources for other engines that are built into the program. Exits 2 for one that is not there.

use serde_json::json;

use super::{Failure, Format, output};
use crate::config::{PRESETS, Preset};

pub(super) fn run(name: Option<&str>, format: Format) -> Result<(), Failure> {
    match name {
        Some(name) => print(of(name)?, format),
        None => list(format),
    }
}

fn of(name: &str) -> Result<&'static Preset, Failure> {
    Preset::of(name).ok_or_else(|| {
        let help = Preset::near(name)
            .map_or_else(|| "`firstred preset` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        Failure::CouldNotAsk(format!("there is no preset `{name}`: {help}"))
    })
}

fn print(preset: &Preset, format: Format) -> Result<(), Failure> {
    match format {
        Format::Text => output::say(preset.text.trim_end()),
        Format::Json => {
            output::say_json(&json!({ "name": preset.name, "needs": preset.needs(), "toml": preset.text }))?;
        }
    }
    Ok(())
}

fn list(format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => {
            let all = PRESETS
                .iter()
                .map(|preset| json!({ "name": preset.name, "title": preset.title(), "needs": preset.needs() }));
            output::say_json(&all.collect::<Vec<_>>())?;
        }
        Format::Text => {
            for preset in &PRESETS {
                output::say(&format!("{:<11} {}", preset.name, preset.title()));
                output::say(&format!("{:<11} needs {}\n", "", preset.needs()));
            }
            output::say("firstred preset NAME >> firstred.toml, fill in what 1 and 2 say, then firstred check");
        }
    }
    Ok(())
}
