//! One poll: look, learn what is new, hand it over, remember how far that went. It must not know how runs are mapped.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{Batch, Intake, NotTaken, PollError, Polled, Seen};
use super::api::{Api, Fault, FaultKind, Transport, Wanted};
use super::checkpoint::Checkpoint;
use super::ends::{is_child, is_failure, is_open};
use super::family::Role;
use super::look::{Reach, Round, Version, earlier, ended_at};
use super::mail::Mail;
use super::mapping::{self, Evidence, View};
use super::names::Directory;
use super::post::Triggers;
use super::wire::{Execution, Row};
use crate::config::N8nSource;

/// How many runs are learned about, and handed over, together.
const TOGETHER: usize = 10;
/// How many rows are handed over together.
const ROWS: usize = 200;
/// So often the data of a run are asked for before it is told with what is known of it.
const TRIES: u32 = 3;
/// The most runs whose tries are counted.
const TRIED: usize = 1_000;

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
    /// How often the data of a run could not be had.
    tried: BTreeMap<u64, u32>,
    /// When we first asked, by our clock: only what passes until the first answer counts.
    first: Option<Timestamp>,
}

/// What a run needs before it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Row,
    Detail,
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
        if self.tried.len() > TRIED {
            self.tried.clear();
        }
        // What comes after this is read by the next poll: the lists may be older than it.
        let letters = self.mail.take();
        let mut round = Round::new(before.clone());
        let mut looked = round.look(&self.api, self.reach, &mut self.version, &open, now).await;
        self.view.nodes = self.version.modern == Some(true);
        for id in letters.iter().filter_map(|letter| letter.run) {
            if looked.is_ok() {
                looked = round.named(&self.api, id).await;
            }
        }
        let complete = looked.is_ok() && round.faults.is_empty();
        round.faults.extend(looked.err());
        self.tell(intake, &mut round, &before).await?;
        self.children(intake, &mut round, &before).await?;
        self.read_mail(intake, &mut round, letters, &open, complete, now).await?;
        settle(&mut round, &before);
        let checkpoint = (round.mark != before).then(|| round.mark.write());
        if checkpoint.is_some() || !round.forgotten.is_empty() {
            let batch = Batch { runs: Vec::new(), forgotten: round.forgotten, checkpoint };
            intake.take(&self.name, batch).await.map_err(not_taken)?;
        }
        match round.faults.into_iter().next() {
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

    /// Learns what the new ones among the found runs need, and hands them over, oldest first.
    async fn tell<I: Intake>(&mut self, intake: &I, round: &mut Round, before: &Checkpoint) -> Result<(), PollError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut details: Vec<Row> = Vec::new();
        for row in round.found.values() {
            match self.need(row, round) {
                Some(Need::Row) => rows.push(row.clone()),
                Some(Need::Detail) => details.push(row.clone()),
                None => {}
            }
        }
        details.sort_by_key(|row| (ended_at(row), row.id));
        let mut left = details.len();
        for chunk in details.chunks(TOGETHER) {
            match self.learn(round, chunk).await {
                Ok(known) => self.hand_over(intake, round, known, before).await?,
                Err(fault) => {
                    round.untold += left;
                    round.faults.push(fault);
                    break;
                }
            }
            left -= chunk.len();
        }
        for chunk in rows.chunks(ROWS) {
            let own: Vec<Row> = chunk.iter().filter(|row| !is_child(row)).cloned().collect();
            if round.faults.is_empty()
                && let Err(fault) = self.names.learn(&self.api, &own).await
            {
                round.faults.push(fault);
            }
            let known = own.into_iter().map(|row| Evidence::of(Execution::of(row))).collect();
            self.hand_over(intake, round, known, before).await?;
            for row in chunk {
                remember(&mut round.mark, row);
            }
        }
        Ok(())
    }

    /// What is known of these runs, without those that have to wait for the next poll and those that are told otherwise.
    async fn learn(&mut self, round: &mut Round, rows: &[Row]) -> Result<Vec<Evidence>, Fault> {
        let mut known = Vec::new();
        for row in rows {
            match self.role(row).await {
                Ok(Role::Own(evidence)) => {
                    self.tried.remove(&row.id);
                    self.names.note(&evidence.execution);
                    self.triggers.note(&evidence.execution);
                    known.push(*evidence);
                }
                Ok(Role::Folded) => {
                    remember(&mut round.mark, row);
                }
                Ok(Role::Waits(parent)) => {
                    remember(&mut round.mark, row);
                    round.mark.children.insert(row.id, parent);
                }
                Err(fault) if fault.kind == FaultKind::Down => return Err(fault),
                Err(fault) => {
                    let tries = self.tried.entry(row.id).or_default();
                    *tries += 1;
                    // That it failed is known: after some tries, that is told.
                    if *tries >= TRIES {
                        let too_large = fault.kind == FaultKind::TooLarge;
                        known.push(Evidence::of(Execution { too_large, ..Execution::of(row.clone()) }));
                    } else {
                        round.untold += 1;
                    }
                    round.faults.push(fault);
                }
            }
        }
        Ok(known)
    }

    /// What comes of a failed run.
    pub(super) async fn role(&self, row: &Row) -> Result<Role, Fault> {
        match self.api.detail(row.id).await {
            Ok(Some(execution)) => self.api.role(execution).await,
            // Deleted since it was listed, or too large to be read: that it failed is known.
            Ok(None) => Ok(Role::Own(Box::new(Evidence::of(Execution::of(row.clone()))))),
            Err(fault) if fault.kind == FaultKind::TooLarge => {
                let execution = Execution { too_large: true, ..Execution::of(row.clone()) };
                Ok(Role::Own(Box::new(Evidence::of(execution))))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Failed sub-workflows whose parents were open: they show in these, unless n8n has kept nothing of them.
    async fn children<I: Intake>(
        &mut self,
        intake: &I,
        round: &mut Round,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let done: Vec<(u64, u64)> = round
            .mark
            .children
            .iter()
            .filter(|(_, parent)| !round.mark.open.contains_key(*parent))
            .map(|(child, parent)| (*child, *parent))
            .collect();
        for (child, _) in done {
            if !round.faults.is_empty() {
                return Ok(());
            }
            let role = match self.api.detail(child).await {
                Ok(Some(execution)) => self.api.role(execution).await,
                Ok(None) => Ok(Role::Folded),
                Err(fault) => Err(fault),
            };
            match role {
                Ok(Role::Own(evidence)) => {
                    round.mark.children.remove(&child);
                    self.hand_over(intake, round, vec![*evidence], before).await?;
                }
                Ok(Role::Folded) => drop(round.mark.children.remove(&child)),
                Ok(Role::Waits(parent)) => drop(round.mark.children.insert(child, parent)),
                Err(fault) => round.faults.push(fault),
            }
        }
        Ok(())
    }

    fn need(&self, row: &Row, round: &Round) -> Option<Need> {
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
    fn is_history(&self, row: &Row, mark: &Checkpoint) -> bool {
        let from = mark.origin.map(|origin| earlier(origin, self.reach.history));
        !is_open(&row.status) && !mark.settled && ended_at(row).zip(from).is_some_and(|(at, from)| at < from)
    }

    /// Hands over what is known, together with what is remembered of it.
    async fn hand_over<I: Intake>(
        &self,
        intake: &I,
        round: &mut Round,
        known: Vec<Evidence>,
        before: &Checkpoint,
    ) -> Result<(), PollError> {
        let mut runs = Vec::with_capacity(known.len());
        for evidence in &known {
            let row = &evidence.execution.row;
            let history = self.is_history(row, &round.mark);
            let run = mapping::run(evidence, self.names.of(row), &self.view);
            runs.extend(run.map(|run| Seen { run, history }));
        }
        for evidence in &known {
            remember(&mut round.mark, &evidence.execution.row);
        }
        if runs.is_empty() {
            return Ok(());
        }
        round.told += runs.len();
        // Should this process end before the poll does, these need not be learned about again.
        let so_far = Checkpoint {
            told: round.mark.told.clone(),
            open: round.mark.open.clone(),
            children: round.mark.children.clone(),
            ..before.clone()
        };
        let batch = Batch { runs, checkpoint: Some(so_far.write()), ..Batch::default() };
        intake.take(&self.name, batch).await.map_err(not_taken)
    }
}

/// Remembers that a run was told in its present state, or need not be.
fn remember(mark: &mut Checkpoint, row: &Row) {
    if is_open(&row.status) {
        mark.open.insert(row.id, row.status.clone());
        return;
    }
    mark.open.remove(&row.id);
    if row.status == "success" {
        mark.told.remove(&row.id);
    } else {
        mark.told.insert(row.id);
    }
}

/// Moves on as far as everything that was read was also told, and no further.
fn settle(round: &mut Round, before: &Checkpoint) {
    let mark = &mut round.mark;
    if round.untold > 0 || !round.faults.is_empty() {
        mark.marks.clone_from(&before.marks);
        mark.newest = before.newest;
        mark.rest.clone_from(&before.rest);
    }
    mark.settled |= round.untold == 0 && round.faults.is_empty() && mark.rest.is_empty();
    mark.trim();
}

pub(super) fn not_taken(error: NotTaken) -> PollError {
    PollError { doing: "handing over what was read".to_owned(), reason: error.reason, retry_after: None }
}
