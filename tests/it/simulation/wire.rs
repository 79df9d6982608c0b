//! Deliveries in the modelled ledger, the modelled network, and receivers with moods. What follows from an attempt the engine says. What is
//! said of one problem goes to a receiver in the order in which it was said, as the real ledger has it.

use std::collections::BTreeMap;

use firstred::engine::{
    Attempted, Failing, Kind, Manner, Next, Notification, Number, Outcome, Policy, Subject, Told, after_attempt, whom,
    whom_all,
};

use super::chance::Chance;
use super::plan::{Mood, Plan};
use super::spec::Name;
use super::wording::at;

/// One notification to one receiver.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) notification: usize,
    pub(super) receiver: String,
    /// The problem that it is of.
    about: Option<Number>,
    /// It came here for another receiver.
    stands_in: bool,
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

/// What a receiver that keeps state shows of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Open,
    Acknowledged,
    Over,
}

#[derive(Default)]
pub(super) struct Wire {
    /// By receiver and problem.
    shown: BTreeMap<(String, Number), Shown>,
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
                self.deliver(notification, receiver, told.incident, false, now);
            }
        }
    }

    fn deliver(&mut self, notification: usize, receiver: &str, about: Option<Number>, stands_in: bool, now: i64) {
        if self.rows.iter().any(|row| row.notification == notification && row.receiver == receiver) {
            return;
        }
        let (receiver, due) = (receiver.to_owned(), Some(now));
        let (attempts, taken, open_answers) = (0, 0, 0);
        let (created, given_up, asked) = (now, false, 0);
        self.rows.push(Row {
            notification,
            receiver,
            about,
            stands_in,
            attempts,
            created,
            due,
            given_up,
            taken,
            open_answers,
            asked,
        });
    }

    pub(super) fn mood(&mut self, name: Name, mood: Mood, until: i64) {
        self.moods.insert(name, (mood, until));
    }

    /// A start and a reload give every receiver a fresh chance.
    pub(super) fn begin_anew(&mut self) {
        self.failing.clear();
    }

    pub(super) fn next_due(&self) -> Option<i64> {
        (0..self.rows.len()).filter(|row| !self.comes_after_another(*row)).filter_map(|row| self.rows[row].due).min()
    }

    pub(super) fn due(&self, now: i64) -> Option<usize> {
        let is_due = |row: &usize| self.rows[*row].due.is_some_and(|due| due <= now);
        (0..self.rows.len()).filter(is_due).find(|row| !self.comes_after_another(*row))
    }

    /// Whether something that was said earlier of the same problem still waits there.
    fn comes_after_another(&self, row: usize) -> bool {
        let this = &self.rows[row];
        let before = |other: &Row| other.due.is_some() && other.about == this.about && other.receiver == this.receiver;
        this.due.is_some() && this.about.is_some() && self.rows[..row].iter().any(before)
    }

    /// Whether anything waits only because something that was said earlier of the same problem does.
    pub(super) fn waits_in_order(&self, now: i64) -> bool {
        let is_due = |row: &usize| self.rows[*row].due.is_some_and(|due| due <= now);
        (0..self.rows.len()).filter(is_due).any(|row| self.comes_after_another(row))
    }

    /// Something of a problem did not reach this receiver, or came to it for another.
    fn went_astray(&self, receiver: &str, about: Number) -> bool {
        let rows = self.rows.iter().filter(|row| row.receiver == receiver && row.about == Some(about));
        rows.into_iter().any(|row| row.stands_in || row.given_up)
    }

    /// What a receiver that keeps state shows once it took what it is sent. Of others it is kept too: they may be another kind later.
    fn show(&mut self, row: usize, manner: Manner) -> Result<(), String> {
        let row = &self.rows[row];
        let kind = self.said[row.notification].kind;
        let Some(about) = row.about else { return Ok(()) };
        let key = (row.receiver.clone(), about);
        let old = self.shown.get(&key).copied();
        let new = match kind {
            Kind::Resolved => Shown::Over,
            Kind::Acknowledged if old.is_none_or(|old| old == Shown::Over) && !self.went_astray(&key.0, about) => {
                return Err(format!("{} is told that {about} is acknowledged, and shows {old:?}", row.receiver));
            }
            Kind::Acknowledged => Shown::Acknowledged,
            // What is raised again stays acknowledged while it is open.
            _ if manner == Manner::Alert && old == Some(Shown::Acknowledged) => Shown::Acknowledged,
            _ => Shown::Open,
        };
        self.shown.insert(key, new);
        Ok(())
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
        if taken {
            self.show(row, audience.manner)?;
        }
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
            self.deliver(notification, name, self.rows[row].about, true, now);
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
            self.deliver(self.rows[row].notification, &heir, self.rows[row].about, true, now);
        }
    }

    /// Whether all that was said arrived or was given up, and nothing twice but for answers that stayed open.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), String> {
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
        for ((receiver, about), shown) in &self.shown {
            let excused = self.went_astray(receiver, *about) || !is_steady(receiver, plan);
            if *shown != Shown::Over && !excused {
                let rows = self.rows.iter().filter(|row| row.receiver == *receiver && row.about == Some(*about));
                let said: Vec<&str> = rows.map(|row| self.said[row.notification].kind.as_str()).collect();
                return Err(format!("{receiver} shows {about} as {shown:?} for ever: {said:?}"));
            }
        }
        Ok(())
    }
}

/// Whether a receiver keeps state, and is the same under all configurations.
fn is_steady(receiver: &str, plan: &Plan) -> bool {
    let of = |spec: &super::spec::PolicySpec| spec.receivers.get(receiver).map(|spec| (spec.bound, spec.manner));
    plan.policies
        .iter()
        .all(|spec| of(spec).is_some_and(|(_, manner)| manner != Manner::Posts) && of(spec) == of(&plan.policies[0]))
}
