//! The one writer: a thread that drains its queue into one transaction, commits, and only then answers each caller. It knows when
//! to commit and what to do when that fails; what is written is said in the files beside it.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, watch};

use super::apply::{self, Hot};
use super::bells::{Bells, Effects};
use super::checkpoint::Bell;
use super::command::{Answer, Command, Work};
use super::failing::Memory;
use super::reserve::Reserve;
use super::trouble::Met;
use super::{LedgerError, daily, failing, hold, outbox, park, people, prune, read, release, sweep, trouble};
use crate::clock;
use crate::engine::Policy;
use crate::metrics::{AttemptLabel, Metrics};

/// The most commands of one transaction, and the most rows that they are about.
const MAX_COMMANDS: usize = 256;
const MAX_WEIGHT: usize = 2_000;

/// What the writer has besides its connection.
pub(super) struct Writer {
    pub(super) inbox: mpsc::UnboundedReceiver<Command>,
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) bells: Arc<Bells>,
    pub(super) metrics: Metrics,
    pub(super) reserve: Reserve,
    pub(super) checkpointer: Bell,
    /// The last commit went through.
    pub(super) healthy: bool,
    /// The policy of the last commit; none at the start.
    pub(super) in_force: Option<Arc<Policy>>,
    /// What is remembered beside the tables may not be what they say: a transaction was undone.
    pub(super) stale: bool,
    /// The board may not be what the tables say.
    pub(super) stale_board: bool,
}

/// However the thread ends, the metrics don't say that it still writes.
struct Ended(Metrics);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ledger_ok.set(0);
    }
}

impl Writer {
    /// Writes until it is told to close, or until nobody is left to ask.
    pub(super) fn run(mut self, db: &Connection) -> rusqlite::Result<()> {
        let _ended = Ended(self.metrics.clone());
        let mut hot = Hot::prepare(db)?;
        let mut arrived = Vec::with_capacity(MAX_COMMANDS);
        let mut waiting = VecDeque::with_capacity(MAX_COMMANDS);
        let mut group = Vec::with_capacity(MAX_COMMANDS);
        // A transaction of nothing: only what a start changes. Where it fails, the next one does that.
        if let Err(error) = self.transact(&mut hot, &[]) {
            tracing::warn!(?error, "the ledger could not begin anew");
        }
        loop {
            if waiting.is_empty() && self.inbox.blocking_recv_many(&mut arrived, MAX_COMMANDS) == 0 {
                return Ok(());
            }
            for command in arrived.drain(..) {
                match command.work {
                    // What was sent before it is still in the queue and is written; what comes after is refused.
                    Work::Close => self.inbox.close(),
                    _ => waiting.push_back(command),
                }
            }
            take_group(&mut waiting, &mut group);
            self.commit(&mut hot, &mut group);
        }
    }

    fn commit(&mut self, hot: &mut Hot<'_>, group: &mut Vec<Command>) {
        if !self.reserve.restore() {
            // Full until there is room for the reserve again: the last blocks are for what was sent.
            self.ails(&LedgerError::Full);
            refuse_the_rest(group);
        }
        if group.is_empty() {
            return;
        }
        match self.transact(hot, group) {
            Ok(answers) => {
                self.checkpointer.committed(group.iter().map(|command| command.work.weight()).sum());
                answer(group, answers);
            }
            Err(error) => {
                if error == LedgerError::Full {
                    self.reserve.release();
                    refuse_the_rest(group);
                } else if error.is_environment() {
                    for command in group.drain(..) {
                        let _ = command.answer.send(Err(error.clone()));
                    }
                    return;
                }
                // One of them is at fault: each for itself, so that it fails alone.
                for command in group.drain(..) {
                    let result = self.transact(hot, std::slice::from_ref(&command));
                    if let Err(error) = &result {
                        tracing::error!(?error, work = work_name(&command.work), "the ledger did not take this");
                    }
                    let result = result.and_then(|answers| answers.into_iter().next().ok_or(LedgerError::Closed));
                    let _ = command.answer.send(result);
                }
            }
        }
    }

    /// All of `group` in one transaction, or nothing of it.
    fn transact(&mut self, hot: &mut Hot<'_>, group: &[Command]) -> Result<Vec<Answer>, LedgerError> {
        let mut effects = Effects::default();
        let policy = Arc::clone(&self.policy.borrow());
        let result = self.try_transact(hot, group, &policy, &mut effects);
        match &result {
            Ok(_) => {
                self.stale = false;
                self.stale_board = false;
                hot.taken = false;
                self.in_force = Some(policy);
                self.committed(&effects);
            }
            Err(error) => {
                self.stale = true;
                self.stale_board |= hot.board_moved(error);
                if !hot.db.is_autocommit()
                    && let Err(error) = hot.db.execute_batch("ROLLBACK")
                {
                    tracing::error!(?error, "the ledger can't roll back");
                }
                if error.is_environment() {
                    self.ails(error);
                }
            }
        }
        result
    }

    fn try_transact(
        &self,
        hot: &mut Hot<'_>,
        group: &[Command],
        policy: &Arc<Policy>,
        effects: &mut Effects,
    ) -> Result<Vec<Answer>, LedgerError> {
        #[cfg(test)]
        if let [Command { work: Work::Sql(sql), .. }] = group {
            hot.db.execute_batch(sql)?;
            return Ok(vec![Answer::Done]);
        }
        hot.journal.clear();
        hot.tally.clear();
        hot.db.prepare_cached("BEGIN IMMEDIATE")?.raw_execute()?;
        let other_rules = !self.in_force.as_ref().is_some_and(|in_force| Arc::ptr_eq(in_force, policy));
        if self.stale {
            hot.memory = Memory::load(hot.db)?;
        }
        if self.stale_board {
            hot.reload_board(policy, effects)?;
        }
        if other_rules {
            failing::begin_anew(hot, policy, clock::now())?;
        }
        if other_rules || self.stale_board {
            hot.adopt(policy)?;
        }
        if !self.healthy {
            // A transaction that changes nothing would prove nothing.
            hot.db
                .prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES ('probe', ?1)")?
                .execute([clock::now().as_microsecond()])?;
        }
        let mut answers = Vec::with_capacity(group.len());
        for command in group {
            answers.push(work(hot, &command.work, policy, effects)?);
        }
        hot.save_board()?;
        hot.save_tally()?;
        hot.journal.append(hot.db)?;
        hot.look_ahead(policy, effects);
        hot.db.prepare_cached("COMMIT")?.raw_execute()?;
        Ok(answers)
    }

    fn ails(&mut self, error: &LedgerError) {
        if self.healthy {
            tracing::error!(?error, "the ledger does not take commits");
            self.healthy = false;
            self.metrics.ledger_ok.set(0);
        }
    }

    fn committed(&mut self, effects: &Effects) {
        // A commit into the last blocks of a full disk is no sign of health.
        if !self.healthy && self.reserve.is_held() {
            tracing::info!("the ledger takes commits again");
            self.healthy = true;
            self.metrics.ledger_ok.set(1);
        }
        self.metrics.commits.inc();
        self.bells.ring(&effects.due);
        if effects.held {
            self.bells.holds.notify_one();
        }
        for (receiver, count) in &effects.given_up {
            let label = AttemptLabel { receiver: receiver.clone(), outcome: "given_up" };
            self.metrics.attempts.get_or_create(&label).inc_by(*count);
        }
    }
}

fn work(hot: &mut Hot<'_>, work: &Work, policy: &Policy, effects: &mut Effects) -> Result<Answer, LedgerError> {
    match work {
        Work::Observe(batch, written) => apply::observe(hot, batch, written, policy, effects).map(|()| Answer::Done),
        Work::Record { attempt, seed } => outbox::record(hot, attempt, *seed, policy, effects).map(|()| Answer::Done),
        Work::Say { notification, receivers } => {
            hot.tell(outbox::NO_RUN, None, notification, receivers, policy, effects).map(|()| Answer::Done)
        }
        Work::Raise { trouble, now } => {
            let met = Met { trouble, address: "", transient: true, count: 1, at: *now };
            trouble::raise(hot, &met, policy, effects).map(Answer::Changed)
        }
        Work::Settle { what, now } => trouble::settle(hot, what, *now).map(Answer::Changed),
        Work::Sweep { now } => sweep::sweep(hot, *now, policy, effects).map(Answer::Changed),
        Work::Read { source, began, now } => {
            read::read(hot, source, *began, *now, policy, effects).map(|()| Answer::Done)
        }
        Work::EndHolds { now } => hold::end(hot, *now, policy, effects).map(Answer::Next),
        Work::Release { receiver, now } => release::release(hot, receiver, *now, policy, effects).map(Answer::Released),
        Work::Park { delivery, reason, now } => {
            park::park(hot, *delivery, reason, *now, policy, effects).map(|()| Answer::Done)
        }
        Work::Acknowledge { id, by, now } => {
            people::acknowledge(hot, (id, by), *now, policy, effects).map(Answer::Acknowledged)
        }
        Work::Silence { silence, now } => people::silence(hot, silence, *now, policy, effects).map(Answer::Silenced),
        Work::EndSilence { id, now } => people::end_silence(hot, id, *now, policy, effects).map(Answer::Silenced),
        Work::Daily(day) => daily::daily(hot, day, policy, effects).map(|note| Answer::Daily(note.map(Box::new))),
        Work::Beat { now } => {
            hot.db
                .prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES ('beat', ?1)")?
                .execute([now.as_microsecond()])?;
            Ok(Answer::Done)
        }
        Work::Prune { before, place } => {
            prune::prune(hot, *before, *place).map(|(runs, next)| Answer::Pruned { runs, next })
        }
        Work::Close => Ok(Answer::Done),
        #[cfg(test)]
        Work::Sql(_) => Err(LedgerError::Failed("SQL runs alone".to_owned())),
    }
}

fn take_group(waiting: &mut VecDeque<Command>, group: &mut Vec<Command>) {
    let mut weight = 0;
    while let Some(next) = waiting.front() {
        weight += next.work.weight();
        if !group.is_empty() && weight > MAX_WEIGHT {
            break;
        }
        group.extend(waiting.pop_front());
    }
}

fn refuse_the_rest(group: &mut Vec<Command>) {
    for command in group.extract_if(.., |command| !command.work.is_vital()) {
        let _ = command.answer.send(Err(LedgerError::Full));
    }
}

fn answer(group: &mut Vec<Command>, answers: Vec<Answer>) {
    for (command, answer) in group.drain(..).zip(answers) {
        // Whoever no longer waits reads it in the ledger.
        let _ = command.answer.send(Ok(answer));
    }
}

fn work_name(work: &Work) -> &'static str {
    match work {
        Work::Observe(..) => "observe",
        Work::Record { .. } => "record",
        Work::Say { .. } => "say",
        Work::Raise { .. } => "raise",
        Work::Settle { .. } => "settle",
        Work::Sweep { .. } => "sweep",
        Work::Read { .. } => "read",
        Work::EndHolds { .. } => "end holds",
        Work::Release { .. } => "release",
        Work::Park { .. } => "park",
        Work::Acknowledge { .. } => "acknowledge",
        Work::Silence { .. } => "silence",
        Work::EndSilence { .. } => "end silence",
        Work::Daily(_) => "line of the day",
        Work::Beat { .. } => "beat",
        Work::Prune { .. } => "prune",
        Work::Close => "close",
        #[cfg(test)]
        Work::Sql(_) => "sql",
    }
}
