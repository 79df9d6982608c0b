//! The oracle: plain and slow. From the truth, and from what was committed and when, it says what had to be said. It asks the engine
//! nothing: it reads what the engine wrote down and said, and compares.

mod count;
mod due;
mod end;
mod gates;
mod problem;
mod proof;
mod raise;
mod runs;
mod summary;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use firstred::engine::{Known, Number, State};

use self::problem::Problem;
use self::runs::Seen;
use super::ledger::{Ledger, Turn};
use super::plan::Plan;
use super::settings::SPACES;
use super::sometimes::Sometimes;
use super::spec::{Name, PolicySpec, SilenceSpec};
use super::transaction::{Op, Outcome};

/// What was committed.
pub(super) struct Entry<'a> {
    pub(super) now: i64,
    pub(super) op: &'a Op,
    pub(super) outcome: &'a Outcome,
    pub(super) before: Option<&'a Known>,
    pub(super) turns: &'a [Turn],
}

/// Space, rule and the values that make a problem.
type Key = (Name, Option<Name>, Vec<String>);

pub(super) struct Oracle<'a> {
    plan: &'a Plan,
    policy: &'a PolicySpec,
    runs: BTreeMap<usize, Seen>,
    /// Every report that was taken, by run.
    taken: Vec<(usize, usize)>,
    problems: BTreeMap<Number, Problem>,
    by_id: BTreeMap<String, Number>,
    by_key: BTreeMap<Key, Number>,
    /// By receiver: when it was told something.
    sent: BTreeMap<String, Vec<i64>>,
    /// Since when a receiver's budget is what it is.
    budget_since: BTreeMap<Name, i64>,
    last: i64,
    /// By command; and when they were ended before their time.
    silences: Vec<SilenceSpec>,
    ended: BTreeMap<Name, i64>,
    /// When each error was first met, and how often.
    met_errors: BTreeMap<String, (i64, u32)>,
    /// By space and workflow: how its runs ended.
    outcomes: BTreeMap<(Name, Name), Vec<bool>>,
    clock_went_back: bool,
    clock_was_set: bool,
    /// Which summary was sent of what, in what is being looked at.
    summed: Vec<(firstred::engine::NotificationId, Number)>,
    /// What a failure joined in what is being looked at.
    joined_now: BTreeSet<Number>,
    /// What ends in what is being looked at.
    ending: BTreeSet<Number>,
    /// Whose end is told, and to whom, in what is being looked at.
    told_over: BTreeSet<(Number, String)>,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            policy: &plan.policies[0],
            runs: BTreeMap::new(),
            taken: Vec::new(),
            problems: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_key: BTreeMap::new(),
            sent: BTreeMap::new(),
            budget_since: BTreeMap::new(),
            last: 0,
            silences: Vec::new(),
            ended: BTreeMap::new(),
            met_errors: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            clock_went_back: false,
            clock_was_set: false,
            summed: Vec::new(),
            joined_now: BTreeSet::new(),
            ending: BTreeSet::new(),
            told_over: BTreeSet::new(),
        }
    }

    pub(super) fn reload(&mut self, policy: usize) {
        let old = self.policy;
        self.policy = &self.plan.policies[policy];
        for (name, receiver) in &self.policy.receivers {
            if old.receivers.get(name).is_none_or(|old| old.budget != receiver.budget) {
                self.budget_since.insert(*name, self.last);
            }
        }
        // A silence of that name is another one now.
        let names: BTreeSet<Name> = self.policy.silences.iter().map(|silence| silence.id).collect();
        let same = |id: Name| {
            let of = |policy: &PolicySpec| {
                policy.silences.iter().find(|silence| silence.id == id).map(|s| (s.from, s.until))
            };
            of(old) == of(self.policy)
        };
        self.ended.retain(|id, _| !names.contains(id) || same(id));
        for problem in self.problems.values_mut() {
            let space = problem.space;
            let may_hear = |name: &String, _: &mut problem::Ear| {
                self.policy.receivers.get(name.as_str()).is_some_and(|receiver| receiver.may_see(space))
            };
            problem.ears.retain(may_hear);
            for ear in problem.ears.values_mut() {
                ear.free_since = None;
            }
        }
    }

    pub(super) fn clock(&mut self, by: i64) {
        self.clock_went_back |= by < 0;
        if by < 0 {
            self.sent.clear();
        }
        self.clock_was_set = true;
        let ears = self.problems.values_mut().flat_map(|problem| problem.ears.values_mut());
        ears.for_each(|ear| ear.free_since = None);
    }

    /// Looks at what was committed.
    pub(super) fn see(&mut self, entry: &Entry<'_>, ledger: &Ledger, sometimes: &mut Sometimes) -> Result<(), String> {
        self.last = entry.now;
        self.joined_now.clear();
        let budgets = self.storming();
        self.meet(entry)?;
        self.gather(entry);
        let wants = self.wants(entry)?;
        self.joined(entry, &wants, &budgets, sometimes)?;
        self.command(entry);
        for turn in entry.turns {
            self.turned(entry.now, turn, sometimes)?;
        }
        for told in &entry.outcome.told {
            self.told(entry.now, told, &budgets, sometimes)?;
        }
        for turn in entry.turns {
            self.counted(turn)?;
        }
        self.nothing_is_late(entry.now, sometimes)?;
        self.holds_end(entry.now)?;
        debug_assert!(ledger.incidents.len() <= self.problems.len());
        Ok(())
    }

    /// What summaries were sent, and what ends.
    fn gather(&mut self, entry: &Entry<'_>) {
        self.ending =
            entry.turns.iter().filter(|turn| turn.now.state == State::Resolved).map(|turn| turn.number).collect();
        self.summed.clear();
        let ends = entry.outcome.told.iter().filter(|told| told.notification.kind == firstred::engine::Kind::Resolved);
        self.told_over = ends
            .flat_map(|told| told.receivers.iter().map(|receiver| (told.incident.unwrap_or(0), receiver.clone())))
            .collect();
        for turn in entry.turns.iter().filter(|turn| turn.now.state == State::Resolved) {
            let knows = turn.now.ears.iter().filter(|(_, ear)| ear.knows);
            self.told_over.extend(knows.map(|(receiver, _)| (turn.number, receiver.clone())));
        }
        for told in entry.outcome.told.iter().filter(|told| told.incident.is_none()) {
            let of = |turn: &&Turn| {
                turn.now.lines.iter().any(|line| {
                    matches!(&line.reason, firstred::engine::Reason::SummedUp { notification, .. } if *notification == told.notification.id)
                })
            };
            let members = entry.turns.iter().filter(of).map(|turn| (told.notification.id.clone(), turn.number));
            self.summed.extend(members);
        }
    }

    /// New problems are given their place before anything is said of them.
    fn meet(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        for turn in entry.turns {
            if turn.before.is_none() && !self.problems.contains_key(&turn.number) {
                let space = SPACES.into_iter().find(|space| *space == turn.now.workspace);
                let space = space.ok_or_else(|| format!("a problem of the workspace {:?}", turn.now.workspace))?;
                let rule = self.policy.rules.iter().find(|rule| Some(rule.name) == turn.now.rule.as_deref());
                let problem = Problem::new(entry.now, space, rule, &turn.now);
                self.by_id.insert(problem.id.clone(), turn.number);
                self.problems.insert(turn.number, problem);
            }
        }
        Ok(())
    }

    /// What changed about a problem: its end, its way back, who speaks for it.
    fn turned(&mut self, now: i64, turn: &Turn, sometimes: &mut Sometimes) -> Result<(), String> {
        let was = turn.before.as_ref().map_or(State::Gathering, |incident| incident.state);
        if turn.now.state == State::Resolved
            && turn.before.as_ref().is_none_or(|before| before.state != State::Resolved)
        {
            self.ended(now, turn, was, sometimes)?;
        }
        let may_take_a_member = matches!(turn.now.what, firstred::engine::What::Provider { .. });
        if may_take_a_member && turn.before.is_none() {
            self.service_opened(now, turn, sometimes)?;
        }
        let gathered = turn.before.as_ref().is_none_or(|before| before.state == State::Gathering);
        let first = self.problems.get(&turn.number).and_then(|problem| problem.fails.first());
        let failed = first.is_some_and(|fail| fail.level == firstred::engine::Level::Failed);
        if gathered && failed && turn.now.state == State::Open && !self.met(turn.number, now) {
            return Err(format!("{} speaks before enough failed", turn.number));
        }
        let Some(problem) = self.problems.get_mut(&turn.number) else {
            return Err(format!("a problem {} from nowhere", turn.number));
        };
        problem.take(now, turn);
        if turn.left {
            let beat = self.policy.beat(problem.rule);
            let gone = turn.now.resolution.as_ref().map(|end| end.at.as_second() + beat.reopen_within);
            let gave_up = problem.gave_up;
            if !gave_up && gone.is_none_or(|gone| now < gone) && !problem.replaced(now, beat.reopen_within) {
                return Err(format!("{} left before it could be opened again", problem.id));
            }
        }
        Ok(())
    }

    fn command(&mut self, entry: &Entry<'_>) {
        if !entry.outcome.done {
            return;
        }
        match entry.op {
            Op::Ack(id) => {
                let Some(number) = self.by_id.get(id).copied() else { return };
                let members = self.problems[&number].members.clone();
                for number in members.into_iter().chain([number]) {
                    if let Some(problem) = self.problems.get_mut(&number).filter(|problem| problem.is_going_on()) {
                        problem.acked = true;
                    }
                }
            }
            Op::SilenceOn(spec) => {
                self.ended.remove(spec.id);
                self.silences.retain(|silence| silence.id != spec.id);
                self.silences.push(SilenceSpec { from: Some(entry.now), ..spec.clone() });
            }
            Op::SilenceOff(id) => {
                self.silences.retain(|silence| silence.id != *id);
            }
            _ => {}
        }
    }
}
