//! What other rules would have said: the journal's inputs go through the engine again, and time passes between them as it did, with a look
//! at every deadline. The memories of the runs are kept here, as the ledger keeps them.

mod alarm;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

pub use alarm::Alarm;

use super::incident::{Number, What};
use super::{
    Board, Changed, Changes, Context, Incident, Input, Known, MOST_REPLAYED, Notification, NotificationId, Policy,
    Reason, Told,
};
use crate::run::RunKey;
use crate::triage::{Observation, Standing};

/// A daemon looks at a deadline at most this much later. Where the journal has a look so soon behind one, it was for that.
const LOOKS_WITHIN: SignedDuration = SignedDuration::from_secs(20);
/// More looks at one moment than this lead nowhere.
const MOST_LOOKS: usize = 10_000;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// What, and to whom.
    pub notification: Notification,
    /// To whom.
    pub receivers: Vec<String>,
    /// The incidents that it speaks of: its own, those that a service's trouble stands for, those that a summary counts.
    pub covers: Vec<Number>,
}

/// What came of an input, or of the time before it, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something failed.
    Alarm(Box<Alarm>),
    /// Something was said.
    Said(Box<Said>),
}

/// The engine under some rules, fed from a journal.
#[derive(Debug)]
pub struct Replay<'a> {
    policy: &'a Policy,
    /// When the daemon looked and found something to do, ascending.
    looks: &'a [Timestamp],
    board: Board,
    runs: BTreeMap<RunKey, Known>,
    /// By workspace and the engine's id.
    by_id: BTreeMap<(String, String), BTreeSet<RunKey>>,
    holds: BTreeSet<(Timestamp, RunKey)>,
    now: Option<Timestamp>,
    events: Vec<Event>,
}

impl<'a> Replay<'a> {
    /// The engine under these rules, with nothing known. `looks`: the times of every [`Input::Looked`] of the journal, ascending.
    #[must_use]
    pub fn new(policy: &'a Policy, looks: &'a [Timestamp]) -> Self {
        Self {
            policy,
            looks,
            board: Board::default(),
            runs: BTreeMap::new(),
            by_id: BTreeMap::new(),
            holds: BTreeSet::new(),
            now: None,
            events: Vec::new(),
        }
    }

    /// The next input. Answers what came of the time before it, and of itself.
    pub fn put(&mut self, input: Input) -> Vec<Event> {
        self.pass_until(input.at());
        let now = self.now.unwrap_or_else(|| input.at());
        match input {
            Input::Observed { history, parent_open, observation, .. } => {
                self.observe(now, *observation, history, parent_open);
            }
            Input::Forgotten { key, .. } => self.forget(now, &key),
            Input::Acknowledged { incident, by, .. } => {
                // Under other rules there may be no such incident: then there was nothing to acknowledge.
                let _ = self.board.acknowledge(now, incident.as_str(), &by);
                self.tick(now);
            }
            Input::Silenced { silence, .. } => {
                let _ = self.board.silence_on(now, silence);
                self.tick(now);
            }
            Input::Unsilenced { id, .. } => {
                let _ = self.board.silence_off(now, &id);
                self.tick(now);
            }
            Input::Read { source, began, .. } => {
                if self.board.read_at(&source, began) {
                    self.tick(now);
                }
            }
            Input::Looked { .. } => self.look(now),
        }
        std::mem::take(&mut self.events)
    }

    /// No input comes any more: time passes until `until`.
    pub fn end(&mut self, until: Timestamp) -> Vec<Event> {
        self.pass_until(until);
        std::mem::take(&mut self.events)
    }

    /// The incidents that somebody is not told of yet, and is going to be once what they wait for is over.
    #[must_use]
    pub fn waiting(&self) -> BTreeSet<Number> {
        self.board.pending().into_iter().map(|pending| pending.number).collect()
    }

    /// Whether a run's last failure still waits for its parent, or a retry for its end.
    #[must_use]
    pub fn is_held(&self, run: &RunKey) -> bool {
        self.runs.get(run).is_some_and(|known| known.hold_until().is_some())
    }

    fn pass_until(&mut self, until: Timestamp) {
        let Some(now) = self.now else {
            self.board.adopt(until, self.policy);
            self.now = Some(until);
            return;
        };
        let (mut at, mut looks) = (now, 0);
        while let Some(next) = self.next_deadline(at).filter(|next| *next < until) {
            // The journal says when it was looked at; it stands there among the inputs in its place.
            if self.will_be_looked_at(next, until) {
                break;
            }
            looks = if next > at { 0 } else { looks + 1 };
            at = at.max(next);
            self.look(at);
            if looks > MOST_LOOKS {
                break;
            }
        }
        // A clock that was set back is the daemon's, and the engine was given its times.
        self.now = Some(until);
    }

    fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let hold = self.holds.first().map(|(until, _)| *until);
        hold.into_iter().chain(self.board.next_deadline(now, self.policy)).min()
    }

    /// Whether the journal has a look for this deadline, and it is still to come.
    fn will_be_looked_at(&self, deadline: Timestamp, until: Timestamp) -> bool {
        let first = self.looks.partition_point(|look| *look < deadline);
        let for_it = |look: &Timestamp| look.duration_since(deadline) <= LOOKS_WITHIN;
        self.looks
            .get(first)
            .filter(|look| for_it(look))
            .is_some_and(|look| until.duration_since(*look) <= LOOKS_WITHIN)
    }

    /// Holds that are due end, then the board does what is due.
    fn look(&mut self, now: Timestamp) {
        while let Some((until, key)) = self.holds.first().filter(|(until, _)| *until <= now).cloned() {
            self.holds.remove(&(until, key.clone()));
            let Some(known) = self.runs.remove(&key) else {
                continue;
            };
            let parent = known.parent.as_ref().and_then(|parent| self.by_id(&key.workspace, parent));
            let parent = parent.and_then(|parent| self.runs.get(parent)).map(|parent| parent.standing);
            let before = known.clone();
            let changes = self.board.hold_ended(now, &key, known, parent, self.policy);
            self.take(now, &key, Some(&before), changes, false);
        }
        self.tick(now);
    }

    fn tick(&mut self, now: Timestamp) {
        let told = self.board.tick(now, self.policy);
        self.hear(now, told);
    }

    fn observe(&mut self, now: Timestamp, seen: Observation, history: bool, parent_open: bool) {
        let key = seen.key.clone();
        let replayed = self.replayed(&seen);
        let known = self.runs.remove(&key);
        let before = known.clone();
        let context = Context { history, parent_open, replayed };
        let changes = self.board.observe(now, known, seen, context, self.policy);
        self.take(now, &key, before.as_ref(), changes, history);
    }

    fn forget(&mut self, now: Timestamp, key: &RunKey) {
        let Some(known) = self.runs.remove(key) else {
            return;
        };
        let before = known.clone();
        let changes = self.board.forget_run(now, key, known, self.policy);
        self.take(now, key, Some(&before), changes, false);
    }

    fn take(&mut self, now: Timestamp, key: &RunKey, before: Option<&Known>, changes: Changes, history: bool) {
        let Changes { known, told, also, .. } = changes;
        let (old, new) = (before.and_then(Known::hold_until), known.hold_until());
        if old != new {
            if let Some(old) = old {
                self.holds.remove(&(old, key.clone()));
            }
            self.holds.extend(new.map(|until| (until, key.clone())));
        } else if let Some(until) = new {
            // What was due and has not ended is not asked for again at once.
            if until > now {
                self.holds.insert((until, key.clone()));
            }
        }
        let joined = |number: Number| self.board.incident(number).is_some_and(|incident| incident.last_at == now);
        if !history && let Some(alarm) = Alarm::of(now, key, before, &known, joined) {
            self.events.push(Event::Alarm(Box::new(alarm)));
        }
        if before.is_none() {
            let id = (key.workspace.clone(), key.run.clone());
            self.by_id.entry(id).or_default().insert(key.clone());
        }
        self.runs.insert(key.clone(), known);
        self.runs.extend(also);
        self.hear(now, told);
    }

    fn hear(&mut self, now: Timestamp, told: Vec<Told>) {
        let changed = self.board.take_changed();
        for Told { notification, receivers, incident } in told {
            let covers = match incident {
                Some(number) => self.stands_for(number),
                None => self.summed_up(now, &changed, &notification.id),
            };
            let said = Said { at: now, notification, receivers, covers };
            self.events.push(Event::Said(Box::new(said)));
        }
    }

    /// The incidents that a summary counts.
    fn summed_up(&self, now: Timestamp, changed: &Changed, summary: &NotificationId) -> Vec<Number> {
        let counts =
            |incident: &Incident| {
                incident.lines.iter().rev().take_while(|line| line.at == now).any(
                    |line| matches!(&line.reason, Reason::SummedUp { notification, .. } if notification == summary),
                )
            };
        let here = changed.incidents.iter().filter_map(|number| Some((*number, self.board.incident(*number)?)));
        let left = changed.last_words.iter().map(|(number, incident)| (*number, incident));
        let counted = here.chain(left).filter(|(_, incident)| counts(incident));
        let counted: BTreeSet<Number> = counted.flat_map(|(number, _)| self.stands_for(number)).collect();
        counted.into_iter().collect()
    }

    /// An incident, and those that it speaks for.
    fn stands_for(&self, number: Number) -> Vec<Number> {
        let mut covers = vec![number];
        if let Some(What::Provider { members, .. }) = self.board.incident(number).map(|incident| &incident.what) {
            covers.extend(members);
        }
        covers
    }

    /// The runs that `seen` repeats, as the ledger looks them up.
    fn replayed(&self, seen: &Observation) -> Vec<(RunKey, Known)> {
        let mut replayed: Vec<(RunKey, Known)> = Vec::new();
        let mut next = seen.replay_of.clone().filter(|_| seen.standing == Standing::Completed);
        while let Some(run) = next.take() {
            let is_known = run == seen.key.run || replayed.iter().any(|(key, _)| key.run == run);
            let same = RunKey { run: run.clone(), ..seen.key.clone() };
            let key = if self.runs.contains_key(&same) { Some(&same) } else { self.by_id(&seen.key.workspace, &run) };
            let found = key.and_then(|key| self.runs.get_key_value(key));
            let Some((key, known)) = found.filter(|_| !is_known && replayed.len() < MOST_REPLAYED) else {
                break;
            };
            next.clone_from(&known.replay_of);
            replayed.push((key.clone(), known.clone()));
        }
        replayed
    }

    fn by_id(&self, workspace: &str, run: &str) -> Option<&RunKey> {
        self.by_id.get(&(workspace.to_owned(), run.to_owned())).and_then(BTreeSet::first)
    }
}

#[cfg(test)]
pub(super) mod tests;
