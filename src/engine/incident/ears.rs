//! What each receiver has heard of one incident. Most incidents have one or two receivers: a short list, sorted by name, weighs a tenth
//! of a map.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Ear;

/// Ears by receiver, in the order of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ears(Vec<(String, Ear)>);

impl Ears {
    fn find(&self, receiver: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| name.as_str().cmp(receiver))
    }

    /// What `receiver` has heard; none where it is not among those who hear of the incident.
    #[must_use]
    pub fn get(&self, receiver: &str) -> Option<&Ear> {
        self.find(receiver).ok().map(|at| &self.0[at].1)
    }

    pub(in crate::engine) fn get_mut(&mut self, receiver: &str) -> Option<&mut Ear> {
        self.find(receiver).ok().map(|at| &mut self.0[at].1)
    }

    /// What `receiver` has heard; from now on it is among those who hear of the incident.
    pub(in crate::engine) fn of(&mut self, receiver: &str) -> &mut Ear {
        let at = self.find(receiver).unwrap_or_else(|at| {
            self.0.reserve_exact(1);
            self.0.insert(at, (receiver.to_owned(), Ear::default()));
            at
        });
        &mut self.0[at].1
    }

    pub(in crate::engine) fn insert(&mut self, receiver: &str, ear: Ear) {
        *self.of(receiver) = ear;
    }

    pub(in crate::engine) fn remove(&mut self, receiver: &str) -> Option<Ear> {
        self.find(receiver).ok().map(|at| self.0.remove(at).1)
    }

    pub(in crate::engine) fn values_mut(&mut self) -> impl Iterator<Item = &mut Ear> {
        self.0.iter_mut().map(|(_, ear)| ear)
    }

    pub(in crate::engine) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Ear)> {
        self.0.iter_mut().map(|(receiver, ear)| (&*receiver, ear))
    }

    /// The receivers and what they have heard.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Ear)> {
        self.0.iter().map(|(receiver, ear)| (receiver, ear))
    }

    /// The receivers.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(receiver, _)| receiver)
    }

    /// What they have heard.
    pub fn values(&self) -> impl Iterator<Item = &Ear> {
        self.0.iter().map(|(_, ear)| ear)
    }
}

impl<'a> IntoIterator for &'a Ears {
    type Item = (&'a String, &'a Ear);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (String, Ear)>, fn(&'a (String, Ear)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(receiver, ear)| (receiver, ear))
    }
}

impl Serialize for Ears {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Ears {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The map sorts, whatever order it was written in.
        Ok(Self(BTreeMap::deserialize(deserializer)?.into_iter().collect()))
    }
}
