//! A run that repeats another one completed: the other one counts as run again.

use super::{Board, Round};
use crate::engine::incident::State;
use crate::engine::{Known, Reason};
use crate::run::RunKey;
use crate::triage::Observation;

impl Board {
    /// `seen` completed and repeats these runs. What they failed of is over where `seen` passed it, which is proven as for any later run;
    /// here they are only counted. Answers those whose memory changed.
    pub(in crate::engine) fn repeated(
        &mut self,
        round: &Round<'_>,
        seen: &Observation,
        replayed: Vec<(RunKey, Known)>,
    ) -> Vec<(RunKey, Known)> {
        let mut changed = Vec::new();
        for (key, mut known) in replayed {
            let mut counted = false;
            for part in known.incidents.iter_mut().filter(|part| part.counted && !part.again) {
                part.again = true;
                counted = true;
                let Some(incident) = self.incidents.get_mut(&part.number) else {
                    continue;
                };
                incident.again = incident.again.saturating_add(1);
                incident.refs.retain(|run| run.id != key.run);
                self.changed.incidents.insert(part.number);
                if incident.state == State::Gathering && incident.again >= incident.runs {
                    self.give_up_gathering(round.now, part.number);
                }
            }
            if counted {
                known.note(round.now, Some(&seen.source), Reason::Repeated { by: seen.key.run.clone() });
                changed.push((key, known));
            }
        }
        changed
    }
}
