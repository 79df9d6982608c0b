//! The count of what failed, and reading again what was missed: the list, read as deep as the stretch goes, however little of it polls
//! read. It must not know who compares the count, nor with what.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::talk::Transport;
use super::super::{Batch, Census, Counted, Intake, PollError, Seen, Tally};
use super::Http;
use super::checkpoint::{Checkpoint, mark};
use super::detail::{Detailed, Wanted};
use super::not_taken;
use super::order::oldest_first;
use super::pages::{Page, Pager};
use super::walk::{doing, fingerprint, with_since};
use crate::run::{Run, RunKey};

/// A run that is looked for is listed by its last change, which is hardly before its end.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

impl<T: Transport> Http<T> {
    /// What the engine lists as failed in that stretch, but for what was history at the first contact.
    pub(super) async fn count<I: Intake>(
        &mut self,
        intake: &I,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Census, PollError> {
        let stored = intake.checkpoint(&self.name).await.map_err(|error| not_taken(&error))?;
        let checkpoint: Option<Checkpoint> = stored.and_then(|text| serde_json::from_str(&text).ok());
        let Some(horizon) = checkpoint.and_then(|checkpoint| checkpoint.horizon) else {
            // What is history is not decided yet.
            return Ok(Census::Counted(Tally::default()));
        };
        let from = from.max(horizon);
        let (listed, whole) = self.listed_since(from, until).await?;
        let within = |run: &Counted| run.ended.is_some_and(|ended| (from..=until).contains(&ended));
        let mut failed: Vec<Counted> = listed.iter().filter_map(Counted::of).filter(within).collect();
        failed.sort_unstable();
        failed.dedup();
        Ok(Census::Counted(Tally { failed, whole }))
    }

    /// Finds these runs in the list, asks for their details where the source does that, and hands them over.
    pub(super) async fn read_again<I: Intake>(
        &mut self,
        intake: &I,
        runs: &[Counted],
        now: Timestamp,
    ) -> Result<usize, PollError> {
        let wanted: BTreeSet<RunKey> = runs.iter().map(|run| run.key.clone()).collect();
        let oldest = runs.iter().filter_map(|run| run.ended).min();
        let from = oldest.and_then(|oldest| oldest.checked_sub(SLACK).ok()).unwrap_or(Timestamp::MIN);
        let (mut listed, _) = self.listed_since(from, now).await?;
        listed.retain(|run| wanted.contains(&run.key()));
        let mut found: Vec<Seen> = Vec::with_capacity(listed.len());
        let wants = |run: &Run| self.details.as_ref().is_some_and(|details| details.wants(run.status));
        let (detailed, plain): (Vec<Run>, Vec<Run>) = listed.into_iter().partition(wants);
        found.extend(plain.into_iter().map(|run| Seen { run, history: false }));
        if let Some(details) = &self.details {
            let wanted: Vec<_> = detailed.iter().map(|run| Wanted { id: &run.id, last_try: true }).collect();
            let answers = details.ask_all(&self.asker, &wanted).await;
            for (listed, answer) in detailed.into_iter().zip(answers) {
                // Without its details a run that was missed is still told.
                let run = if let Detailed::Found(run) = answer { *run } else { listed };
                found.push(Seen { run, history: false });
            }
        }
        let handed = found.len();
        if handed > 0 {
            self.hand_over(intake, Batch { runs: found, ..Batch::default() }).await?;
        }
        Ok(handed)
    }

    /// Everything that the list shows since `from`, each run as it was seen last; and whether there is no more of it.
    async fn listed_since(&self, from: Timestamp, now: Timestamp) -> Result<(Vec<Run>, bool), PollError> {
        let (base, _) = with_since(&self.settings.url, from);
        let mut pager = Pager::new(&self.settings.pagination, self.cursor.as_ref(), base);
        let (mut url, mut seen, mut runs) = (pager.first(), BTreeSet::new(), Vec::<Run>::new());
        let began = Instant::now();
        for number in 1..=self.settings.max_pages.max(1) {
            let doing = doing(number);
            let Some(read) = self.read(url.clone(), &doing, None, (now, began)).await? else {
                return Ok((runs, false));
            };
            if !seen.insert(fingerprint(&read)) {
                return Ok((runs, false));
            }
            let items = read.items;
            let older = |run: &Run| mark(run).is_some_and(|mark| mark < from);
            let past = !items.runs.is_empty() && !oldest_first(&items) && items.runs.iter().all(|(run, _)| older(run));
            let count = items.runs.len() + items.unreadable;
            runs.extend(items.runs.into_iter().map(|(run, _)| run));
            let page =
                Page { url: &url, headers: &read.answer.headers, body: &read.body, rows: read.rows, items: count };
            match pager.after(page, self.settings.polling.timeout).await {
                Ok(Some(next)) if !past => url = next,
                Ok(_) => return Ok((runs, true)),
                Err(reason) => {
                    let reason = self.asker.clean(&reason);
                    return Err(PollError { doing, reason, retry_after: None });
                }
            }
        }
        Ok((runs, false))
    }
}
