//! Ends holds when their time has come. The deadlines are in the ledger; this task only knows when to look.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::ledger::Ledger;

/// A clock that is set forward must not leave a hold unended for longer than this.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(15);

pub(super) async fn run(ledger: Ledger, stop: CancellationToken) {
    let wakeup = ledger.hold_wakeup();
    while !stop.is_cancelled() {
        let woken = wakeup.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let now = clock::now();
        let wait = match ledger.end_holds(now).await {
            Ok(Some(next)) => Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO),
            Ok(None) => LOOK_AT_LEAST_EVERY,
            Err(error) => {
                tracing::warn!(?error, "holds that are due could not be ended; trying again");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = woken => {}
            () = tokio::time::sleep_until(Instant::now() + wait.min(LOOK_AT_LEAST_EVERY)) => {}
        }
    }
}
