//! What the ledger keeps of the board: what changed since it was last asked, and the way back. It knows no format.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Board, Desk, ErrorMemory, Workflow};
use crate::engine::incident::{Incident, Number, State, What, Withheld};
use crate::engine::{Policy, Silence};

/// What changed since the ledger last asked. Keys as [`Stored`] has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Incidents.
    pub incidents: BTreeSet<Number>,
    /// Incidents that left the board: they are over, and only the ledger remembers them.
    pub left: BTreeSet<Number>,
    /// Of these, those that changed before they left.
    pub last_words: Vec<(Number, Incident)>,
    /// Workflows, by workspace and workflow.
    pub workflows: BTreeSet<String>,
    /// Errors, by fingerprint.
    pub errors: BTreeSet<String>,
    /// Desks, by receiver.
    pub desks: BTreeSet<String>,
    /// Silences, by id: made, changed or gone.
    pub silences: BTreeSet<String>,
    /// Silences of the configuration that ended early, by [`Silence::key`].
    pub ended_early: BTreeSet<String>,
    /// Workflows that are expected and were never seen: waited for now, or no longer.
    pub expected_since: BTreeSet<String>,
}

impl Changed {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a board is restored from.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Every incident that was on the board.
    pub incidents: Vec<(Number, Incident)>,
    /// The largest number that was ever given.
    pub last_number: Number,
    /// Workflows.
    pub workflows: Vec<(String, Workflow)>,
    /// Errors.
    pub errors: Vec<(String, ErrorMemory)>,
    /// Desks.
    pub desks: Vec<(String, Desk)>,
    /// Silences made by command.
    pub silences: Vec<Silence>,
    /// Silences of the configuration that ended early.
    pub ended_early: Vec<(String, Timestamp)>,
    /// Since when workflows are waited for that were never seen, by [`Changed::expected_since`].
    pub expected_since: Vec<(String, Timestamp)>,
}

impl Board {
    /// The board as it was stored.
    #[must_use]
    pub fn restore(stored: Stored) -> Self {
        let mut board = Self {
            next: stored.last_number,
            workflows: stored.workflows.into_iter().collect(),
            errors: stored.errors.into_iter().collect(),
            desks: stored.desks.into_iter().collect(),
            silences: stored.silences.into_iter().map(|silence| (silence.id.clone(), silence)).collect(),
            ended_early: stored.ended_early.into_iter().collect(),
            ..Self::default()
        };
        board.watch.since = stored.expected_since.into_iter().collect();
        for (number, incident) in stored.incidents {
            board.next = board.next.max(number);
            board.index(number, &incident);
            // Time is asked about all of them once: what a deadline was under other rules does not count.
            board.set_deadline(number, Some(incident.last_at));
            board.incidents.insert(number, Box::new(incident));
        }
        board
    }

    /// What changed since this was last asked.
    pub fn take_changed(&mut self) -> Changed {
        std::mem::take(&mut self.changed)
    }

    /// Whether anything changed since it was last asked.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The key of a workflow in [`Changed`] and in [`Stored`].
    #[must_use]
    pub fn workflow_key(workspace: &str, workflow: &str) -> String {
        super::joined(&[workspace, workflow])
    }

    /// A workflow by its key in [`Changed`].
    #[must_use]
    pub fn workflow(&self, key: &str) -> Option<&Workflow> {
        self.workflows.get(key)
    }

    /// Every workflow that was seen, by workspace and key.
    pub fn workflows(&self) -> impl Iterator<Item = (&str, &str, &Workflow)> {
        self.workflows.iter().filter_map(|(key, workflow)| {
            let (workspace, key) = key.split_once('\0')?;
            Some((workspace, key, workflow))
        })
    }

    /// An error by its fingerprint.
    #[must_use]
    pub fn error(&self, fingerprint: &str) -> Option<&ErrorMemory> {
        self.errors.get(fingerprint)
    }

    /// A receiver's desk.
    #[must_use]
    pub fn desk(&self, receiver: &str) -> Option<&Desk> {
        self.desks.get(receiver)
    }

    /// A silence that was made by command.
    #[must_use]
    pub fn silence(&self, id: &str) -> Option<&Silence> {
        self.silences.get(id)
    }

    /// When a silence of the configuration ended early, by its [`Silence::key`].
    #[must_use]
    pub fn ended_early(&self, key: &str) -> Option<Timestamp> {
        self.ended_early.get(key).copied()
    }

    /// Puts other rules in force: receivers that are gone hear nothing any more, and what they were not told goes to whom the rules name
    /// now. To be called before anything else under these rules; at a start, after [`Self::note_going`].
    pub fn adopt(&mut self, now: Timestamp, policy: &Policy) {
        self.inhibitors.clear();
        self.risen.clear();
        self.by_service.clear();
        let numbers: Vec<Number> = self.incidents.keys().copied().collect();
        for number in numbers {
            let Some(mut incident) = self.incidents.remove(&number) else {
                continue;
            };
            let moved = self.reroute(now, number, &mut incident, policy);
            if self.wake_lost(number, &mut incident) || moved {
                self.changed.incidents.insert(number);
            }
            self.index_services(number, &incident);
            if incident.is_open() {
                self.rise(number, &incident, policy);
            }
            self.set_deadline(number, Some(incident.last_at));
            self.incidents.insert(number, incident);
        }
        // A silence that ended early and left is to hold the next time.
        let still: BTreeSet<String> = policy.silences.iter().map(Silence::key).collect();
        let gone: Vec<String> = self.ended_early.keys().filter(|key| !still.contains(*key)).cloned().collect();
        for key in gone {
            self.ended_early.remove(&key);
            self.changed.ended_early.insert(key);
        }
        let gone: Vec<String> =
            self.desks.keys().filter(|receiver| !policy.receivers.contains_key(*receiver)).cloned().collect();
        for receiver in gone {
            self.desks.remove(&receiver);
            self.changed.desks.insert(receiver);
        }
        self.adopt_expectations(now, policy);
    }

    /// Lets those hear again that wait for what is not there: what they waited for may be what could not be read.
    fn wake_lost(&self, number: Number, incident: &mut Incident) -> bool {
        let mut woken = false;
        for (receiver, ear) in incident.ears.iter_mut() {
            let under = ear.under.filter(|parent| self.incidents.contains_key(parent));
            let waits = || self.desks.get(receiver).is_some_and(|desk| desk.waits_for(number).is_some());
            let lost = match ear.withheld {
                Some(Withheld::Provider { .. }) => under.is_none(),
                Some(_) => !waits(),
                None => false,
            };
            woken |= lost || ear.under != under;
            ear.under = under;
            if lost {
                ear.withheld = None;
            }
        }
        woken
    }

    /// Forgets workflows and errors that were not seen since `before`. What was missing of them is looked at with the next tick.
    pub fn forget(&mut self, before: Timestamp) {
        self.forget_expectations(before);
        let (workflows, errors) = (&mut self.changed.workflows, &mut self.changed.errors);
        self.workflows.retain(|key, workflow| {
            let keep = workflow.last_at >= before;
            if !keep {
                workflows.insert(key.clone());
            }
            keep
        });
        self.errors.retain(|key, error| {
            let keep = error.last_at >= before;
            if !keep {
                errors.insert(key.clone());
            }
            keep
        });
    }

    /// Finds an incident by what it is: what no rule can change.
    fn index(&mut self, number: Number, incident: &Incident) {
        // An older one of this key only waits for its last word.
        let newest = self.by_key.entry(incident.key.clone()).or_default();
        *newest = number.max(*newest);
        if incident.state == State::Resolved {
            return;
        }
        if let What::Missed { concern, .. } = &incident.what {
            let subject = super::subject::Subject { workspace: incident.workspace.clone(), concern: concern.clone() };
            self.watch.miss(subject, number);
        }
        self.index_places(number, incident);
    }
}
