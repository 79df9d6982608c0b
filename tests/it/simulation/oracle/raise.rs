//! What the run's own lines say became of a failure: for each rule and each receiver, told or withheld, once, and truly so.

use std::collections::BTreeMap;

use firstred::engine::{Kind, Level, Line, Reason, Withheld};

use super::super::life::Phase;
use super::super::sometimes::Sometimes;
use super::super::spec::{Fault, Name, value};
use super::problem::Fail;
use super::runs::Want;
use super::{Entry, Oracle};

/// What the lines say of one rule's part.
#[derive(Default)]
struct Said<'l> {
    told: Vec<&'l str>,
    withheld: Vec<(&'l str, &'l Withheld)>,
    incident: Option<&'l str>,
}

impl Oracle<'_> {
    pub(super) fn joined(
        &mut self,
        entry: &Entry<'_>,
        want: &Want,
        storming: &[String],
        sometimes: &mut Sometimes,
    ) -> Result<(), String> {
        let Some((_, known)) = &entry.outcome.known else {
            return match want {
                Want::Failed(run, ..) => Err(format!("the failure of run {run} leaves no trace")),
                _ => Ok(()),
            };
        };
        let before = entry.before.map_or(0, |known| known.lines.len());
        if before >= 38 {
            return Err("a run with so many lines needs a smaller plan".to_owned());
        }
        let mut lines: Vec<&Line> = known.lines.iter().skip(before).collect();
        if lines.is_empty() {
            // The same again is not said twice.
            lines.extend(known.lines.last().filter(|_| matches!(want, Want::Failed(..))));
        }
        let mut said = by_rule(&lines);
        if let (false, Want::Failed(_, _, fault), Some(line)) =
            (lines.is_empty(), want, entry.before.and_then(|known| known.lines.last()))
        {
            // What the newest line said already is not said again, but other lines may follow.
            let whom = self.policy.whom(fault);
            for (rule, old) in by_rule(&[line]) {
                let Some(part) = said.get_mut(rule).filter(|part| part.incident == old.incident) else { continue };
                let missing = |(receiver, _): &(&str, &Withheld)| {
                    whom.iter().any(|(of, names)| of.unwrap_or("") == rule && names.contains(receiver))
                        && !part.told.contains(receiver)
                        && part.withheld.iter().all(|(other, _)| other != receiver)
                };
                let again: Vec<_> = old.withheld.into_iter().filter(missing).collect();
                part.withheld.extend(again);
            }
        }
        let kinds: Vec<Kind> = lines.iter().filter_map(|line| kind(&line.reason)).collect();
        let (run, report, fault, level) = match want {
            Want::Nothing if said.is_empty() => return Ok(()),
            Want::Nothing => return Err(format!("nothing was to be said of the run, and {lines:?} was")),
            Want::Failed(run, report, fault) => (*run, *report, fault, Level::Failed),
            Want::May(..) if said.is_empty() => return Ok(()),
            Want::May(run, report, fault, Kind::StillRetrying) if self.ends_in_vain(*run, *report, &kinds) => {
                self.early(entry.now, *run, fault)?;
                self.announced_in_vain(entry.now, *run, fault);
                sometimes.hit("announced retry that did not come");
                (*run, *report, fault, Level::Failed)
            }
            Want::May(run, report, fault, Kind::Vanished) => (*run, *report, fault, Level::Vanished),
            Want::May(run, report, fault, _) => {
                self.early(entry.now, *run, fault)?;
                let observed = matches!(entry.op, super::Op::Observe(..));
                sometimes.hit(if observed { "retry told overdue" } else { "retry told at the end of its hold" });
                (*run, *report, fault, Level::Retrying)
            }
        };
        let right = |kind: &Kind| match level {
            Level::Failed => *kind == Kind::Failed,
            Level::Vanished => *kind == Kind::Vanished,
            Level::Retrying => *kind == Kind::StillRetrying,
        };
        if !kinds.iter().all(right) {
            return Err(format!("{kinds:?} is said of a run where {level:?} is true"));
        }
        let whom = self.policy.whom(fault);
        if whom.is_empty() && lines.is_empty() {
            return Err(format!("nobody is told of run {run}, and nothing says why"));
        }
        let rules: Vec<Option<Name>> = whom.iter().map(|(rule, _)| *rule).collect();
        if let Some(rule) = said.keys().find(|rule| !rules.iter().any(|wanted| wanted.unwrap_or("") == **rule)) {
            return Err(format!("the rule {rule:?} has nothing to say of {fault:?}"));
        }
        for (rule, receivers) in whom {
            let none = Said::default();
            let part = said.get(rule.unwrap_or("")).unwrap_or(&none);
            let mut heard: Vec<&str> = part.told.clone();
            heard.extend(part.withheld.iter().map(|(receiver, _)| *receiver));
            heard.sort_unstable();
            let mut wanted = receivers.clone();
            wanted.sort_unstable();
            if heard != wanted {
                return Err(format!(
                    "rule {rule:?} tells or withholds from {heard:?} what {wanted:?} should hear: {lines:?}"
                ));
            }
            let Some(number) = part.incident.and_then(|id| self.by_id.get(id).copied()) else {
                return Err(format!("{:?} is no problem", part.incident));
            };
            let fail = Fail {
                run,
                report,
                at: entry.now,
                started: self.plan.lives[run].reports[report].started,
                fault: fault.clone(),
                level,
            };
            self.belongs(entry, rule, number, &fail)?;
            let told_truly =
                |receiver: &&str| {
                    entry.outcome.told.iter().any(|told| {
                        told.incident == Some(number) && told.receivers.iter().any(|name| name == *receiver)
                    })
                };
            if let Some(liar) = part.told.iter().find(|receiver| !told_truly(receiver)) {
                return Err(format!(
                    "run {run} says that {liar} was told of {}, and nothing was sent",
                    part.incident.unwrap_or("")
                ));
            }
            if let Some(problem) = self.problems.get_mut(&number) {
                problem.opening.get_or_insert_with(|| fault.clone());
                problem.fails.push(fail);
                self.joined_now.insert(number);
                for receiver in &receivers {
                    problem.ears.entry((*receiver).to_owned()).or_default();
                }
            }
            for (receiver, why) in &part.withheld {
                if !matches!(why, Withheld::Condition { .. } | Withheld::Rhythm { .. }) {
                    self.end_by_news(entry.now, number, sometimes);
                }
                self.truly_withheld(entry, number, receiver, why, storming, sometimes)?;
            }
        }
        Ok(())
    }

    fn ends_in_vain(&self, run: usize, report: usize, kinds: &[Kind]) -> bool {
        let announced = matches!(self.plan.lives[run].reports[report].phase, Phase::Announced(_));
        announced && kinds.iter().all(|kind| *kind == Kind::Failed)
    }

    /// Whether a failure joined the problem that it belongs to.
    fn belongs(&mut self, entry: &Entry<'_>, rule: Option<Name>, number: u64, fail: &Fail) -> Result<(), String> {
        let groups = self.policy.groups(rule);
        let id = &self.plan.lives[fail.run].id;
        let values = groups.iter().map(|group| format!("{group:?}={}", value(*group, &fail.fault, id))).collect();
        let key = (fail.fault.space, rule, values);
        let told_retrying = |(_, problem): &(&u64, &super::Problem)| {
            problem.is_open()
                && problem.rule == rule
                && problem.failures().next().is_none()
                && problem.fails.iter().any(|old| old.run == fail.run)
        };
        let mut may: Vec<u64> = self.problems.iter().filter(told_retrying).map(|(number, _)| *number).collect();
        let beat = self.policy.beat(rule);
        let is_new = entry.turns.iter().any(|turn| turn.number == number && turn.before.is_none());
        if may.is_empty() {
            let current = self.by_key.get(&key).copied();
            let joins = current.filter(|current| {
                let problem = &self.problems[current];
                !problem.left
                    && !problem.gave_up
                    && problem.resolved_at.is_none_or(|end| entry.now <= end + beat.reopen_within)
            });
            may.extend(joins);
        }
        let right = if may.is_empty() { is_new } else { may.contains(&number) };
        if !right {
            return Err(format!("a failure of {key:?} joined {number} (new: {is_new}), and belongs to {may:?}"));
        }
        if is_new {
            self.by_key.insert(key, number);
        }
        Ok(())
    }
}

fn kind(reason: &Reason) -> Option<Kind> {
    match reason {
        Reason::Told { kind, .. } | Reason::Withheld { kind, .. } => Some(*kind),
        _ => None,
    }
}

fn by_rule<'l>(lines: &[&'l Line]) -> BTreeMap<&'l str, Said<'l>> {
    let mut said: BTreeMap<&str, Said<'_>> = BTreeMap::new();
    for line in lines {
        match &line.reason {
            Reason::Told { rules, receivers, incident, .. } => {
                let part = said.entry(rules.first().map_or("", String::as_str)).or_default();
                part.told.extend(receivers.iter().map(String::as_str));
                part.incident = incident.as_ref().map(firstred::engine::IncidentId::as_str);
            }
            Reason::Withheld { rule, receivers, incident, why, .. } => {
                let part = said.entry(rule.as_deref().unwrap_or("")).or_default();
                part.withheld.extend(receivers.iter().map(|receiver| (receiver.as_str(), why)));
                part.incident = Some(incident.as_str());
            }
            _ => {}
        }
    }
    said
}

/// What two problems have in common.
pub(super) fn alike(groups: &[super::super::spec::Group], one: &Fault, other: &Fault) -> bool {
    groups.iter().all(|group| value(*group, one, "") == value(*group, other, ""))
}
