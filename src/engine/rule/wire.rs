//! Matchers as JSON: a pattern is its text, a status a number or `"5xx"`, and one of several needs no list, as in the configuration.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{Pattern, StatusPattern};

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Pattern;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a `*` glob or a `/regular expression/`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pattern, E> {
                Pattern::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl Serialize for StatusPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exact(status) => serializer.serialize_u16(*status),
            Self::Hundred(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Status;
        impl Visitor<'_> for Status {
            type Value = StatusPattern;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an HTTP status: 401, \"4xx\" or \"5xx\"")
            }

            fn visit_u64<E: de::Error>(self, status: u64) -> Result<StatusPattern, E> {
                self.visit_str(&status.to_string())
            }

            fn visit_i64<E: de::Error>(self, status: i64) -> Result<StatusPattern, E> {
                self.visit_str(&status.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<StatusPattern, E> {
                StatusPattern::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Status)
    }
}

/// One value, or a list of them. By hand and not `untagged`, which would forget what was wrong.
struct OneOrMany<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list of them")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Vec<T>, E> {
                T::deserialize(number.into_deserializer()).map(|one| vec![one])
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                T::deserialize(text.into_deserializer()).map(|one| vec![one])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = items.next_element()? {
                    values.push(value);
                }
                if values.is_empty() {
                    return Err(de::Error::custom("the list is empty: name at least one, or leave the key out"));
                }
                Ok(values)
            }
        }
        deserializer.deserialize_any(Values(PhantomData)).map(Self)
    }
}

/// The same on the way out: without a list where it has one item.
struct Short<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for Short<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

/// A list that is written without brackets where it has one item.
pub(super) mod one_or_many {
    use super::{Deserialize, Deserializer, OneOrMany, Serialize, Serializer, Short};

    pub(in crate::engine::rule) fn serialize<T: Serialize, S: Serializer>(
        list: &[T],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        Short(list).serialize(to)
    }

    pub(in crate::engine::rule) fn deserialize<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        OneOrMany::deserialize(from).map(|values| values.0)
    }
}

/// The same for each label.
pub(super) mod labels {
    use std::collections::BTreeMap;

    use super::{Deserialize, Deserializer, OneOrMany, Pattern, Serializer, Short};

    type Labels = BTreeMap<String, Vec<Pattern>>;

    pub(in crate::engine::rule) fn serialize<S: Serializer>(labels: &Labels, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(labels.iter().map(|(name, patterns)| (name, Short(patterns))))
    }

    pub(in crate::engine::rule) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
        let labels = BTreeMap::<String, OneOrMany<Pattern>>::deserialize(from)?;
        Ok(labels.into_iter().map(|(name, patterns)| (name, patterns.0)).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use crate::engine::Matcher;

    fn same(matcher: &Matcher) -> Matcher {
        serde_json::from_str(&serde_json::to_string(matcher).expect("JSON")).expect("it was written by us")
    }

    #[test]
    fn a_matcher_is_written_as_the_configuration_writes_it() {
        let written = json!({
            "source": "prod", "workflow": ["nightly-*", "/^etl-\\d+$/"], "class": "transient", "status": [401, "5xx"],
            "retryable": false, "labels": { "env": "prod", "team": ["a", "b*"] },
        });
        let matcher: Matcher = serde_json::from_value(written.clone()).expect("a matcher");
        assert_eq!(serde_json::to_value(&matcher).expect("JSON"), written);
        assert_eq!(same(&matcher), matcher);
        assert_eq!(serde_json::to_value(Matcher::default()).expect("JSON"), json!({}));
    }

    #[test]
    fn what_can_not_be_matched_is_refused_and_so_is_an_unknown_key() {
        for wrong in [
            json!({ "workflow": "/(/" }),
            json!({ "workflow": "" }),
            json!({ "workflow": [] }),
            json!({ "status": 99 }),
            json!({ "status": "x" }),
            json!({ "class": "transiant" }),
            json!({ "wrokflow": "x" }),
            json!({ "labels": { "env": [] } }),
            json!({ "retryable": "no" }),
        ] {
            assert!(serde_json::from_value::<Matcher>(wrong.clone()).is_err(), "{wrong}");
        }
        let said = serde_json::from_str::<Matcher>(r#"{ "status": ["9xx"] }"#).expect_err("no status").to_string();
        assert!(said.contains("`9xx` is no HTTP status"), "{said}");
    }

    proptest! {
        #[test]
        fn any_pattern_round_trips(texts in prop::collection::vec("[ -~é]{1,12}", 1..4)) {
            let pairs: Vec<String> = texts.iter().map(|text| format!("workflow={text}")).collect();
            if let Ok(matcher) = Matcher::parse(&pairs) {
                prop_assert_eq!(same(&matcher), matcher);
            }
        }
    }
}
