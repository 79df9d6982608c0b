//! `group_by` and `same`: fields of a failure.

use std::collections::BTreeSet;

use crate::config::read::{At, one_or_many, text};
use crate::config::suggest;
use crate::engine::Field;

/// What can be named beside labels.
const NAMES: [&str; 12] = [
    "source",
    "workflow",
    "version",
    "step",
    "kind",
    "code",
    "class",
    "status",
    "provider",
    "fingerprint",
    "trigger",
    "run",
];

/// Fields: one, several, or none, each once.
pub(super) fn fields(at: &At<'_>) -> Option<Vec<Field>> {
    if at.value.as_array().is_some_and(Vec::is_empty) {
        return Some(Vec::new());
    }
    let mut fields = one_or_many(field)(at)?;
    let mut seen = BTreeSet::new();
    fields.retain(|field| {
        let new = seen.insert(field.clone());
        if !new {
            at.warn(format!("the field `{}` is named twice", field.name()), Some("once is enough".to_owned()));
        }
        new
    });
    Some(fields)
}

fn field(at: &At<'_>) -> Option<Field> {
    let name = text(at)?;
    Field::parse(&name).or_else(|| {
        let label =
            name.strip_prefix("label.").or_else(|| name.strip_prefix("labels:")).filter(|label| !label.is_empty());
        let help = match (label, name.as_str()) {
            (Some(label), _) => Some(format!("did you mean `labels.{label}`?")),
            (None, "label" | "labels" | "labels.") => Some("write the label's name behind it: `labels.env`".to_owned()),
            _ => suggest::hint(&name, "known are `labels.NAME` and", NAMES),
        };
        at.fail(format!("a failure has no field {name:?}"), help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_suggested_is_a_field() {
        for name in NAMES {
            assert_eq!(Field::parse(name).map(|field| field.name().into_owned()).as_deref(), Some(name));
        }
    }
}
