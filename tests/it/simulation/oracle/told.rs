//! What was said, one thing at a time: whether it was to be said, to them, now, with these counts.

use firstred::engine::{Kind, Level, Manner, Number, Severity, Subject, Told};

use super::super::sometimes::Sometimes;
use super::Oracle;
use super::problem::Ear;

impl Oracle<'_> {
    pub(super) fn told(
        &mut self,
        now: i64,
        told: &Told,
        storming: &[String],
        sometimes: &mut Sometimes,
    ) -> Result<(), String> {
        let kind = told.notification.kind;
        sometimes.hit(kind.as_str());
        for receiver in &told.receivers {
            if !self.is_free(told.incident, receiver, kind) {
                self.afford(now, receiver)?;
            }
            match (told.incident, &told.notification.subject) {
                (Some(number), Subject::Run(_)) => self.told_one(now, number, receiver, told, sometimes),
                (None, Subject::Summary(summary)) => {
                    self.summed_up(now, receiver, summary, &told.notification, sometimes)
                }
                _ => Err(format!("{told:?} is neither of a problem nor a summary")),
            }
            .map_err(|broken| format!("{kind:?} to {receiver}: {broken}"))?;
        }
        let _ = storming;
        Ok(())
    }

    pub(super) fn manner(&self, receiver: &str) -> Manner {
        self.policy.receivers.get(receiver).map_or(Manner::Posts, |receiver| receiver.manner)
    }

    /// Whether something stands at a receiver that shows the problem.
    pub(super) fn shows(&self, receiver: &str, ear: &Ear) -> bool {
        ear.stands && self.manner(receiver) != Manner::Posts
    }

    /// Whether it only changes what stands there.
    fn is_free(&self, number: Option<Number>, receiver: &str, kind: Kind) -> bool {
        let ear = number.and_then(|number| self.problems.get(&number)?.ears.get(receiver));
        let changes = matches!(kind, Kind::Acknowledged | Kind::Updated | Kind::Resolved);
        changes && ear.is_some_and(|ear| self.shows(receiver, ear))
    }

    /// The least time between two updates.
    pub(super) fn between(&self, number: Number, receiver: &str, ear: &Ear) -> i64 {
        let update_every = self.policy.beat(self.problems[&number].rule).update_every;
        let edits = ear.stands && self.manner(receiver) == Manner::Edits;
        if edits { update_every.min(60) } else { update_every }
    }

    /// The budget is never exceeded, whatever is said.
    fn afford(&mut self, now: i64, receiver: &str) -> Result<(), String> {
        let Some(spec) = self.policy.receivers.get(receiver) else {
            return Err(format!("{receiver} is told, and is no receiver"));
        };
        self.sent.entry(receiver.to_owned()).or_default().push(now);
        let Some((messages, within)) = spec.budget else { return Ok(()) };
        let since = self.budget_since.get(receiver).copied().unwrap_or(i64::MIN);
        let counts = |at: &&i64| **at <= now && now - **at < within && **at > since;
        let sent = self.sent[receiver].iter().filter(counts).count();
        if sent > usize::try_from(messages).unwrap_or(0) {
            return Err(format!("{receiver} is sent {sent} messages in {within}s, its budget is {messages}"));
        }
        Ok(())
    }

    fn told_one(
        &mut self,
        now: i64,
        number: Number,
        receiver: &str,
        told: &Told,
        sometimes: &mut Sometimes,
    ) -> Result<(), String> {
        let kind = told.notification.kind;
        let note = told.notification.incident.as_ref().ok_or("no note")?;
        let Subject::Run(card) = &told.notification.subject else { return Err("no card".to_owned()) };
        let spec = &self.policy.receivers[receiver];
        let problem = self.problems.get(&number).ok_or_else(|| format!("no problem {number}"))?;
        if !spec.may_see(&card.run.workspace) || !spec.may_see(problem.space) {
            return Err(format!("it may not see {:?}", card.run.workspace));
        }
        if note.id.as_str() != problem.id {
            return Err(format!("the note is of {:?}", note.id));
        }
        let ear = problem.ears.get(receiver).cloned().unwrap_or_default();
        // An alert is closed, and a message edited, behind whatever withholds what calls people.
        if self.shows(receiver, &ear) && matches!(kind, Kind::Resolved | Kind::Acknowledged) {
            if self.may_pass(now, number, receiver, told.notification.severity).is_err() {
                sometimes.hit("resolved where it is silent");
            }
        } else {
            self.end_by_news(now, number, sometimes);
            self.may_pass(now, number, receiver, told.notification.severity)?;
        }
        let (failures, runs) = self.count(number);
        let problem = &self.problems[&number];
        // What is told as a part of a service's trouble is counted there.
        let counted_there = kind == Kind::Acknowledged || ear.under.is_some() && ear.stands;
        let more = if counted_there { 0 } else { failures.saturating_sub(ear.failures) };
        let counts = (failures, runs, more);
        let said = (size(note.failures), size(note.runs), size(note.more));
        // A service's trouble may be told between two failures that one run brought to two of its members.
        let in_between = problem.provider && said.0 < counts.0 && said.0 >= ear.failures;
        if said != counts && !in_between {
            return Err(format!("of {number} it says (failures, runs, more) {said:?}, and {counts:?} is true"));
        }
        if self.gathers(number) && problem.resolved_at.is_none() && !self.met(number, now) {
            return Err(format!("of {number}, of which not enough failed yet"));
        }
        self.right_kind(now, number, receiver, kind, sometimes)?;
        if ear.withheld.is_some() && note.withheld.is_none() && !ear.knows {
            return Err(format!("of {number} without a word on why it comes so late ({:?})", ear.withheld));
        }
        self.hear(now, number, receiver, kind, kind != Kind::Resolved);
        if in_between
            && let Some(problem) = self.problems.get_mut(&number)
            && let Some(ear) = problem.ears.get_mut(receiver)
        {
            (ear.failures, ear.runs) = (said.0, said.1);
        }
        Ok(())
    }

    /// No silence, nothing above, no quiet hours.
    pub(super) fn may_pass(&self, now: i64, number: Number, receiver: &str, severity: Severity) -> Result<(), String> {
        let problem = &self.problems[&number];
        if self.is_quiet(now, receiver, severity) {
            return Err("it is quiet there".to_owned());
        }
        if !problem.provider && severity != self.severity(number) && self.plan.policies.len() == 1 {
            return Err(format!("severity {severity:?}"));
        }
        if let Some(silence) = self.silences_on(now, number).first().filter(|_| !self.clock_went_back) {
            return Err(format!("of {number}, which {} silences", silence.id));
        }
        match self.above(number).iter().find(|(_, above)| !self.problems[above].fresh) {
            Some((_, above)) => Err(format!("of {number}, which waits for {above}")),
            None => Ok(()),
        }
    }

    fn right_kind(
        &self,
        now: i64,
        number: Number,
        receiver: &str,
        kind: Kind,
        sometimes: &mut Sometimes,
    ) -> Result<(), String> {
        let problem = &self.problems[&number];
        let ear = problem.ears.get(receiver).cloned().unwrap_or_default();
        let beat = self.policy.beat(problem.rule);
        let since = ear.last_at.map_or(i64::MAX, |last| now - last);
        let spaced = self.clock_went_back || since >= self.between(number, receiver, &ear);
        let shows = self.shows(receiver, &ear);
        let flaps = problem.reopened >= 3;
        let wrong = |why: &str| Err(format!("of {number}, {why}: {ear:?}"));
        let level = match kind {
            Kind::StillRetrying => Some(Level::Retrying),
            Kind::Vanished => Some(Level::Vanished),
            Kind::Failed | Kind::ProviderTrouble => Some(Level::Failed),
            _ => None,
        };
        if let Some(level) = level {
            if level != problem.level() {
                return wrong("which is something else");
            }
            if (ear.knows && level <= ear.level) || (!ear.knows && ear.told_over) {
                return wrong("which it knows");
            }
        }
        match kind {
            Kind::Updated if !ear.knows || !spaced => wrong(&format!("after {since}s")),
            Kind::Updated if self.count(number).0 <= ear.failures => wrong("without news"),
            Kind::Updated if shows && since < beat.update_every => {
                sometimes.hit("an edit within a minute or two");
                Ok(())
            }
            Kind::Acknowledged if !shows || ear.acked || !problem.acked || problem.resolved_at.is_some() => {
                wrong("which nobody acknowledged, or which it knows")
            }
            Kind::Reopened if ear.knows || !ear.told_over => wrong("which was not over"),
            Kind::Reopened | Kind::Resolved if flaps && !spaced => wrong(&format!("which flaps, after {since}s")),
            Kind::Resolved if !shows && !ear.knows && !(ear.told_over && self.count(number).0 > ear.failures) => {
                wrong("of which it does not know")
            }
            Kind::Resolved if problem.resolved_at.is_none() => wrong("which goes on"),
            Kind::StillOpen => {
                let first = beat.remind.ok_or("nobody is to be reminded")?;
                let interval = (0..ear.reminders.min(16)).fold(first, |time, _| time * 2).min(first.max(86_400));
                if problem.acked || !ear.knows || !(self.clock_went_back || since >= interval) {
                    return wrong("which is no time for a reminder");
                }
                Ok(())
            }
            Kind::Escalated => {
                let escalate = self.policy.rule(problem.rule).and_then(|rule| rule.escalate.as_ref());
                if self.plan.policies.len() > 1 {
                    // The rule that said so may be another one now.
                    return if problem.acked { wrong("which was acknowledged") } else { Ok(()) };
                }
                let (after, notify) = escalate.ok_or("nothing says so")?;
                let early = now < problem.opened_at + after && !self.clock_went_back;
                if problem.acked || problem.escalated && !ear.escalate || early || !notify.contains(&receiver) {
                    return wrong("which is not to be escalated");
                }
                sometimes.hit("escalated");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// From now on the receiver knows.
    pub(super) fn hear(&mut self, now: i64, number: Number, receiver: &str, kind: Kind, open: bool) {
        let (failures, runs) = self.count(number);
        let manner = self.manner(receiver);
        let Some(problem) = self.problems.get_mut(&number) else { return };
        let (level, acked) = (problem.level(), problem.acked);
        let ear = problem.ears.entry(receiver.to_owned()).or_default();
        if kind == Kind::Acknowledged {
            ear.acked = true;
            return;
        }
        if kind != Kind::Summary {
            let kept = ear.stands && ear.acked;
            ear.acked = if manner == Manner::Alert { kept } else { acked };
            ear.stands = manner != Manner::Posts && kind != Kind::Resolved;
        }
        ear.reminders = if kind == Kind::StillOpen { ear.reminders + 1 } else { 0 };
        (ear.knows, ear.told_over, ear.level, ear.ever) = (open, !open, level, true);
        (ear.failures, ear.runs, ear.last_at) = (failures, runs, Some(now));
        (ear.withheld, ear.free_since) = (None, None);
    }

    /// What was said of a service's trouble was said of all that it fails; when it is over, each of them is told by itself again.
    pub(super) fn speak_for_themselves(&mut self, now: i64, number: Number, over: bool) {
        for member in self.problems[&number].members.clone() {
            let (failures, runs) = self.count(member);
            let ending = self.ending.contains(&member);
            let told_over: Vec<String> =
                self.told_over.iter().filter(|(of, _)| *of == member).map(|(_, receiver)| receiver.clone()).collect();
            let Some(member) = self.problems.get_mut(&member) else { continue };
            let (level, is_open) = (member.level(), member.resolved_at.is_none());
            for (receiver, ear) in member.ears.iter_mut().filter(|(_, ear)| ear.under == Some(number)) {
                // Both may end by quiet in the same breath, in either order.
                let open = if ending { !over && told_over.contains(receiver) } else { is_open };
                (ear.knows, ear.told_over, ear.level, ear.ever) = (open, !open, level, true);
                (ear.failures, ear.runs, ear.free_since) = (failures, runs, None);
                (ear.withheld, ear.last_at) = (None, Some(now));
            }
        }
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
