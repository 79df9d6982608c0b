//! The one door into the engine: an observation goes in, the run's new memory and what is to be said come out. It ties the machine of
//! the single run to the board of problems, and writes down for the run what became of it.

use jiff::Timestamp;

use super::board::{Board, Failed, Heard, Raised, Round};
use super::decide::{self, Context, Decided};
use super::incident::Number;
use super::{Known, Notification, Policy, Reason, hold};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Observation, Standing};

/// What follows from an observation: committed together, with what changed on the board, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The run's new memory.
    pub known: Known,
    /// What is to be said, and to whom. Each pair of notification and receiver becomes one delivery, once.
    pub told: Vec<Told>,
    /// Nothing in the run's memory changed: nothing of it needs to be written.
    pub unchanged: bool,
    /// Other runs whose memory changed: to be written too.
    pub also: Vec<(RunKey, Known)>,
    /// Nothing changed on the board either: without this input all would be as it is.
    pub idle: bool,
}

/// One thing to say and the receivers to say it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What to say.
    pub notification: Notification,
    /// Whom to. Never empty, no repeats.
    pub receivers: Vec<String>,
    /// The incident that it is about; absent for a summary and for what is no incident.
    pub incident: Option<Number>,
}

impl Board {
    /// Decides what follows from an observation.
    #[must_use]
    pub fn observe(
        &mut self,
        now: Timestamp,
        known: Option<Known>,
        mut seen: Observation,
        context: Context,
        policy: &Policy,
    ) -> Changes {
        let before = known.as_ref().map(|known| (known.standing, failures(known)));
        let mut round = Round::new(now, policy);
        let decided = decide::decide(now, known, &mut seen, &context, policy);
        let mut known = decided.known;
        let new_failure = failures(&known) > before.map_or(0, |(_, failures)| failures);
        let turned = before.is_none_or(|(standing, _)| standing != known.standing);
        let completed = turned && known.standing == Standing::Completed && seen.standing == Standing::Completed;
        if !decided.unchanged {
            self.see_workflow(&round, &seen, completed || new_failure);
        }
        if new_failure && let Some(card) = &known.card {
            self.see_error(&round, &card.fingerprint.0);
        }
        if completed {
            self.completed(&mut round, &seen, &mut known);
        } else if turned && known.standing == Standing::Cancelled {
            match seen.status {
                RunStatus::Failed => self.replaced(&seen, &known),
                _ => self.cancelled(&mut round, &seen, &known),
            }
        }
        let also = if completed { self.repeated(&round, &seen, context.replayed) } else { Vec::new() };
        let key = seen.key.clone();
        self.tell(&mut round, &key, &mut known, &decided.raised, Some(&seen.source));
        // Last, so that a problem which the run passed at one step and failed at another goes on, instead of ending and coming back.
        let showed = !decided.late && self.prove(&mut round, &seen, completed);
        self.expect(&mut round, &seen, &known, decided.unchanged, completed);
        let idle = decided.unchanged && !showed && also.is_empty() && round.told.is_empty();
        Changes { known, told: round.told, unchanged: decided.unchanged, also, idle }
    }

    /// Decides what follows when a run's hold has reached its deadline. `parent` is where the run that started it stands, if it is known.
    #[must_use]
    pub fn hold_ended(
        &mut self,
        now: Timestamp,
        key: &RunKey,
        known: Known,
        parent: Option<Standing>,
        policy: &Policy,
    ) -> Changes {
        let before = failures(&known);
        self.without_news(now, key, before, policy, |policy| hold::hold_ended(now, key, known, parent, policy))
    }

    /// Decides what follows when the engine has forgotten a run that was open. One that was retrying may have failed: its silence
    /// ends with a word.
    #[must_use]
    pub fn forget_run(&mut self, now: Timestamp, key: &RunKey, known: Known, policy: &Policy) -> Changes {
        let before = failures(&known);
        self.without_news(now, key, before, policy, |policy| decide::forget(now, key, known, policy))
    }

    fn without_news(
        &mut self,
        now: Timestamp,
        key: &RunKey,
        before: u32,
        policy: &Policy,
        decide: impl FnOnce(&Policy) -> Decided,
    ) -> Changes {
        let mut round = Round::new(now, policy);
        let Decided { mut known, raised, unchanged, .. } = decide(policy);
        // One that was left to its parent was met when it failed.
        if failures(&known) > before {
            if let Some(card) = &known.card {
                self.see_error(&round, &card.fingerprint.0);
            }
            self.see_failed(key);
        }
        self.tell(&mut round, key, &mut known, &raised, None);
        self.expect_without_news(&mut round, key, &known);
        Changes { known, told: round.told, unchanged, also: Vec::new(), idle: unchanged }
    }

    fn tell(
        &mut self,
        round: &mut Round<'_>,
        key: &RunKey,
        known: &mut Known,
        raised: &[Raised],
        source: Option<&str>,
    ) {
        for raised in raised {
            let Some(card) = known.card.take() else {
                return;
            };
            let last = known.failure.as_ref().filter(|_| raised.kind == super::Kind::Failed);
            let failed = Failed {
                key,
                card: &card,
                started_at: last.and_then(|last| last.started_at).or(known.started_at),
                ended_at: last.and_then(|last| last.ended_at),
                member_of: &known.incidents,
            };
            let heard = self.join(round, raised, failed);
            known.card = Some(card);
            known.belong(heard.number, &heard.incident, raised.kind == super::Kind::Failed);
            write_down(round.now, known, raised, heard, source);
        }
    }
}

fn failures(known: &Known) -> u32 {
    known.failure.as_ref().map_or(0, |failure| failure.number)
}

/// The run's own lines: who is told, who is not, and why.
fn write_down(now: Timestamp, known: &mut Known, raised: &Raised, heard: Heard, source: Option<&str>) {
    let Raised { kind, failure, rule, .. } = raised;
    if !heard.told.is_empty() {
        let reason = Reason::Told {
            kind: *kind,
            failure: *failure,
            rules: rule.iter().cloned().collect(),
            receivers: heard.told,
            incident: Some(heard.incident.clone()),
        };
        known.note(now, source, reason);
    }
    for (receivers, why) in heard.withheld {
        let incident = heard.incident.clone();
        known.note(now, source, Reason::Withheld { incident, kind: *kind, rule: rule.clone(), receivers, why });
    }
}
