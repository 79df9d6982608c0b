//! The faulty world around the core: reports travel, the process dies, receivers lose answers. The modelled ledger keeps exactly what
//! was committed.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::chance::Chance;
use super::life::{Report, at, key, live};
use crate::engine::rule::Matcher;
use crate::engine::testing::{audience, policy, rule};
use crate::engine::{
    Attempted, Changes, Context, Kind, Known, Next, Outcome, Policy, after_attempt, decide, hold_ended,
};
use crate::triage::Standing;

/// Seconds of a hold in this world.
const HOLD: i64 = 90;

/// What is said: about which run, under which id, of which kind.
type Said = (u64, String, &'static str);

/// How often each thing that a simulation should meet has happened.
#[derive(Default)]
pub(super) struct Counters(BTreeMap<&'static str, u64>);

impl Counters {
    const ALL: [&'static str; 9] = [
        "report repeated",
        "report overtaken",
        "crash before commit",
        "crash after commit",
        "crash after send",
        "answer lost",
        "send refused",
        "still retrying told",
        "recovered in silence",
    ];

    fn hit(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Self::ALL.into_iter().map(|what| (what, self.0.get(what).copied().unwrap_or(0)))
    }
}

/// A delivery in the modelled ledger.
#[derive(Clone)]
struct Row {
    said: Said,
    attempts: u32,
    created: i64,
    next: Option<i64>,
}

pub(super) struct World {
    chance: Chance,
    policy: Policy,
    second: i64,
    /// Reports on their way, by arrival.
    travelling: BTreeMap<(i64, u64), Report>,
    sent: u64,
    /// The modelled ledger.
    runs: BTreeMap<u64, Known>,
    rows: BTreeMap<String, Row>,
    /// What the core was given, in order: the specification reads it.
    given: Vec<(i64, u64, u32, Standing)>,
    /// What receivers took, and how often that was left open.
    pub(super) accepted: BTreeMap<Said, u32>,
    open_answers: BTreeMap<Said, u32>,
    pub(super) counters: Counters,
    pub(super) trace: Vec<String>,
    faults: bool,
}

impl World {
    pub(super) fn new(mut chance: Chance) -> Self {
        let mut all = rule("all", Matcher::default());
        all.hold = Some(SignedDuration::from_secs(HOLD));
        let mut policy = policy(vec![all]);
        policy.receivers.insert("oncall".to_owned(), audience());
        let mut reports: Vec<Report> = (0..2 + chance.below(4)).flat_map(|run| live(run, &mut chance)).collect();
        reports.sort_by_key(|report| (report.second, report.run));
        let mut world = Self {
            chance,
            policy,
            second: 0,
            travelling: BTreeMap::new(),
            sent: 0,
            runs: BTreeMap::new(),
            rows: BTreeMap::new(),
            given: Vec::new(),
            accepted: BTreeMap::new(),
            open_answers: BTreeMap::new(),
            counters: Counters::default(),
            trace: Vec::new(),
            faults: true,
        };
        for report in reports {
            world.dispatch(report);
        }
        world
    }

    /// A report leaves the engine; it may be late, and it may come twice.
    fn dispatch(&mut self, report: Report) {
        let late = self.chance.percent(20);
        let delay = if late { self.chance.below(200) } else { self.chance.below(3) };
        if late {
            self.counters.hit("report overtaken");
        }
        if self.chance.percent(25) {
            self.counters.hit("report repeated");
            let again = Report { second: report.second, run: report.run, observation: report.observation.clone() };
            let later = report.second + i64::try_from(delay + self.chance.below(120)).expect("small");
            self.travel(later, again);
        }
        self.travel(report.second + i64::try_from(delay).expect("small"), report);
    }

    fn travel(&mut self, second: i64, report: Report) {
        self.sent += 1;
        self.travelling.insert((second, self.sent), report);
    }

    /// Plays until nothing travels, then without faults until nothing waits.
    pub(super) fn play(&mut self) {
        while !self.travelling.is_empty() {
            self.tick();
        }
        self.faults = false;
        let end = self.second + 3600;
        while self.second < end {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.second += 1;
        while let Some(entry) = self.travelling.first_entry() {
            if entry.key().0 > self.second {
                break;
            }
            let report = entry.remove();
            self.receive(report);
        }
        self.end_holds();
        self.send_due();
    }

    fn receive(&mut self, report: Report) {
        if self.faults && self.chance.percent(5) {
            // Nothing was written, nothing was acknowledged: the sender comes again.
            self.counters.hit("crash before commit");
            self.travel(self.second + 3, report);
            return;
        }
        let Report { run, observation, second } = report;
        let (attempt, standing) = (observation.attempt.unwrap_or(0), observation.standing);
        self.given.push((self.second, run, attempt, standing));
        let known = self.runs.get(&run).cloned();
        let copy = observation.clone();
        let changes = decide(at(self.second), known, observation, Context::default(), &self.policy);
        self.commit(run, changes, &format!("{standing:?} of attempt {attempt}"));
        if self.faults && self.chance.percent(5) {
            self.counters.hit("crash after commit");
            self.travel(self.second + 3, Report { second, run, observation: copy });
        }
    }

    fn end_holds(&mut self) {
        let now = at(self.second);
        let due: Vec<u64> = self
            .runs
            .iter()
            .filter(|(_, known)| known.hold_until().is_some_and(|until| until <= now))
            .map(|(run, _)| *run)
            .collect();
        for run in due {
            let known = self.runs[&run].clone();
            let changes = hold_ended(now, &key(run), known, None, &self.policy);
            self.commit(run, changes, "end of hold");
        }
    }

    /// One transaction: the memory and the deliveries, or neither.
    fn commit(&mut self, run: u64, changes: Changes, what: &str) {
        self.trace.push(format!("{:>5} run {run}: {what}, {} to say", self.second, changes.told.len()));
        if changes.known.lines.last().is_some_and(|line| line.reason == crate::engine::Reason::Recovered) {
            self.counters.hit("recovered in silence");
        }
        for told in changes.told {
            if told.notification.kind == Kind::StillRetrying {
                self.counters.hit("still retrying told");
            }
            let id = told.notification.id.as_str().to_owned();
            let said = (run, id.clone(), told.notification.kind.as_str());
            // Uniqueness lives in the key, as it does in the real ledger.
            let row = Row { said, attempts: 0, created: self.second, next: Some(self.second) };
            self.rows.entry(id).or_insert(row);
        }
        self.runs.insert(run, changes.known);
    }

    fn send_due(&mut self) {
        let due: Vec<String> = self
            .rows
            .iter()
            .filter(|(_, row)| row.next.is_some_and(|next| next <= self.second))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let mut row = self.rows[&id].clone();
            let fate = if self.faults { self.chance.below(10) } else { 9 };
            let outcome = match fate {
                0 => {
                    self.counters.hit("send refused");
                    Outcome::Refused { permanent: false, reason: "503".to_owned(), retry_after: None }
                }
                1 => {
                    self.counters.hit("answer lost");
                    *self.accepted.entry(row.said.clone()).or_default() += 1;
                    *self.open_answers.entry(row.said.clone()).or_default() += 1;
                    Outcome::Unknown { reason: "reset".to_owned() }
                }
                2 => {
                    // Taken by the receiver, and the process dies before that is on record: it is sent again.
                    self.counters.hit("crash after send");
                    *self.accepted.entry(row.said.clone()).or_default() += 1;
                    *self.open_answers.entry(row.said.clone()).or_default() += 1;
                    continue;
                }
                _ => {
                    *self.accepted.entry(row.said.clone()).or_default() += 1;
                    Outcome::Delivered { receipt: "ok".to_owned(), plain: false }
                }
            };
            row.attempts += 1;
            let attempted = Attempted {
                delivery: 0,
                receiver: "oncall".to_owned(),
                at: at(self.second),
                attempts: row.attempts,
                created_at: at(row.created),
                outcome,
            };
            let seed = self.chance.next();
            row.next = match after_attempt(&attempted, &audience(), None, at(self.second), seed).next {
                Next::RetryAt(then) => Some(then.as_second() - at(0).as_second() + 1),
                Next::Done | Next::GivenUp => None,
            };
            self.rows.insert(id, row);
        }
    }

    /// Compares what was taken with the plain specification of what must be.
    pub(super) fn check(&self) -> Result<(), String> {
        if let Some((id, row)) = self.rows.iter().find(|(_, row)| row.next.is_some()) {
            return Err(format!("{id} ({:?}) still waits although nothing fails any more", row.said));
        }
        if let Some(row) = self.rows.values().find(|row| !self.accepted.contains_key(&row.said)) {
            return Err(format!("{:?} never arrived", row.said));
        }
        let expected = self.expected_failures();
        for run in 0..100 {
            let wanted = expected.get(&run).copied().unwrap_or(0);
            let told = self.accepted.keys().filter(|(of, _, kind)| *of == run && *kind == "failed").count();
            if told != wanted {
                return Err(format!("run {run}: {wanted} failed attempts must be told, {told} were"));
            }
        }
        for (said, count) in &self.accepted {
            let open = self.open_answers.get(said).copied().unwrap_or(0);
            if *count > 1 + open {
                return Err(format!("{said:?} was taken {count} times with {open} open answers"));
            }
            if !self.runs.contains_key(&said.0) {
                return Err(format!("{said:?} is about a run that never was"));
            }
            if said.2 == "still-retrying" && !self.was_held_long_enough(said) {
                return Err(format!("{said:?} was told before any hold of {HOLD} s could end"));
            }
        }
        Ok(())
    }

    /// A failed attempt must be told when nothing of a newer attempt was known at the moment it was first reported.
    fn expected_failures(&self) -> BTreeMap<u64, usize> {
        let mut newest: BTreeMap<u64, u32> = BTreeMap::new();
        let mut told: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for (_, run, attempt, standing) in &self.given {
            let newest = newest.entry(*run).or_default();
            if *attempt >= *newest && *standing == Standing::Failed {
                let told = told.entry(*run).or_default();
                if !told.contains(attempt) {
                    told.push(*attempt);
                }
            }
            *newest = (*newest).max(*attempt);
        }
        told.into_iter().map(|(run, attempts)| (run, attempts.len())).collect()
    }

    /// From the first retry that the core was told of to the word about it, at least the hold went by.
    fn was_held_long_enough(&self, said: &Said) -> bool {
        let retry =
            |(_, run, _, standing): &&(i64, u64, u32, Standing)| *run == said.0 && *standing == Standing::Retrying;
        let first = self.given.iter().find(retry).map(|(second, ..)| *second);
        let told = self.rows.values().find(|row| row.said == *said).map(|row| row.created);
        first.zip(told).is_some_and(|(first, told)| told - first >= HOLD)
    }
}
