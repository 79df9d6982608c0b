//! The layers of `[server]`, `[ledger]`, `[log]` and `[defaults]`: embedded defaults, the file, `FIRSTRED__SECTION__KEY`.

use std::collections::BTreeMap;

use config::{Config, Environment, File, FileFormat};
use toml::{Table, Value};

use super::cx::Cx;
use super::path::Path;
use super::suggest;

/// What lies under every configuration.
const DEFAULTS: &str = include_str!("defaults.toml");

/// The sections that the environment may override, and their keys.
const SECTIONS: [(&str, &[&str]); 4] = [
    ("server", &["listen", "public_url", "max_body", "max_connections", "queue"]),
    ("ledger", &["path", "retention"]),
    ("log", &["format", "level"]),
    ("defaults", &["notify", "hold", "give_up_after"]),
];

const PREFIX: &str = "FIRSTRED__";

/// The variables that override a key, by the key's path. Every other variable with the prefix is reported.
pub(super) fn overrides(cx: &mut Cx<'_>) {
    let mut found = BTreeMap::new();
    for variable in cx.env.keys() {
        let Some(rest) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let lower = rest.to_lowercase();
        let (section, key) = lower.split_once("__").unwrap_or((&lower, ""));
        let names = SECTIONS.iter().map(|(name, _)| *name);
        if let Some((section, keys)) = SECTIONS.iter().find(|(name, _)| *name == section) {
            if keys.contains(&key) {
                found.insert(Path::of(&[section, key]).to_string(), variable.clone());
            } else {
                cx.wrong_variable(
                    variable,
                    format!("`[{section}]` has no key `{key}`"),
                    suggest::hint(key, "known keys", keys.iter().copied()),
                );
            }
        } else {
            let near = suggest::nearest(section, names).map(|name| format!("did you mean `{name}`? "));
            cx.wrong_variable(
                variable,
                "only FIRSTRED__SECTION__KEY with a section of server, ledger, log, defaults can override the file"
                    .to_owned(),
                Some(format!(
                    "{}sources, receivers and rules are written in the file; there a secret can be `{{ env = \"NAME\" }}`",
                    near.unwrap_or_default()
                )),
            );
        }
    }
    cx.overrides = found;
}

/// Puts the layers of the four sections together, in place.
pub(super) fn merge(cx: &Cx<'_>, table: &mut Table) {
    let mut file = Table::new();
    for (section, _) in SECTIONS {
        match table.remove(section) {
            Some(Value::Table(mut keys)) => {
                // The `config` crate knows no dates and would make strings of them.
                keys.retain(|key, value| {
                    let date = matches!(value, Value::Datetime(_));
                    if date {
                        let path = Path::of(&[section, key]);
                        cx.error(&path, "a date stands here, which no key takes".to_owned(), None);
                    }
                    !date
                });
                file.insert(section.to_owned(), Value::Table(keys));
            }
            Some(other) => {
                let message = format!("expected a table, found {}", super::cx::kind_of(&other));
                cx.error(&Path::of(&[section]), message, Some(format!("write `[{section}]` on a line of its own")));
            }
            None => {}
        }
    }
    let env: BTreeMap<_, _> = cx
        .overrides
        .values()
        .filter_map(|variable| cx.env.get(variable).map(|value| (variable.clone(), value.clone())))
        .collect();
    let merged = toml::to_string(&file).map_err(|error| error.to_string()).and_then(|file| {
        Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(&file, FileFormat::Toml))
            .add_source(
                Environment::with_prefix("FIRSTRED")
                    .prefix_separator("__")
                    .separator("__")
                    .source(Some(env.into_iter().collect())),
            )
            .build()
            .and_then(Config::try_deserialize::<Table>)
            .map_err(|error| error.to_string())
    });
    match merged {
        Ok(merged) => table.extend(merged),
        Err(error) => cx.error(&Path::default(), format!("the layers don't fit together: {error}"), None),
    }
}
