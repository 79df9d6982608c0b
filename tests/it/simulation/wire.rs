//! Deliveries in the modelled ledger, the modelled network, and receivers with moods. What follows from an attempt the engine says.

use std::collections::BTreeMap;

use firstred::engine::{
    Attempted, Failing, Next, Notification, Outcome, Policy, Subject, Told, after_attempt, whom, whom_all,
};

use super::chance::Chance;
use super::plan::Mood;
use super::spec::Name;
use super::wording::at;

/// One notification to one receiver.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) notification: usize,
    pub(super) receiver: String,
    attempts: u32,
    created: i64,
    pub(super) due: Option<i64>,
    pub(super) given_up: bool,
    /// What the receiver took, and how many answers stayed open.
    pub(super) taken: u32,
    pub(super) open_answers: u32,
    /// Not before then: the receiver asked for it.
    asked: i64,
}

#[derive(Default)]
pub(super) struct Wire {
    pub(super) said: Vec<Notification>,
    by_id: BTreeMap<String, usize>,
    pub(super) rows: Vec<Row>,
    failing: BTreeMap<String, Failing>,
    moods: BTreeMap<Name, (Mood, i64)>,
}

impl Wire {
    /// One delivery for each receiver, each once: uniqueness lives in the key, as it does in the real ledger.
    pub(super) fn put(&mut self, told: &[Told], now: i64) {
        for told in told {
            let next = self.said.len();
            let id = told.notification.id.as_str().to_owned();
            let notification = *self.by_id.entry(id).or_insert(next);
            if notification == next {
                self.said.push(told.notification.clone());
            }
            for receiver in &told.receivers {
                self.deliver(notification, receiver, now);
            }
        }
    }

    fn deliver(&mut self, notification: usize, receiver: &str, now: i64) {
        if self.rows.iter().any(|row| row.notification == notification && row.receiver == receiver) {
            return;
        }
        let (receiver, due) = (receiver.to_owned(), Some(now));
        let (attempts, taken, open_answers) = (0, 0, 0);
        let row =
            Row { notification, receiver, attempts, created: now, due, given_up: false, taken, open_answers, asked: 0 };
        self.rows.push(row);
    }

    pub(super) fn mood(&mut self, name: Name, mood: Mood, until: i64) {
        self.moods.insert(name, (mood, until));
    }

    /// A start and a reload give every receiver a fresh chance.
    pub(super) fn begin_anew(&mut self) {
        self.failing.clear();
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        self.rows.iter().filter_map(|row| row.due).min()
    }

    pub(super) fn due(&self, now: i64) -> Option<usize> {
        self.rows.iter().position(|row| row.due.is_some_and(|due| due <= now))
    }

    /// Sends one; `dies`: firstred dies with the request on the wire. Answers what happened.
    pub(super) fn send(
        &mut self,
        row: usize,
        (true_now, now): (i64, i64),
        policy: &Policy,
        dies: bool,
        chance: &mut Chance,
    ) -> Result<&'static str, String> {
        let receiver = self.rows[row].receiver.clone();
        let Some(audience) = policy.receivers.get(&receiver) else {
            self.hand_on(row, now, policy);
            return Ok("handed on");
        };
        if now < self.rows[row].asked {
            return Err(format!("{receiver} is sent to {}s before it asked for", self.rows[row].asked - now));
        }
        let mood = self.moods.iter().find(|(name, _)| **name == receiver).map(|(_, mood)| *mood);
        let mood = mood.filter(|(_, until)| true_now < *until).map(|(mood, _)| mood);
        let no = |permanent, retry_after| Outcome::Refused { permanent, reason: "no".to_owned(), retry_after };
        let open = || Outcome::Unknown { reason: "no answer".to_owned() };
        let (taken, outcome, what) = match mood {
            None => (true, Outcome::delivered("ok"), "delivered"),
            Some(Mood::Busy) => (false, no(false, None), "refused for now"),
            Some(Mood::Later(seconds)) => (false, no(false, Some(seconds)), "asked to come later"),
            Some(Mood::LosesAnswers) => (true, open(), "answer lost"),
            Some(Mood::Stalls) => (false, open(), "stalled"),
            Some(Mood::RefusesForGood) => (false, no(true, None), "refused for good"),
        };
        let entry = &mut self.rows[row];
        entry.taken += u32::from(taken);
        if dies || matches!(outcome, Outcome::Unknown { .. }) {
            entry.open_answers += u32::from(taken);
        }
        if dies {
            return Ok("died on the wire");
        }
        entry.attempts += 1;
        let (attempts, created_at) = (entry.attempts, at(entry.created));
        let delivery = i64::try_from(row).expect("few");
        let attempt = Attempted { delivery, receiver: receiver.clone(), at: at(now), attempts, created_at, outcome };
        let failing = self.failing.get(&receiver).copied().unwrap_or_default();
        let verdict = after_attempt(&attempt, audience, failing.since, at(now), chance.next());
        self.failing.insert(receiver.clone(), failing.after(&attempt.outcome, at(now)));
        let entry = &mut self.rows[row];
        match verdict.next {
            Next::Done => entry.due = None,
            Next::RetryAt(due) => {
                // To the second, upwards.
                let due = due.as_second() + i64::from(due.subsec_nanosecond() > 0);
                if due <= now {
                    return Err(format!("{receiver} is tried again at once"));
                }
                entry.due = Some(due);
                if let Outcome::Refused { retry_after: Some(asked), .. } = attempt.outcome {
                    entry.asked = now + asked.min(600);
                }
            }
            Next::GivenUp => {
                let permanent = matches!(attempt.outcome, Outcome::Refused { permanent: true, .. });
                let patience = audience.patience.give_up_after.as_secs();
                // The next try would come after it.
                if !permanent && now - entry.created < patience - 601 {
                    return Err(format!("{receiver}: given up after {}s", now - entry.created));
                }
                entry.due = None;
                entry.given_up = true;
                return Ok(if self.fall_back(row, now, policy) { "fallback used" } else { "given up" });
            }
        }
        Ok(what)
    }

    fn fall_back(&mut self, row: usize, now: i64, policy: &Policy) -> bool {
        let (notification, receiver) = (self.rows[row].notification, self.rows[row].receiver.clone());
        let fallback = policy.receivers.get(&receiver).and_then(|audience| audience.fallback.clone());
        let Some((name, audience)) = fallback.and_then(|name| policy.receivers.get_key_value(&name)) else {
            return false;
        };
        let may_see = match &self.said[notification].subject {
            Subject::Run(card) => audience.may_see(&card.run.workspace),
            Subject::Summary(summary) => summary.workspaces.iter().all(|space| audience.may_see(space)),
            Subject::Own(_) | Subject::Daily(_) => false,
        };
        if may_see {
            self.deliver(notification, name, now);
        }
        may_see
    }

    /// What waits for a receiver that is gone goes to whom the rules name now.
    fn hand_on(&mut self, row: usize, now: i64, policy: &Policy) {
        let heirs = match &self.said[self.rows[row].notification].subject {
            Subject::Run(card) => whom(card, policy),
            Subject::Summary(summary) => whom_all(summary, policy),
            Subject::Own(_) | Subject::Daily(_) => Vec::new(),
        };
        self.rows[row].due = None;
        self.rows[row].given_up = true;
        for heir in heirs {
            self.deliver(self.rows[row].notification, &heir, now);
        }
    }

    /// Whether all that was said arrived or was given up, and nothing twice but for answers that stayed open.
    pub(super) fn check(&self) -> Result<(), String> {
        for row in &self.rows {
            let kind = self.said[row.notification].kind.as_str();
            if row.due.is_some() {
                return Err(format!("a {kind} to {} never ends", row.receiver));
            }
            if !row.given_up && row.taken == 0 {
                return Err(format!("a {kind} to {} is lost", row.receiver));
            }
            if row.taken > 1 + row.open_answers {
                return Err(format!("a {kind} to {} arrived {} times", row.receiver, row.taken));
            }
        }
        Ok(())
    }
}
