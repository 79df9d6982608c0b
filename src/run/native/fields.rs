//! How single fields of the native JSON are read: strict about what identifies a run, patient with the rest, since one odd
//! number must not lose a failure. It must not know which struct a field belongs to.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// The longest id, in bytes: it becomes part of keys.
pub(in crate::run) const ID_CAP: usize = 512;

/// An id that must be there.
pub(in crate::run) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let Scalar(text) = Scalar::deserialize(deserializer)?;
    check_id(text)?.ok_or_else(|| Error::custom("must not be empty"))
}

/// An id that may be absent, `null` or empty.
pub(in crate::run) fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Option::<Scalar>::deserialize(deserializer)? {
        Some(Scalar(text)) => check_id(text),
        None => Ok(None),
    }
}

fn check_id<E: Error>(text: String) -> Result<Option<String>, E> {
    if text.len() > ID_CAP {
        return Err(E::custom(format_args!("an id of {} bytes: at most {ID_CAP} are allowed", text.len())));
    }
    Ok((!text.trim().is_empty()).then(|| without_nul(text)))
}

/// U+FFFD for NUL: databases refuse NUL in texts, and one such key would block everything behind it.
pub(in crate::run) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// A text that may be a number or a boolean.
pub(in crate::run) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Scalar>::deserialize(deserializer)?.map(|Scalar(text)| text))
}

/// `null` is the same as absent.
pub(in crate::run) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A count. What is no count (a fraction, a negative number, one beyond 32 bits) is absent.
pub(in crate::run) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::<Number>::deserialize(deserializer)?.and_then(|Number(number)| number))
}

/// A count from 1: 0 means that the engine does not count.
pub(in crate::run) fn ordinal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(count(deserializer)?.filter(|number| *number > 0))
}

/// A count that is 0 where it is no count.
pub(in crate::run) fn count_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(count(deserializer)?.unwrap_or(0))
}

/// Labels: scalars become their text, `null` is no label, a name given twice is refused as any other key is.
pub(in crate::run) fn labels<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(Option::<Labels>::deserialize(deserializer)?.map(|Labels(labels)| labels).unwrap_or_default())
}

struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
}

struct Number(Option<u32>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(u32::try_from(number).ok()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number(u32::try_from(number).ok()))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        Ok(Number(whole.then_some(number as u32)))
    }
}

struct Labels(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if labels.contains_key(&name) {
                return Err(Error::custom(format_args!("duplicate label `{name}`")));
            }
            if let Some(Scalar(text)) = map.next_value()? {
                labels.insert(name, text);
            }
        }
        Ok(Labels(labels))
    }
}
