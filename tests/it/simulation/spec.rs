//! The configuration in the simulation's own words: plain facts that the oracle reads, put into the engine's words elsewhere.

use std::collections::BTreeMap;

use firstred::engine::{Manner, Severity};
use firstred::triage::Class;

pub(super) type Name = &'static str;

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) space: Name,
    pub(super) workflow: Name,
    pub(super) step: Option<Name>,
    pub(super) code: Name,
    pub(super) class: Class,
    pub(super) status: Option<u16>,
    pub(super) provider: Option<Name>,
}

impl Fault {
    pub(super) fn fingerprint(&self) -> String {
        format!("v1:{}/{}/{}/{}", self.workflow, self.step.unwrap_or("-"), self.code, self.status.unwrap_or(0))
    }
}

/// What a matcher asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) space: Option<Name>,
    pub(super) workflow: Option<Name>,
    pub(super) step: Option<Name>,
    pub(super) code: Option<Name>,
    pub(super) class: Option<Class>,
    pub(super) status: Option<u16>,
}

impl Fit {
    pub(super) fn fits(&self, fault: &Fault) -> bool {
        let same = |wanted: Option<Name>, is: Option<Name>| wanted.is_none() || wanted == is;
        let workflow = self.workflow.is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(start) => fault.workflow.starts_with(start),
            None => fault.workflow == wanted,
        });
        same(self.space, Some(fault.space))
            && workflow
            && same(self.step, fault.step)
            && same(self.code, Some(fault.code))
            && self.class.is_none_or(|class| class == fault.class)
            && self.status.is_none_or(|status| fault.status == Some(status))
    }
}

/// What groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Workflow,
    Step,
    Code,
    Class,
    Provider,
    Fingerprint,
    Run,
}

/// How much must have failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cond {
    Failures(u32, i64),
    Consecutive(u32),
    /// In tenths, of the last so many.
    Rate(u32, u32),
}

#[derive(Clone, Debug)]
pub(super) struct RuleSpec {
    pub(super) name: Name,
    pub(super) when: Fit,
    pub(super) unless: Option<Fit>,
    pub(super) severity: Severity,
    pub(super) notify: Vec<Name>,
    pub(super) hold: Option<i64>,
    pub(super) keep_going: bool,
    pub(super) group: Option<Vec<Group>>,
    pub(super) after: Vec<(Option<Class>, Cond)>,
    pub(super) rhythm: Beat,
    pub(super) escalate: Option<(i64, Vec<Name>)>,
}

impl RuleSpec {
    pub(super) fn matches(&self, fault: &Fault) -> bool {
        self.when.fits(fault) && !self.unless.as_ref().is_some_and(|unless| unless.fits(fault))
    }

    pub(super) fn condition(&self, class: Class) -> Option<Cond> {
        let of = |wanted: Option<Class>| self.after.iter().find(|(of, _)| *of == wanted).map(|(_, cond)| *cond);
        of(Some(class)).or(of(None))
    }
}

/// The rhythm of incidents, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    pub(super) update_every: i64,
    pub(super) remind: Option<i64>,
    pub(super) resolve_after: i64,
    pub(super) reopen_within: i64,
}

#[derive(Clone, Debug)]
pub(super) struct ReceiverSpec {
    /// The one workspace that it may see.
    pub(super) bound: Option<Name>,
    pub(super) budget: Option<(u32, i64)>,
    /// From this hour of the day to that one.
    pub(super) quiet: Option<(i64, i64)>,
    pub(super) passes: Severity,
    pub(super) fallback: Option<Name>,
    pub(super) give_up_after: i64,
    pub(super) manner: Manner,
}

impl ReceiverSpec {
    pub(super) fn may_see(&self, space: &str) -> bool {
        self.bound.is_none_or(|bound| bound == space)
    }

    /// Whether it is quiet at a second since the epoch.
    pub(super) fn is_quiet(&self, second: i64) -> bool {
        let time = second.rem_euclid(86_400);
        self.quiet.is_some_and(|(from, to)| {
            if from < to { from * 3600 <= time && time < to * 3600 } else { from * 3600 <= time || time < to * 3600 }
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct SilenceSpec {
    pub(super) id: Name,
    pub(super) when: Fit,
    /// Seconds since the epoch.
    pub(super) from: Option<i64>,
    pub(super) until: i64,
    pub(super) unless_new: bool,
}

#[derive(Clone, Debug)]
pub(super) struct InhibitSpec {
    pub(super) name: Name,
    pub(super) source: Fit,
    pub(super) target: Fit,
    pub(super) equal: Vec<Group>,
}

#[derive(Clone, Debug)]
pub(super) struct PolicySpec {
    pub(super) rules: Vec<RuleSpec>,
    pub(super) default_notify: Vec<Name>,
    pub(super) default_hold: i64,
    pub(super) beat: Beat,
    pub(super) receivers: BTreeMap<Name, ReceiverSpec>,
    pub(super) silences: Vec<SilenceSpec>,
    pub(super) inhibitions: Vec<InhibitSpec>,
    /// So many workflows within so many seconds.
    pub(super) gate: Option<(u32, i64)>,
}

impl PolicySpec {
    pub(super) fn matching(&self, fault: &Fault) -> Vec<&RuleSpec> {
        let mut found = Vec::new();
        for rule in &self.rules {
            if rule.matches(fault) {
                found.push(rule);
                if !rule.keep_going {
                    break;
                }
            }
        }
        found
    }

    /// For each rule that has somebody to tell of it: whom.
    pub(super) fn whom(&self, fault: &Fault) -> Vec<(Option<Name>, Vec<Name>)> {
        let rules = self.matching(fault);
        let mut lists: Vec<(Option<Name>, &[Name])> =
            rules.iter().map(|rule| (Some(rule.name), rule.notify.as_slice())).collect();
        if rules.is_empty() {
            lists.push((None, &self.default_notify));
        }
        let mut named: Vec<Name> = Vec::new();
        let mut out = Vec::new();
        for (rule, names) in lists {
            let mut told = Vec::new();
            for name in names {
                let Some(receiver) = self.receivers.get(name) else { continue };
                if !named.contains(name) {
                    named.push(name);
                    if receiver.may_see(fault.space) {
                        told.push(*name);
                    }
                }
            }
            if !told.is_empty() {
                out.push((rule, told));
            }
        }
        out
    }

    pub(super) fn rule(&self, name: Option<&str>) -> Option<&RuleSpec> {
        self.rules.iter().find(|rule| Some(rule.name) == name)
    }

    pub(super) fn beat(&self, rule: Option<&str>) -> Beat {
        self.rule(rule).map_or(self.beat, |rule| rule.rhythm)
    }

    pub(super) fn hold(&self, fault: &Fault) -> i64 {
        self.matching(fault).iter().filter_map(|rule| rule.hold).min().unwrap_or(self.default_hold)
    }

    pub(super) fn groups(&self, rule: Option<&str>) -> Vec<Group> {
        let own = self.rule(rule).and_then(|rule| rule.group.clone());
        own.unwrap_or_else(|| vec![Group::Workflow, Group::Step, Group::Code])
    }
}

/// What a fault has there.
pub(super) fn value(group: Group, fault: &Fault, run: &str) -> String {
    match group {
        Group::Workflow => fault.workflow.to_owned(),
        Group::Step => fault.step.unwrap_or("").to_owned(),
        Group::Code => fault.code.to_owned(),
        Group::Class => fault.class.as_str().to_owned(),
        Group::Provider => fault.provider.unwrap_or("").to_owned(),
        Group::Fingerprint => fault.fingerprint(),
        Group::Run => format!("{}/{run}", fault.workflow),
    }
}
