//! The world around the core: an event queue in virtual time. Reports travel, clocks jump, firstred dies between any two effects.

use std::fmt::Write as _;

use firstred::engine::{Board, Known, Policy, Reason};

use super::chance::Chance;
use super::ledger::Ledger;
use super::oracle::{Entry, Oracle};
use super::plan::{Action, Plan, Point, What};
use super::sometimes::Sometimes;
use super::transaction::{Op, Outcome, perform, twins};
use super::wire::Wire;
use super::wording::{at, policy};

/// How long the world goes on at most after the last fault: more than any problem may take to end.
const CALM: i64 = 3 * 86_400;

pub(super) struct World<'a> {
    plan: &'a Plan,
    policies: Vec<Policy>,
    current: usize,
    chance: Chance,
    time: i64,
    skew: i64,
    board: Board,
    twin: Option<Board>,
    ledger: Ledger,
    wire: Wire,
    oracle: Oracle<'a>,
    went_back: bool,
    crash: Option<Point>,
    /// What has to be done again since nobody was answered.
    again: Vec<(i64, What)>,
    pub(super) sometimes: Sometimes,
    pub(super) events: u64,
    pub(super) trace: Option<String>,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Plan, traced: bool) -> Self {
        let policies: Vec<Policy> = plan.policies.iter().map(policy).collect();
        let mut board = Board::default();
        board.adopt(at(super::plan::START), &policies[0]);
        Self {
            policies,
            current: 0,
            chance: Chance::new(plan.seed ^ 0x5EED),
            time: super::plan::START - 1,
            skew: 0,
            board,
            twin: None,
            ledger: Ledger::default(),
            wire: Wire::default(),
            oracle: Oracle::new(plan),
            went_back: false,
            crash: None,
            again: Vec::new(),
            sometimes: Sometimes::default(),
            events: 0,
            trace: traced.then(String::new),
            plan,
        }
    }

    fn now(&self) -> i64 {
        self.time + self.skew
    }

    /// Plays the plan to its end, and then without faults until nothing is left to do.
    pub(super) fn play(&mut self) -> Result<(), String> {
        let mut actions = self.plan.actions.iter().peekable();
        let mut calm = false;
        loop {
            let planned = actions.peek().map(|action| action.at);
            let again = self.again.iter().map(|(at, _)| *at).min();
            let mut next = [planned, again, self.next_own()].into_iter().flatten().min();
            if !calm && next.is_none_or(|next| next >= self.plan.calm_from) {
                next = Some(self.plan.calm_from);
            }
            let Some(next) = next else { break };
            if next > self.plan.calm_from + CALM {
                return Err(format!("something is still due {}s after the last fault", next - self.plan.calm_from));
            }
            self.time = self.time.max(next);
            if !calm && self.time >= self.plan.calm_from {
                calm = true;
                self.crash = None;
            }
            if let Some(action) = actions.next_if(|action| action.at <= self.time) {
                self.act(action)?;
            } else if let Some(index) = self.again.iter().position(|(at, _)| *at <= self.time) {
                let (at, what) = self.again.remove(index);
                self.act(&Action { at, what })?;
            } else {
                self.own()?;
            }
        }
        self.wire.check(self.plan)?;
        self.oracle.end(&self.ledger, &mut self.sometimes)
    }

    /// When firstred itself has something to do, in true time.
    fn next_own(&self) -> Option<i64> {
        let policy = &self.policies[self.current];
        let up = |at: jiff::Timestamp| at.as_second() + i64::from(at.subsec_nanosecond() > 0);
        let board = |board: &Board| board.next_deadline(at(self.now()), policy).map(up);
        let holds = self.ledger.runs.values().filter_map(firstred::engine::Known::hold_until).min().map(up);
        let twin = self.twin.as_ref().and_then(board);
        let first = [board(&self.board), twin, holds, self.wire.next_due()].into_iter().flatten().min()?;
        Some((first - self.skew).max(self.time))
    }

    /// Does what is due by itself.
    fn own(&mut self) -> Result<(), String> {
        let now = self.now();
        let due = |(_, known): &(&usize, &Known)| known.hold_until().is_some_and(|until| until <= at(now));
        if let Some((run, _)) = self.ledger.runs.iter().find(due) {
            let run = *run;
            return self.transact(&Op::HoldEnd(run)).map(drop);
        }
        let mut rounds = 0;
        while self.is_due(now) {
            self.transact(&Op::Tick)?;
            rounds += 1;
            if rounds > 12 {
                return Err("the board asks for time for ever".to_owned());
            }
        }
        while let Some(row) = self.wire.due(now) {
            self.events += 1;
            if self.wire.waits_in_order(now) {
                self.sometimes.hit("waited for its turn");
            }
            let dies = self.crash == Some(Point::OnTheWire);
            let policy = &self.policies[self.current];
            let what = self.wire.send(row, (self.time, now), policy, dies, &mut self.chance)?;
            self.sometimes.hit(what);
            self.note(|world| format!("{} to {}", what, world.wire.rows[row].receiver));
            if dies {
                self.restart()?;
            }
        }
        Ok(())
    }

    fn is_due(&self, now: i64) -> bool {
        let policy = &self.policies[self.current];
        let boards = [Some(&self.board), self.twin.as_ref()];
        boards.into_iter().flatten().any(|board| board.next_deadline(at(now), policy).is_some_and(|due| due <= at(now)))
    }

    fn act(&mut self, action: &Action) -> Result<(), String> {
        match &action.what {
            What::Report(run, report) => {
                if !self.transact(&Op::Observe(*run, *report))? {
                    self.again.push((self.time + 3, action.what.clone()));
                }
            }
            What::Forget(run) => {
                if !self.transact(&Op::Forget(*run))? {
                    self.again.push((self.time + 3, action.what.clone()));
                }
            }
            What::Reload(policy) => {
                self.current = *policy;
                self.oracle.reload(*policy);
                self.wire.begin_anew();
                self.sometimes.hit("reload");
                self.transact(&Op::Adopt)?;
            }
            What::Ack(nth) => {
                let open: Vec<String> = self
                    .board
                    .incidents()
                    .filter(|(_, incident)| incident.resolution.is_none())
                    .map(|(_, incident)| incident.id.as_str().to_owned())
                    .collect();
                if let Some(id) = open.get(*nth % open.len().max(1)) {
                    self.transact(&Op::Ack(id.clone()))?;
                }
            }
            What::SilenceOn(spec) => drop(self.transact(&Op::SilenceOn(spec.clone()))?),
            What::SilenceOff(id) => drop(self.transact(&Op::SilenceOff(id))?),
            What::Clock(by) => {
                self.skew += by;
                if *by < 0 {
                    // What was to be in an hour is to be in three: a start forgets that, and that is right.
                    (self.twin, self.went_back) = (None, true);
                }
                self.oracle.clock(*by);
                self.sometimes.hit(if *by < 0 { "clock set back" } else { "clock set forward" });
                self.note(|_| format!("clock {by:+}"));
            }
            What::Crash(Point::Idle) => {
                self.sometimes.hit("crash between two things");
                self.restart()?;
            }
            What::Crash(point) => self.crash = Some(*point),
            What::Twin if self.went_back => {}
            What::Twin => {
                self.twin = Some(self.ledger.start(at(self.now()), &self.policies[self.current]));
                self.note(|_| "twin".to_owned());
            }
            What::Moody(name, mood, seconds) => self.wire.mood(name, *mood, self.time + seconds),
        }
        Ok(())
    }

    /// One transaction. Answers whether whoever asked for it was answered.
    fn transact(&mut self, op: &Op) -> Result<bool, String> {
        self.events += 1;
        let now = at(self.now());
        let policy = &self.policies[self.current];
        let outcome = perform(&mut self.board, &self.ledger, op, now, policy, self.plan);
        if let Some(twin) = &mut self.twin {
            let other = perform(twin, &self.ledger, op, now, policy, self.plan);
            let theirs = twins(&other);
            let ours = twins(&outcome);
            if ours != theirs {
                return Err(format!(
                    "a restart makes a difference at {op:?}:\n  without {ours:?}\n  with    {theirs:?}"
                ));
            }
        }
        if self.crash == Some(Point::BeforeCommit) {
            self.sometimes.hit("crash before a commit");
            self.note(|_| format!("crash before the commit of {op:?}"));
            self.restart()?;
            return Ok(false);
        }
        let turns = self.ledger.commit(&mut self.board);
        if outcome.known.as_ref().is_some_and(|(_, known)| is_replaced(known)) {
            self.sometimes.hit("left to the run in its place");
        }
        let before = match &outcome.known {
            Some((run, known)) => self.ledger.runs.insert(*run, known.clone()),
            None => None,
        };
        let now = self.now();
        self.wire.put(&outcome.told, now);
        self.note(|world| world.describe(op, &outcome));
        let entry = Entry { now, op, outcome: &outcome, before: before.as_ref(), turns: &turns };
        self.oracle
            .see(&entry, &self.ledger, &mut self.sometimes)
            .map_err(|broken| format!("{broken}\n  at {op:?}, {}s after the start", self.time - super::plan::START))?;
        if self.crash == Some(Point::AfterCommit) {
            self.sometimes.hit("crash after a commit");
            self.restart()?;
            return Ok(!matches!(op, Op::Observe(..)));
        }
        Ok(true)
    }

    /// firstred dies and starts again from what was committed.
    fn restart(&mut self) -> Result<(), String> {
        self.crash = None;
        self.twin = None;
        self.ledger.reread();
        self.wire.begin_anew();
        let now = self.now();
        self.board = self.ledger.start(at(now), &self.policies[self.current]);
        let turns = self.ledger.commit(&mut self.board);
        self.note(|_| "restart".to_owned());
        let outcome = Outcome { told: Vec::new(), known: None, done: true };
        let entry = Entry { now, op: &Op::Adopt, outcome: &outcome, before: None, turns: &turns };
        self.oracle.see(&entry, &self.ledger, &mut self.sometimes)
    }

    fn note(&mut self, text: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            let second = self.time - super::plan::START;
            let _ = writeln!(trace, "{second:>6} {}", text(self));
            self.trace = Some(trace);
        }
    }

    fn describe(&self, op: &Op, outcome: &Outcome) -> String {
        let mut text = match op {
            Op::Observe(run, report) => {
                let life = &self.plan.lives[*run];
                let report = &life.reports[*report];
                format!("{} {} {} #{} {:?}", life.space, life.workflow, life.id, report.attempt, report.phase)
            }
            op => format!("{op:?}"),
        };
        if let Some((run, known)) = &outcome.known {
            let _ = write!(text, " run {run}: {:?}", known.lines.last().map(|line| &line.reason));
        }
        for told in &outcome.told {
            let note = told.notification.incident.as_ref();
            let counts = note.map(|note| (note.id.as_str().to_owned(), note.failures, note.runs, note.more));
            let kind = told.notification.kind.as_str();
            let _ = write!(text, "\n         > {kind} to {:?}: {:?} {counts:?}", told.receivers, told.incident);
        }
        text
    }
}

/// Whether another run has the word.
fn is_replaced(known: &Known) -> bool {
    known.lines.last().is_some_and(|line| matches!(line.reason, Reason::RetriedAs { .. }))
}
