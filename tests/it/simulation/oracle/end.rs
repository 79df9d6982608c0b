//! The end of a play: nothing waits any more, everything was told or has its reason, and every count adds up.

use super::super::ledger::Ledger;
use super::super::sometimes::Sometimes;
use super::Oracle;

impl Oracle<'_> {
    pub(in super::super) fn end(&self, ledger: &Ledger, sometimes: &mut Sometimes) -> Result<(), String> {
        if let Some((number, incident)) = ledger.incidents.iter().next() {
            return Err(format!("{number} never ends: {:?} of {}", incident.state, incident.id.as_str()));
        }
        for (number, problem) in &self.problems {
            let (failures, runs) = self.count(*number);
            for (receiver, ear) in &problem.ears {
                let name = format!("{receiver} of {number}, {}", problem.id);
                let parent = ear.under.filter(|parent| self.problems[parent].ears.contains_key(receiver));
                if problem.gave_up && !ear.ever {
                    sometimes.hit("told to nobody: not enough failed");
                    continue;
                }
                if let Some(parent) = parent
                    && self.problems[&parent].ears[receiver].ever
                    && self.problems[&parent].final_count.is_some()
                    && problem.resolved_at <= self.problems[&parent].resolved_at
                {
                    continue;
                }
                if !ear.ever && failures > 0 {
                    return Err(format!("{name} was never told: {failures} failures are lost ({ear:?})"));
                }
                if ear.ever && (ear.failures, ear.runs) != (failures, runs) {
                    return Err(format!(
                        "{name} was told of {} failures, and there were {failures} ({ear:?})",
                        ear.failures
                    ));
                }
                if self.shows(receiver, ear) {
                    return Err(format!("{name} stands there for ever ({ear:?})"));
                }
                if ear.knows {
                    return Err(format!("{name} was never told that it is over ({ear:?})"));
                }
            }
        }
        Ok(())
    }
}
