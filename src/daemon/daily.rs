//! Asks the ledger for the line of the day when its hour has come, and logs it. That there is one line for each day is the ledger's to see to: this
//! only asks, and asks again.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::readiness::Readers;
use crate::clock;
use crate::config::Daily;
use crate::engine::due_day;
use crate::ledger::{Day, Ledger};
use crate::receiver::daily_line;
use crate::server::Checkup as _;

/// How often it is looked whether the hour has come: the wall clock may be set, so that nothing can be slept through.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A start waits so long for the first answers of the sources: none of them can be read before.
const FIRST_LOOK: Duration = Duration::from_mins(1);

pub(super) struct Days {
    pub(super) ledger: Ledger,
    pub(super) readers: Readers,
    pub(super) settings: watch::Receiver<Arc<Daily>>,
}

impl Days {
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let began = Instant::now();
        let mut done: Option<Date> = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            let settings = Arc::clone(&self.settings.borrow());
            let now = clock::now();
            let date = due_day(now, settings.at, &settings.zone);
            if done == Some(date) {
                continue;
            }
            if !self.readers.has_looked() && began.elapsed() < FIRST_LOOK {
                every.reset_after(Duration::from_secs(1));
                continue;
            }
            match self.ledger.daily(self.day(date, now, &settings)).await {
                Ok(note) => {
                    done = Some(date);
                    if let Some(note) = note {
                        tracing::info!(day = %note.date, since = %note.since, "{}", daily_line(&note));
                    }
                }
                Err(error) => tracing::warn!(?error, "the line of the day could not be made"),
            }
        }
    }

    fn day(&self, date: Date, now: jiff::Timestamp, settings: &Daily) -> Day {
        let readiness = self.readers.readiness();
        let ill = |name: &String, ok: bool| (!ok).then(|| name.clone());
        Day {
            date,
            now,
            receivers: settings.notify.clone(),
            sources: self.readers.policy.borrow().sources.keys().cloned().collect(),
            unread: readiness.sources.iter().filter_map(|source| ill(&source.name, source.ok)).collect(),
            broken: readiness.receivers.iter().filter_map(|receiver| ill(&receiver.name, receiver.ok)).collect(),
        }
    }
}
