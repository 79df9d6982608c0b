//! A plan: everything that happens in one play, made from a seed. A list, so that a failing play can be made smaller by leaving things out.

use firstred::triage::Class;

use super::chance::Chance;
use super::life::{Life, Outage, STEPS, Wish, index, live, small};
use super::settings::{CLASSES, CODES, SPACES, WORKFLOWS, changed, one, settings, silence};
use super::spec::{Name, PolicySpec, SilenceSpec};

/// When a play begins, in seconds since the epoch: at three in the morning.
pub(super) const START: i64 = 1_795_143_600;

/// Where firstred dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// Between two things.
    Idle,
    /// After it decided and before the commit.
    BeforeCommit,
    /// After the commit, before anybody was answered.
    AfterCommit,
    /// With a request on the wire.
    OnTheWire,
}

/// What a receiver does with what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Busy,
    /// 429 with this Retry-After.
    Later(i64),
    LosesAnswers,
    Stalls,
    RefusesForGood,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// A report of a run arrives: which run, which report.
    Report(usize, usize),
    /// The engine says that it does not know the run any more.
    Forget(usize),
    Reload(usize),
    /// The n-th open incident is acknowledged.
    Ack(usize),
    SilenceOn(SilenceSpec),
    SilenceOff(Name),
    /// firstred's clock is set by this much.
    Clock(i64),
    /// The next thing of this kind is its last.
    Crash(Point),
    /// Another firstred, started from the ledger, goes along from here on.
    Twin,
    /// A receiver has a mood for so many seconds.
    Moody(Name, Mood, i64),
}

#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) at: i64,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) policies: Vec<PolicySpec>,
    pub(super) lives: Vec<Life>,
    pub(super) actions: Vec<Action>,
    /// No faults from here on.
    pub(super) calm_from: i64,
}

pub(super) fn plan(seed: u64) -> Plan {
    let mut chance = Chance::new(seed);
    let chance = &mut chance;
    let hours = 2 + small(chance, 5);
    let end = START + hours * 3_600;
    let mut policies = vec![settings(START, chance)];
    let outages: Vec<Outage> = (0..=chance.below(5)).map(|_| outage(hours, chance)).collect();
    let lives = lives(hours, &outages, chance);
    let mut actions = Vec::new();
    for (run, life) in lives.iter().enumerate() {
        travel(run, life, chance, &mut actions);
    }
    let some_time = |chance: &mut Chance| START + small(chance, hours * 3_600);
    let mut add = |at: i64, what: What| actions.push(Action { at, what });
    if chance.percent(25) {
        for _ in 0..=chance.below(2) {
            let at = some_time(chance);
            let old = policies.last().expect("one");
            let new = changed(old, at, chance);
            // Something may still wait for a receiver that leaves.
            let gone: Vec<Name> =
                old.receivers.keys().filter(|name| !new.receivers.contains_key(*name)).copied().collect();
            for name in gone.into_iter().filter(|_| chance.percent(60)) {
                add(at - 1_200, What::Moody(name, Mood::Busy, 1_300));
            }
            policies.push(new);
            add(at, What::Reload(policies.len() - 1));
        }
    }
    for _ in 0..chance.below(3) {
        add(some_time(chance), What::Ack(index(chance, 4)));
    }
    if chance.percent(35) {
        let at = some_time(chance);
        let mut made = silence(one(chance, &["s_1", "s_2"]), at, chance);
        made.from = None;
        let id = made.id;
        if chance.percent(25) {
            let longer = SilenceSpec { until: made.until + small(chance, 4_000), ..made.clone() };
            add(at + small(chance, 3_000), What::SilenceOn(longer));
        }
        if chance.percent(40) {
            add(at + small(chance, 6_000), What::SilenceOff(id));
        }
        add(at, What::SilenceOn(made));
    }
    for _ in 0..chance.below(4) {
        let point = one(chance, &[Point::Idle, Point::BeforeCommit, Point::AfterCommit, Point::OnTheWire]);
        add(some_time(chance), What::Crash(point));
    }
    if chance.percent(60) {
        add(some_time(chance), What::Twin);
    }
    if chance.percent(12) {
        for _ in 0..=chance.below(2) {
            add(some_time(chance), What::Clock(one(chance, &[-7_200, -600, -5, 60, 3_600, 90_000])));
        }
    }
    for _ in 0..chance.below(4) {
        let name = one(chance, &["oncall", "data", "night", "acme-only", "lead"]);
        let later = Mood::Later(one(chance, &[1, 45, 400, 4_000]));
        let mood = one(chance, &[Mood::Busy, later, Mood::LosesAnswers, Mood::Stalls, Mood::RefusesForGood]);
        add(some_time(chance), What::Moody(name, mood, one(chance, &[20, 600, 6_000])));
    }
    actions.sort_by_key(|action| action.at);
    let last = lives.iter().filter_map(|life| life.reports.last()).map(|report| report.at).max().unwrap_or(end);
    Plan { seed, policies, lives, actions, calm_from: last.max(end) + 3_600 }
}

fn outage(hours: i64, chance: &mut Chance) -> Outage {
    let from = START + small(chance, hours * 3_600);
    let wide = chance.percent(45);
    let workflows: Vec<Name> = WORKFLOWS.into_iter().filter(|_| wide || chance.percent(30)).collect();
    let class = if wide { one(chance, &[Class::Transient, Class::Authorization]) } else { one(chance, &CLASSES) };
    Outage {
        from,
        until: from + 300 + small(chance, 9_000),
        space: one(chance, &SPACES),
        workflows,
        step: if chance.percent(10) { None } else { Some(one(chance, &STEPS)) },
        code: one(chance, &CODES),
        class,
        status: one(chance, &[None, Some(503), Some(401)]),
        provider: (wide || chance.percent(40)).then(|| one(chance, &["api.example.com", "db.example.com"])),
    }
}

fn lives(hours: i64, outages: &[Outage], chance: &mut Chance) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    // Most runs come while something is broken; some come all at once.
    for number in 0..6 + chance.below(24) {
        let start = match chance.below(10) {
            0..4 => START + small(chance, hours * 3_600),
            4..6 => outages[index(chance, outages.len())].from + small(chance, 60),
            _ => {
                let outage = &outages[index(chance, outages.len())];
                outage.from - 60 + small(chance, outage.until - outage.from)
            }
        };
        let (mut space, mut workflow) = (one(chance, &SPACES), one(chance, &WORKFLOWS));
        if chance.percent(70) {
            let outage = &outages[index(chance, outages.len())];
            space = outage.space;
            if !outage.workflows.is_empty() {
                workflow = one(chance, &outage.workflows);
            }
        }
        let parent = chance.percent(8).then(|| lives.last().filter(|life| life.space == space)).flatten();
        let parent = parent.map(|life| life.id.clone());
        let counts = workflow != "mail";
        let id = format!("r{number}");
        let wish = Wish { space, workflow, id, start, parent, outages, counts, steps: workflow != "ship" };
        lives.push(live(&wish, chance));
    }
    lives
}

/// The reports of a run on their way to firstred.
fn travel(run: usize, life: &Life, chance: &mut Chance, actions: &mut Vec<Action>) {
    let slow = chance.percent(15);
    let last = life.reports.len() - 1;
    let mut vanishes = chance.percent(3);
    for (index, report) in life.reports.iter().enumerate() {
        if vanishes && index > 0 && index == last {
            actions.push(Action { at: report.at + 60, what: What::Forget(run) });
            return;
        }
        let missing = chance.percent(8);
        let delay = if slow { small(chance, 1_500) } else { small(chance, 3) };
        if !missing {
            actions.push(Action { at: report.at + delay, what: What::Report(run, index) });
        }
        if chance.percent(12) {
            let again = report.at + delay + small(chance, 4_000);
            actions.push(Action { at: again, what: What::Report(run, index) });
        }
        vanishes &= index < last;
    }
    // Whatever was missed on the way, the next look finds how it ended.
    let end = life.reports[last].at + 1_600 + small(chance, 1_500);
    actions.push(Action { at: end, what: What::Report(run, last) });
}
