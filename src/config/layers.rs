//! The layers: embedded defaults, the file, `FIRSTRED__SECTION__KEY`. There are defaults for `[server]`, `[ledger]`, `[log]`,
//! `[defaults]` and `[providers]` only.

use std::collections::BTreeMap;

use config::{Config, Environment, File, FileFormat};
use toml::{Table, Value};

use super::cx::Cx;
use super::path::Path;
use super::{named, suggest};

/// What lies under every configuration.
const DEFAULTS: &str = include_str!("defaults.toml");

/// The sections that the environment may override, and their keys.
const SECTIONS: [(&str, &[&str]); 8] = [
    ("server", &["listen", "public_url", "max_body", "max_connections", "queue"]),
    ("ledger", &["path", "retention"]),
    ("log", &["format", "level"]),
    (
        "defaults",
        &["notify", "hold", "give_up_after", "group_by", "update_every", "remind", "resolve_after", "reopen_within"],
    ),
    ("providers", &["workflows", "within"]),
    ("http", &["proxy", "no_proxy"]),
    ("heartbeat", &["url", "every", "method", "timeout"]),
    ("daily", &["at", "zone", "notify"]),
];

const PREFIX: &str = "FIRSTRED__";

/// The variables that override a key, by the key's path. Every other variable with the prefix is reported.
pub(super) fn overrides(cx: &mut Cx<'_>, table: &Table) {
    let mut found = BTreeMap::new();
    let mut of_named: Vec<(Path, String)> = Vec::new();
    for variable in cx.env.keys() {
        let Some(rest) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let lower = rest.to_lowercase();
        let (section, key) = lower.split_once("__").unwrap_or((&lower, ""));
        let names = SECTIONS.iter().map(|(name, _)| *name).chain(named::SECTIONS);
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
        } else if named::SECTIONS.contains(&section) {
            let Some(path) = named::key(cx, table, section, key, variable) else {
                continue;
            };
            match of_named.iter().find(|(known, _)| *known == path) {
                Some((_, first)) => {
                    cx.wrong_variable(variable, format!("{first} says the same key"), Some("keep one".to_owned()));
                }
                None => of_named.push((path, variable.clone())),
            }
        } else {
            let near = suggest::nearest(section, names).map(|name| format!("did you mean `{name}`? "));
            cx.wrong_variable(
                variable,
                "only FIRSTRED__SECTION__KEY with a section of server, ledger, log, defaults, providers, http, \
                 heartbeat, daily, and \
                 FIRSTRED__SOURCES__NAME__KEY, FIRSTRED__RECEIVERS__NAME__KEY can override the file"
                    .to_owned(),
                Some(format!("{}rules and classes are written in the file", near.unwrap_or_default())),
            );
        }
    }
    cx.overrides = found;
    cx.named = of_named;
}

/// Puts the layers of these sections together, in place.
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
    named::merge(cx, table);
    match merged {
        Ok(merged) => table.extend(merged),
        Err(error) => cx.error(&Path::default(), format!("the layers don't fit together: {error}"), None),
    }
}
