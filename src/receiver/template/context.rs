//! What a template can speak of: the payload that webhooks get, whole, with `null` for what is not there, and the built-in parts of
//! the message. So a mistyped name is a mistake, and a name that only some messages have can be asked for.

use std::sync::LazyLock;

use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json, json};

use crate::engine::Notification;
use crate::receiver::message::Message;
use crate::receiver::payload;

/// Every field that any payload has (docs/templates.md explains them). Labels are the run's own.
const FIELDS: &str = include_str!("fields.json");

static SKELETON: LazyLock<Json> = LazyLock::new(|| serde_json::from_str(FIELDS).unwrap_or_default());

/// The context of `notification`, which is said as `plain` where no template says otherwise.
pub(super) fn of(notification: &Notification, plain: &Message) -> Value {
    let mut whole = payload::value(notification);
    fill(&mut whole, &SKELETON);
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("kind".to_owned(), Json::from(notification.kind.as_str()));
        whole.insert("builtin".to_owned(), builtin(plain));
    }
    Value::from(Serde(whole))
}

/// The parts that templates replace, as they are without one; empty where there is none.
fn builtin(plain: &Message) -> Json {
    json!({
        "state": plain.state,
        "title": plain.title,
        "headline": plain.headline,
        "text": plain.said.as_deref().unwrap_or_default(),
        "advice": plain.advice.as_deref().unwrap_or_default(),
        "footer": plain.footer,
    })
}

/// Gives `value` every field of `skeleton`, with `null` where it has none; in lists, each item.
fn fill(value: &mut Json, skeleton: &Json) {
    match (value, skeleton) {
        (Json::Object(fields), Json::Object(wanted)) => fill_fields(fields, wanted),
        (Json::Array(items), Json::Array(wanted)) => {
            for (item, wanted) in items.iter_mut().zip(wanted.iter().cycle()) {
                fill(item, wanted);
            }
        }
        _ => {}
    }
}

fn fill_fields(fields: &mut Map<String, Json>, wanted: &Map<String, Json>) {
    for (name, inner) in wanted {
        match fields.get_mut(name) {
            Some(value) => fill(value, inner),
            None => {
                fields.insert(name.clone(), Json::Null);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::message::Budget;
    use crate::receiver::samples;

    /// Adds the fields of `value` to `skeleton`.
    fn learn(skeleton: &mut Json, value: &Json, name: &str) {
        match value {
            // The names of labels are the run's own.
            Json::Object(_) if name == "labels" => {}
            Json::Object(fields) => {
                if !skeleton.is_object() {
                    *skeleton = json!({});
                }
                for (name, value) in fields {
                    learn(&mut skeleton[name], value, name);
                }
            }
            Json::Array(items) if items.iter().any(Json::is_object) => {
                let mut item = skeleton.get_mut(0).map(Json::take).unwrap_or_default();
                for value in items {
                    learn(&mut item, value, "");
                }
                *skeleton = json!([item]);
            }
            _ => {}
        }
    }

    #[test]
    fn the_list_of_fields_has_all_that_any_message_has_and_nothing_else() {
        let mut learned = json!({});
        for (_, notification) in samples::all() {
            learn(&mut learned, &payload::value(&notification), "");
        }
        let known: Json = serde_json::from_str(FIELDS).expect("JSON");
        let pretty = serde_json::to_string_pretty(&learned).expect("JSON");
        assert_eq!(known, learned, "src/receiver/template/fields.json should be:\n{pretty}");
    }

    #[test]
    fn what_one_message_has_can_be_asked_of_every_other() {
        for (name, notification) in samples::all() {
            let context = of(&notification, &Message::new(&notification, Budget::FULL));
            for field in ["workflow", "error", "incident", "trouble", "summary", "missed"] {
                let value = context.get_attr("data").and_then(|data| data.get_attr(field)).expect("an attribute");
                assert!(!value.is_undefined(), "{name}: {field}");
            }
        }
    }
}
