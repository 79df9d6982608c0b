//! Who is woken after a commit: only a hint to be faster, correctness rests on asking. It knows names and no ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// One bell for each receiver, and one for the holds.
#[derive(Debug, Default)]
pub(super) struct Bells {
    receivers: Mutex<BTreeMap<String, Arc<Notify>>>,
    pub(super) holds: Arc<Notify>,
}

impl Bells {
    pub(super) fn of(&self, receiver: &str) -> Arc<Notify> {
        let mut bells = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(receiver) {
            return Arc::clone(bell);
        }
        Arc::clone(bells.entry(receiver.to_owned()).or_default())
    }

    pub(super) fn ring(&self, receivers: &BTreeSet<String>) {
        if receivers.is_empty() {
            return;
        }
        let bells = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        for bell in receivers.iter().filter_map(|name| bells.get(name)) {
            bell.notify_one();
        }
    }
}

/// What a transaction leads to once it is committed.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Something became due for these.
    pub(super) due: BTreeSet<String>,
    /// A hold got a deadline, or another one.
    pub(super) held: bool,
    /// How many deliveries were given up, by receiver.
    pub(super) given_up: BTreeMap<String, u64>,
}

impl Effects {
    pub(super) fn due(&mut self, receiver: &str) {
        if !self.due.contains(receiver) {
            self.due.insert(receiver.to_owned());
        }
    }

    pub(super) fn given_up(&mut self, receiver: &str) {
        *self.given_up.entry(receiver.to_owned()).or_default() += 1;
    }
}
