//! Made-up configurations: small, and with something of everything.

use std::collections::BTreeMap;

use firstred::engine::{Manner, Severity};
use firstred::triage::Class;

use super::chance::Chance;
use super::life::{STEPS, index, small};
use super::spec::{Beat, Cond, Fit, Group, InhibitSpec, Name, PolicySpec, ReceiverSpec, RuleSpec, SilenceSpec};

pub(super) const SPACES: [Name; 2] = ["acme", "globex"];
pub(super) const WORKFLOWS: [Name; 5] = ["bill-eu", "bill-us", "etl", "mail", "ship"];
pub(super) const CODES: [Name; 4] = ["TIMEOUT", "AUTH", "HTTP", "BAD_INPUT"];
pub(super) const CLASSES: [Class; 4] = [Class::Transient, Class::Authorization, Class::Configuration, Class::Unknown];
const RECEIVERS: [Name; 5] = ["acme-only", "data", "globex-only", "night", "oncall"];

pub(super) fn one<T: Copy>(chance: &mut Chance, of: &[T]) -> T {
    of[index(chance, of.len())]
}

fn beat(chance: &mut Chance) -> Beat {
    Beat {
        update_every: one(chance, &[300, 600, 900]),
        remind: one(chance, &[None, Some(1_800), Some(3_600)]),
        resolve_after: one(chance, &[5_400, 9_000, 14_400]),
        reopen_within: one(chance, &[120, 1_200, 3_600]),
    }
}

pub(super) fn fit(chance: &mut Chance) -> Fit {
    let mut fit = Fit::default();
    for _ in 0..=chance.below(2) {
        match chance.below(6) {
            0 => fit.space = Some(one(chance, &SPACES)),
            1 | 2 => fit.workflow = Some(one(chance, &["bill-*", "bill-eu", "etl", "mail", "ship"])),
            3 => fit.code = Some(one(chance, &CODES)),
            4 => fit.class = Some(one(chance, &CLASSES)),
            _ => fit.step = Some(one(chance, &STEPS)),
        }
    }
    fit
}

fn names(chance: &mut Chance, most: u64) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for _ in 0..=chance.below(most) {
        let name = one(chance, &RECEIVERS);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn condition(chance: &mut Chance) -> Cond {
    match chance.below(3) {
        0 => Cond::Failures(2 + u32::try_from(chance.below(2)).expect("few"), one(chance, &[600, 3_600])),
        1 => Cond::Consecutive(2 + u32::try_from(chance.below(2)).expect("few")),
        _ => Cond::Rate(5, 4),
    }
}

fn rule(name: Name, chance: &mut Chance) -> RuleSpec {
    let mut after = Vec::new();
    if chance.percent(25) {
        after.push((None, condition(chance)));
    }
    if chance.percent(15) {
        after.push((Some(Class::Transient), condition(chance)));
    }
    let groups: [&[Group]; 6] = [
        &[Group::Workflow],
        &[Group::Code],
        &[Group::Run],
        &[Group::Fingerprint],
        &[Group::Provider, Group::Class],
        &[Group::Workflow, Group::Step],
    ];
    RuleSpec {
        name,
        when: if name == "rest" || chance.percent(20) { Fit::default() } else { fit(chance) },
        unless: chance.percent(10).then(|| fit(chance)),
        severity: one(chance, &[Severity::Warning, Severity::Error, Severity::Error, Severity::Critical]),
        notify: if chance.percent(5) { Vec::new() } else { names(chance, 3) },
        hold: chance.percent(50).then(|| one(chance, &[60, 300, 900])),
        keep_going: chance.percent(25),
        group: chance.percent(45).then(|| one(chance, &groups).to_vec()),
        after,
        rhythm: beat(chance),
        escalate: chance.percent(30).then(|| (one(chance, &[900, 1_800]), vec![one(chance, &["lead", "oncall"])])),
    }
}

fn receiver(name: Name, chance: &mut Chance) -> ReceiverSpec {
    ReceiverSpec {
        bound: match name {
            "acme-only" => Some("acme"),
            "globex-only" => Some("globex"),
            _ => None,
        },
        budget: chance.percent(45).then(|| (one(chance, &[1, 2, 3, 4, 6]), one(chance, &[120, 300, 1_200]))),
        quiet: (name == "night" || chance.percent(10)).then(|| {
            let from = small(chance, 24);
            (from, (from + 1 + small(chance, 6)) % 24)
        }),
        passes: one(chance, &[Severity::Error, Severity::Critical, Severity::Critical]),
        fallback: chance.percent(40).then(|| one(chance, &["oncall", "lead", "acme-only"])).filter(|to| *to != name),
        give_up_after: one(chance, &[120, 3_600, 86_400]),
        manner: one(chance, &[Manner::Posts, Manner::Posts, Manner::Alert, Manner::Alert, Manner::Edits]),
    }
}

/// A configuration; times are seconds since the epoch.
pub(super) fn settings(start: i64, chance: &mut Chance) -> PolicySpec {
    let mut receivers = BTreeMap::new();
    for name in RECEIVERS.into_iter().chain(["lead"]) {
        if name == "oncall" || chance.percent(90) {
            receivers.insert(name, receiver(name, chance));
        }
    }
    let mut rules: Vec<RuleSpec> = Vec::new();
    for name in ["first", "second", "third"] {
        if chance.percent(55) {
            rules.push(rule(name, chance));
        }
    }
    if chance.percent(75) {
        rules.push(rule("rest", chance));
    }
    let silences = ["planned", "other"].into_iter().filter(|_| chance.percent(20)).collect::<Vec<_>>();
    PolicySpec {
        rules,
        default_notify: if chance.percent(15) { Vec::new() } else { names(chance, 2) },
        default_hold: one(chance, &[120, 600]),
        beat: beat(chance),
        receivers,
        silences: silences.into_iter().map(|id| silence(id, start, chance)).collect(),
        inhibitions: if chance.percent(30) { vec![inhibition(chance)] } else { Vec::new() },
        gate: chance
            .percent(60)
            .then(|| (2 + u32::try_from(chance.below(2)).expect("few"), one(chance, &[600, 3_600]))),
    }
}

pub(super) fn silence(id: Name, start: i64, chance: &mut Chance) -> SilenceSpec {
    let from = start + small(chance, 9_000);
    SilenceSpec {
        id,
        when: fit(chance),
        from: chance.percent(80).then_some(from),
        until: from + 300 + small(chance, 9_000),
        unless_new: chance.percent(35),
    }
}

fn inhibition(chance: &mut Chance) -> InhibitSpec {
    let equal: [&[Group]; 3] = [&[], &[Group::Workflow], &[Group::Code]];
    InhibitSpec { name: "below", source: fit(chance), target: fit(chance), equal: one(chance, &equal).to_vec() }
}

/// Another configuration that comes after `old`: a rule, a receiver, a silence or a binding is another one.
pub(super) fn changed(old: &PolicySpec, start: i64, chance: &mut Chance) -> PolicySpec {
    let mut new = old.clone();
    match chance.below(7) {
        0 => {
            let gone = one(chance, &RECEIVERS);
            if gone != "oncall" {
                new.receivers.remove(gone);
            }
        }
        1 => {
            let name = one(chance, &RECEIVERS);
            new.receivers.insert(name, receiver(name, chance));
        }
        2 => {
            if let Some(data) = new.receivers.get_mut("data") {
                data.bound = match data.bound {
                    None => Some(one(chance, &SPACES)),
                    Some(_) => None,
                };
            }
        }
        3 => {
            new.rules.retain(|rule| rule.name == "rest");
            new.rules.insert(0, rule("first", chance));
        }
        4 => new.silences = vec![silence("planned", start, chance)],
        5 => new.inhibitions = if new.inhibitions.is_empty() { vec![inhibition(chance)] } else { Vec::new() },
        _ => return settings(start, chance),
    }
    new
}
