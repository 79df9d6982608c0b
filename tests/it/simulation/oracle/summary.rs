//! A message about several problems: all of them are there, each may be told, and the counts are exact.

use std::collections::{BTreeMap, BTreeSet};

use firstred::engine::{Kind, Notification, Number, Severity, Summary, Tallies};

use super::super::sometimes::Sometimes;
use super::super::spec::Name;
use super::Oracle;

impl Oracle<'_> {
    pub(super) fn summed_up(
        &mut self,
        now: i64,
        receiver: &str,
        summary: &Summary,
        said: &Notification,
        sometimes: &mut Sometimes,
    ) -> Result<(), String> {
        sometimes.hit(match &summary.cause {
            firstred::engine::Withheld::Budget { .. } => "storm summed up",
            firstred::engine::Withheld::Quiet { .. } => "quiet hours summed up",
            firstred::engine::Withheld::Silence { .. } => "silence summed up",
            firstred::engine::Withheld::Inhibited { .. } => "inhibited summed up",
            _ => "something else summed up",
        });
        let severity = said.severity;
        let members: Vec<Number> = self.summed.iter().filter(|(id, _)| *id == said.id).map(|(_, of)| *of).collect();
        let spec = &self.policy.receivers[receiver];
        let (mut failures, mut runs, mut resolved) = (0, 0, 0);
        let mut over: BTreeSet<Number> = BTreeSet::new();
        let mut spaces = BTreeSet::new();
        let mut codes: BTreeMap<Name, u64> = BTreeMap::new();
        let mut worst = Severity::Info;
        for number in &members {
            let problem = &self.problems[number];
            if !spec.may_see(problem.space) {
                return Err(format!("it may not see {}", problem.space));
            }
            spaces.insert(problem.space.to_owned());
            let (all, all_runs) = self.count(*number);
            let ear = problem.ears.get(receiver).cloned().unwrap_or_default();
            let more = number_of(all.saturating_sub(ear.failures));
            failures += more;
            runs += number_of(all_runs.saturating_sub(ear.runs));
            if let Some(opening) = &problem.opening {
                *codes.entry(opening.code).or_default() += more;
            }
            worst = worst.max(self.severity(*number));
            if problem.resolved_at.is_none() && !problem.fresh {
                self.may_pass(now, *number, receiver, self.severity(*number))?;
                if problem
                    .ears
                    .get(receiver)
                    .is_none_or(|ear| ear.knows && ear.failures >= all && !ear.escalate && ear.withheld.is_none())
                {
                    return Err(format!("it counts {number}, of which there is nothing to tell"));
                }
            }
            let line = summary.lines.iter().find(|line| line.incident.as_str() == problem.id);
            // One that ends in the same breath may have been summed up before.
            let ending = self.ending.contains(number).then(|| line.map(|line| line.resolved)).flatten();
            let is_over = ending.unwrap_or(problem.resolved_at.is_some());
            resolved += u32::from(is_over);
            over.extend(is_over.then_some(*number));
            match line {
                Some(line) if u64::from(line.failures) != more || line.resolved != is_over => {
                    return Err(format!("of {number} it says {line:?}, and {more} failures are true"));
                }
                None if members.len() <= firstred::engine::MOST_LINES => return Err(format!("{number} is not in it")),
                _ => {}
            }
        }
        let true_counts = (failures, runs, members.len(), resolved);
        let counts = (summary.failures, summary.runs, summary.incidents as usize, summary.resolved);
        if counts != true_counts {
            return Err(format!("it counts {counts:?}, and {true_counts:?} is true"));
        }
        if summary.workspaces != spaces || summary.lines.len() > members.len() {
            return Err(format!("it speaks of {:?}, and is about {spaces:?}", summary.workspaces));
        }
        if severity < worst && self.plan.policies.len() == 1 {
            return Err(format!("it is of severity {severity:?}, and of something of {worst:?}"));
        }
        let all_codes: u64 = codes.values().sum();
        let one_by_one = members.iter().all(|number| !self.problems[number].provider);
        if one_by_one && (sum(&summary.workflows) != failures || sum(&summary.codes) != all_codes) {
            return Err(format!("its tallies say {:?} and {:?}", summary.workflows, summary.codes));
        }
        for number in members {
            self.hear(now, number, receiver, Kind::Summary, !over.contains(&number));
        }
        Ok(())
    }
}

fn sum(tallies: &Tallies) -> u64 {
    tallies.top.iter().map(|(_, count)| count).sum::<u64>() + tallies.more_count
}

fn number_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
