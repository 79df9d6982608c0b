//! One poll: look, learn what is new, hand it over, remember how far that went. It must not know how runs are mapped.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, NotTaken, OpenRun, PollError, Polled};
use super::api::{Api, FaultKind, Transport, Wanted};
use super::checkpoint::Checkpoint;
use super::ends::{is_failure, is_open};
use super::look::{Reach, Round, Version, earlier, ended_at, number};
use super::mail::Mail;
use super::mapping::View;
use super::names::Directory;
use super::post::Triggers;
use super::tell::{Need, Pass, Tried};
use super::wire::Row;
use crate::config::N8nSource;
use crate::run::{RunKey, RunStatus};

/// So long a row that can't be read keeps the floor from rising: it may be a failure, and it may be one that nobody will ever read.
const ODD: SignedDuration = SignedDuration::from_mins(3);

/// Polls one n8n.
#[derive(Debug)]
pub(in crate::source) struct Watcher<T> {
    pub(super) name: String,
    pub(super) api: Api<T>,
    pub(super) view: View,
    pub(super) reach: Reach,
    pub(super) version: Version,
    pub(super) every: Duration,
    pub(super) names: Directory,
    pub(super) mail: Mail,
    pub(super) triggers: Triggers,
    /// Runs whose data could not be had.
    pub(super) tried: BTreeMap<u64, Tried>,
    /// The run that was asked for last, one by one.
    turn: u64,
    /// Since when there is a row that can't be read, by our clock.
    odd: Option<Timestamp>,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

impl<T: Transport> Watcher<T> {
    pub(super) fn new(name: String, transport: T, settings: &N8nSource, mail: Mail) -> Result<Self, PollError> {
        let span = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let reach = Reach {
            // Below this, an upgrade from 1.x could hide a crashed run.
            overlap: span(settings.polling.overlap)
                .clamp(SignedDuration::from_mins(2), SignedDuration::from_hours(240)),
            history: span(settings.polling.history).min(SignedDuration::from_hours(24 * 365)),
            cancelled: settings.tell_timeouts,
        };
        let ui = settings.ui_url.as_str().trim_end_matches('/').to_owned();
        let view = View { ui, nodes: false, tell_timeouts: settings.tell_timeouts };
        let api = Api::new(transport, &settings.url, &settings.api_key, settings.polling.timeout)?;
        Ok(Self {
            name,
            api,
            view,
            reach,
            version: Version::default(),
            every: settings.polling.every,
            names: Directory::default(),
            mail,
            triggers: Triggers::default(),
            tried: BTreeMap::new(),
            turn: 0,
            odd: None,
            first: None,
        })
    }

    pub(super) async fn read<I: Intake>(&mut self, intake: &I, now: Timestamp) -> Result<Polled, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(not_taken)?;
        let mut before = Checkpoint::read(stored.as_deref())?;
        let first = *self.first.get_or_insert(now);
        self.api.begin(now);
        if !before.settled && before.origin.is_none() {
            self.arrive(intake, &mut before, now, now.duration_since(first)).await?;
        }
        let open = intake.open_runs(&self.name).await.map_err(not_taken)?;
        // What comes after this is read by the next poll: the lists may be older than it.
        let mut letters = self.mail.take();
        let mut round = Round::new(before.clone(), self.turn);
        let mut looked = round.look(&self.api, self.reach, &mut self.version, &open, now).await;
        self.view.nodes = self.version.modern == Some(true);
        for id in letters.runs() {
            if looked.is_ok() {
                looked = round.named(&self.api, id).await;
            }
        }
        let complete = looked.is_ok() && round.faults.is_empty();
        round.faults.extend(looked.err());
        self.turn = round.turn;
        if complete {
            let children = &round.mark.children;
            self.tried.retain(|id, _| round.found.contains_key(id) || children.contains_key(id));
        }
        let mut pass = Pass::new(now);
        self.tell(intake, &mut round, &mut pass, &before).await?;
        pass.stopped |= round.faults.iter().any(|fault| fault.kind == FaultKind::Down);
        self.children(intake, &mut round, &mut pass, &before).await?;
        if complete {
            self.read_mail(intake, &mut round, &mut letters, &open, now).await?;
        }
        forget_settled(&mut round, &before, &open);
        self.odd = round.odd.as_ref().map(|_| self.odd.unwrap_or(now));
        let fresh = self.odd.is_some_and(|since| now.duration_since(since) < ODD);
        settle(&mut round, &before, fresh);
        let checkpoint = (round.mark != before).then(|| round.mark.write());
        if checkpoint.is_some() || !round.forgotten.is_empty() {
            let batch = Batch { runs: Vec::new(), forgotten: round.forgotten, checkpoint };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
        }
        match round.faults.into_iter().chain(round.odd).next() {
            Some(fault) => Err(fault.error),
            None => Ok(Polled { runs: round.told, more: round.more, again: None }),
        }
    }

    /// The first contact: notes the engine's time at which firstred began to look, so that a start that takes several
    /// tries makes no history of what failed meanwhile.
    async fn arrive<I: Intake>(
        &self,
        intake: &I,
        mark: &mut Checkpoint,
        now: Timestamp,
        waited: SignedDuration,
    ) -> Result<(), PollError> {
        let hello = Wanted { doing: "asking n8n for the first time", status: None, from: None, pages: 1 };
        if let Some(fault) = self.api.list(hello, |_| true).await.fault {
            return Err(fault.error);
        }
        let date = self.api.date().unwrap_or(now);
        mark.origin = Some(earlier(date, waited.max(SignedDuration::ZERO)));
        let batch = Batch { checkpoint: Some(mark.write()), ..Batch::default() };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }

    pub(super) fn need(&self, row: &Row, round: &Round) -> Option<Need> {
        let status = row.status.as_str();
        if is_failure(status) {
            let told = round.mark.told.contains(&row.id);
            let need = if self.is_history(row, &round.mark) { Need::Row } else { Need::Detail };
            return (!told).then_some(need);
        }
        if is_open(status) {
            return (round.mark.open.get(&row.id) != Some(&row.status)).then_some(Need::Row);
        }
        match status {
            "canceled" if self.reach.cancelled && !self.is_history(row, &round.mark) => {
                (!round.mark.told.contains(&row.id)).then_some(Need::Detail)
            }
            "success" | "canceled" => Some(Need::Row),
            _ => None,
        }
    }

    /// It ended before firstred first looked, and before the stretch of the past that is to be told.
    pub(super) fn is_history(&self, row: &Row, mark: &Checkpoint) -> bool {
        let from = mark.origin.map(|origin| earlier(origin, self.reach.history));
        !is_open(&row.status) && !mark.settled && ended_at(row).zip(from).is_some_and(|(at, from)| at < from)
    }
}

/// A letter's run that shows in another one, and so was not handed over.
fn forget_settled(round: &mut Round, before: &Checkpoint, open: &[OpenRun]) {
    let told = |run: &&OpenRun| number(&run.key.run).is_some_and(|id| before.told.contains(&id));
    let posted = open.iter().filter(|run| run.status == RunStatus::Pending).filter(told);
    let keys: Vec<RunKey> = posted.map(|run| run.key.clone()).filter(|key| !round.forgotten.contains(key)).collect();
    round.forgotten.extend(keys);
}

/// Moves on as far as everything that was read was also told, and no further. `odd`: a row could not be read, and only just now.
fn settle(round: &mut Round, before: &Checkpoint, odd: bool) {
    let mark = &mut round.mark;
    let whole = round.untold == 0 && round.faults.is_empty() && !odd;
    if !whole {
        mark.marks.clone_from(&before.marks);
        mark.newest = before.newest;
        mark.rest.clone_from(&before.rest);
    }
    mark.settled |= whole && mark.rest.is_empty();
    mark.trim(whole);
}

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
