//! The environment over `[sources.NAME]` and `[receivers.NAME]`: `FIRSTRED__SOURCES__PROD__URL` stands for the `url` of `prod`. Only
//! keys of what the file names: what there is, and of which type, the file alone says.

use toml::{Table, Value};

use super::cx::Cx;
use super::path::Path;
use super::suggest;

/// The sections whose tables have names.
pub(super) const SECTIONS: [&str; 2] = ["sources", "receivers"];

/// Takes `rest`, as `prod__url`, of `variable` for a key of something in `section`; a mistake is reported.
pub(super) fn key(cx: &Cx<'_>, table: &Table, section: &str, rest: &str, variable: &str) -> Option<Path> {
    let names: Vec<&str> = table
        .get(section)
        .and_then(Value::as_table)
        .map(|all| all.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let rest = plain(rest);
    // A name may hold `__` itself: the longest one that fits is meant.
    let fits =
        |name: &&str| rest.strip_prefix(&plain(name)).is_some_and(|rest| rest.is_empty() || rest.starts_with("__"));
    let longest = names.iter().copied().filter(fits).map(|name| plain(name).len()).max();
    let Some(longest) = longest else {
        let (written, _) = rest.split_once("__").unwrap_or((&rest, ""));
        let help = suggest::hint(written, "there are", names.iter().copied());
        let help = help.unwrap_or_else(|| format!("write it into the file, as [{section}.NAME]"));
        cx.no_such_variable(variable, format!("the file has nothing in `[{section}]` that is called so"), Some(help));
        return None;
    };
    let meant: Vec<&str> = names.iter().copied().filter(fits).filter(|name| plain(name).len() == longest).collect();
    let [name] = meant.as_slice() else {
        let names: Vec<String> = meant.iter().map(|name| format!("`{name}`")).collect();
        cx.wrong_variable(
            variable,
            format!("this could be any of {}", names.join(", ")),
            Some("case, `-`, `.`, space and `_` make no difference here: rename one of them".to_owned()),
        );
        return None;
    };
    let key = rest.get(longest..).and_then(|rest| rest.strip_prefix("__")).unwrap_or_default();
    if key.is_empty() || key.contains("__") {
        let message = "only a key that is right below the name can be overridden".to_owned();
        let help = format!("write it as FIRSTRED__{}__NAME__KEY, or change the file", section.to_uppercase());
        cx.wrong_variable(variable, message, Some(help));
        return None;
    }
    Some(Path::of(&[section, name, key]))
}

/// Puts the values of the variables over the file's.
pub(super) fn merge(cx: &Cx<'_>, table: &mut Table) {
    for (path, variable) in &cx.named {
        let (Some([section, name, key]), Some(value)) = (path.keys(), cx.env.get(variable)) else {
            continue;
        };
        let named = table.get_mut(section).and_then(Value::as_table_mut).and_then(|all| all.get_mut(name));
        if let Some(named) = named.and_then(Value::as_table_mut) {
            // As text: whoever reads the key knows whether a number or a switch is to stand there.
            named.insert(key.to_owned(), Value::String(value.clone()));
        }
    }
}

/// What a variable can say of a name.
fn plain(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '-' | '.' | ' ') { '_' } else { c.to_ascii_lowercase() }).collect()
}
