//! The true lives of made-up runs: what their engine would report, second by second, if nothing went wrong on the way.

use firstred::triage::Class;

use super::chance::Chance;
use super::spec::{Fault, Name};

/// What a report says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    Retrying(Fault, u32),
    /// It failed, and the engine says that it runs it again.
    Announced(Fault),
    Failed(Fault),
    Completed,
    Cancelled,
    /// It failed, and the engine has started another run in its place.
    Replaced,
}

/// Something that the engine says of a run at a second.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) at: i64,
    pub(super) attempt: u32,
    pub(super) phase: Phase,
    pub(super) started: i64,
    pub(super) ended: Option<i64>,
    /// Steps that ended well, sorted; none where the engine reports no steps.
    pub(super) passed: Option<Vec<Name>>,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) space: Name,
    pub(super) workflow: Name,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    /// The engine counts attempts.
    pub(super) counts: bool,
    /// In their true order.
    pub(super) reports: Vec<Report>,
}

/// Something is broken for a while: whatever runs into it fails.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) space: Name,
    pub(super) workflows: Vec<Name>,
    pub(super) step: Option<Name>,
    pub(super) code: Name,
    pub(super) class: Class,
    pub(super) status: Option<u16>,
    pub(super) provider: Option<Name>,
}

impl Outage {
    fn fault(&self, workflow: Name) -> Fault {
        Fault {
            space: self.space,
            workflow,
            step: self.step,
            code: self.code,
            class: self.class,
            status: self.status,
            provider: self.provider,
        }
    }
}

pub(super) const STEPS: [Name; 4] = ["a-read", "b-call", "c-load", "d-mail"];

/// What a run is to be like.
pub(super) struct Wish<'a> {
    pub(super) space: Name,
    pub(super) workflow: Name,
    pub(super) id: String,
    pub(super) start: i64,
    pub(super) parent: Option<String>,
    pub(super) outages: &'a [Outage],
    /// This engine counts attempts, and reports steps.
    pub(super) counts: bool,
    pub(super) steps: bool,
}

/// Lives a run through.
pub(super) fn live(wish: &Wish<'_>, chance: &mut Chance) -> Life {
    let mut reports: Vec<Report> = Vec::new();
    let mut second = wish.start;
    let mut attempt = 1;
    loop {
        let mut telling = Telling { reports: &mut reports, wish, attempt, started: second, passed: Vec::new() };
        let again = telling.attempt(&mut second, chance);
        if !again || attempt == 4 {
            break;
        }
        second += 20 + pause(chance);
        attempt += 1;
    }
    let (id, parent) = (wish.id.clone(), wish.parent.clone());
    Life { space: wish.space, workflow: wish.workflow, id, parent, counts: wish.counts, reports }
}

struct Telling<'a> {
    reports: &'a mut Vec<Report>,
    wish: &'a Wish<'a>,
    attempt: u32,
    started: i64,
    passed: Vec<Name>,
}

impl Telling<'_> {
    fn say(&mut self, at: i64, phase: Phase) {
        let ended = match phase {
            Phase::Running | Phase::Retrying(..) => None,
            _ => Some(at),
        };
        let passed = self.wish.steps.then(|| self.passed.clone());
        self.reports.push(Report { at, attempt: self.attempt, phase, started: self.started, ended, passed });
    }

    /// One attempt; answers whether there is another.
    fn attempt(&mut self, second: &mut i64, chance: &mut Chance) -> bool {
        self.say(*second, Phase::Running);
        let slow = chance.percent(10);
        // Not every run goes the same way.
        let around = chance.percent(15).then(|| STEPS[index(chance, STEPS.len())]);
        for step in [None].into_iter().chain(STEPS.map(Some)) {
            *second += 5 + small(chance, if slow { 3_000 } else { 90 });
            if step.is_some() && step == around {
                continue;
            }
            let hit = |second: i64| {
                let meets = |outage: &&Outage| {
                    outage.space == self.wish.space
                        && outage.workflows.contains(&self.wish.workflow)
                        && outage.step == step
                        && (outage.from..outage.until).contains(&second)
                };
                self.wish.outages.iter().find(meets).map(|outage| outage.fault(self.wish.workflow))
            };
            let Some(fault) = hit(*second).filter(|_| chance.percent(88)) else {
                self.passed.extend(step);
                if chance.percent(15) {
                    self.say(*second, Phase::Running);
                    *second += 3;
                }
                continue;
            };
            if step.is_some() && chance.percent(35) {
                let mut gone = false;
                for tried in 1..=1 + u32::try_from(chance.below(6)).expect("few") {
                    self.say(*second, Phase::Retrying(fault.clone(), tried));
                    if chance.percent(30) {
                        *second += 4;
                        self.say(*second, Phase::Running);
                    }
                    *second += 20 + small(chance, 500);
                    if hit(*second).is_none() || chance.percent(10) {
                        gone = true;
                        break;
                    }
                }
                if gone {
                    self.passed.extend(step);
                    continue;
                }
            }
            return self.fail(second, fault, chance);
        }
        *second += 5 + small(chance, 60);
        let end = if chance.percent(4) { Phase::Cancelled } else { Phase::Completed };
        self.say(*second, end);
        chance.percent(4)
    }

    fn fail(&mut self, second: &mut i64, fault: Fault, chance: &mut Chance) -> bool {
        match chance.below(20) {
            0 => {
                self.say(*second, Phase::Cancelled);
                chance.percent(20)
            }
            1 | 2 => {
                self.say(*second, Phase::Announced(fault));
                let again = chance.percent(60);
                if !again && chance.percent(50) {
                    *second += 4 + pause(chance);
                    self.say(*second, Phase::Replaced);
                }
                again
            }
            3 => {
                self.say(*second, Phase::Failed(fault));
                *second += 30 + small(chance, 3_000);
                // Completed by hand.
                self.say(*second, Phase::Completed);
                chance.percent(20)
            }
            _ => {
                self.say(*second, Phase::Failed(fault));
                chance.percent(35)
            }
        }
    }
}

/// How long until the next attempt.
fn pause(chance: &mut Chance) -> i64 {
    let longest = if chance.percent(30) { 4_000 } else { 300 };
    small(chance, longest)
}

pub(super) fn small(chance: &mut Chance, below: i64) -> i64 {
    i64::try_from(chance.below(u64::try_from(below.max(1)).expect("positive"))).expect("small")
}

pub(super) fn index(chance: &mut Chance, below: usize) -> usize {
    usize::try_from(chance.below(u64::try_from(below.max(1)).expect("few"))).expect("few")
}
