//! What earlier lives of the daemon delivered, for readiness and metrics: a start must not look as if nothing had ever arrived.

use std::path::Path;

use crate::ledger::Reader;
use crate::metrics::{Metrics, ReceiverLabel};

/// Reads when each receiver last took something. On a connection of its own: it looks at every delivery, while the ledger's reader has others
/// to find. It blocks.
pub(super) fn remember(ledger: &Path, metrics: &Metrics) {
    let known = Reader::open(ledger).map_err(|error| error.to_string());
    match known.and_then(|reader| reader.last_good().map_err(|error| error.to_string())) {
        Ok(known) => {
            for (receiver, at) in known {
                let gauge = metrics.receiver_last_success.get_or_create(&ReceiverLabel { receiver }).clone();
                // A lane may have been faster.
                gauge.set(gauge.get().max(at.as_duration().as_secs_f64()));
            }
        }
        Err(error) => tracing::warn!(error, "the ledger does not say when receivers last took something"),
    }
}
