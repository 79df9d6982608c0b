//! firstred's own troubles in words: that a source can't be read, that a configuration was refused. Whom to tell is the engine's to say;
//! a receiver's troubles are raised by the ledger, where the failing attempt is recorded.

use jiff::Timestamp;

use crate::engine::{About, OwnTrouble};
use crate::source::Compared;

/// A source that cannot be read.
pub(super) fn blind(source: &str, since: Timestamp, error: Option<&str>) -> OwnTrouble {
    OwnTrouble {
        what: source_name(source),
        summary: format!("firstred cannot read source {source}: failures there are not seen until it answers again"),
        detail: error.map(str::to_owned),
        advice: format!("Check that the engine behind source {source} answers and that its credentials are valid."),
        since,
    }
}

/// Failed runs that polling had missed, and that a count found.
pub(super) fn missed(source: &str, count: &Compared) -> OwnTrouble {
    let (failed, missed, recalled) = (count.failed, count.missed, count.recalled);
    let left = missed.saturating_sub(recalled);
    let fate = match left {
        0 => "they were read again and are told now".to_owned(),
        _ => format!("{recalled} were read again and are told now, {left} could not be read"),
    };
    OwnTrouble {
        what: missed_name(source),
        summary: format!(
            "polling source {source} had missed failed runs: the engine counts {failed} in 24 h, the ledger knew {}; {fate}",
            failed.saturating_sub(missed)
        ),
        detail: None,
        advice: format!(
            "Look at the engine behind source {source} for what it shows late or hides, and raise `overlap` there. Should it happen \
             again, report it: a poll should have seen them."
        ),
        since: count.at,
    }
}

/// The name under which it is open that runs were missed, until a count finds none.
pub(super) fn missed_name(source: &str) -> String {
    About::Missed(source).what()
}

/// A configuration file that was refused while the daemon runs.
pub(super) fn refused_configuration(since: Timestamp, mistakes: &str) -> OwnTrouble {
    OwnTrouble {
        what: CONFIGURATION.to_owned(),
        summary: "the changed configuration was refused; the old one stays in force".to_owned(),
        detail: Some(mistakes.to_owned()),
        advice: "Run `firstred check`, repair what it names, and save the file again.".to_owned(),
        since,
    }
}

/// A ledger that lost what it knew. Nothing settles it: it is told, and not kept open.
pub(super) fn began_anew(now: Timestamp) -> OwnTrouble {
    OwnTrouble {
        what: LEDGER.to_owned(),
        summary: "the ledger was empty although firstred has run here before: it begins anew".to_owned(),
        detail: Some(
            "What failed before now and was not told yet is not told, unless `history` in [sources] asks for it."
                .to_owned(),
        ),
        advice: "Look at the engines for what failed lately; restore a backup of the ledger if there is one."
            .to_owned(),
        since: now,
    }
}

/// A dead man's switch that does not take the heartbeat.
pub(super) fn heartbeat(since: Timestamp, error: &str) -> OwnTrouble {
    OwnTrouble {
        what: About::Heartbeat.what(),
        summary: "the heartbeat is not taken: its service may say that firstred is gone, although it is well"
            .to_owned(),
        detail: Some(error.to_owned()),
        advice: "Check the url of [heartbeat], and the service behind it.".to_owned(),
        since,
    }
}

/// The name under which a source's trouble is open.
pub(super) fn source_name(source: &str) -> String {
    About::Source(source).what()
}

/// The name under which a refused configuration is open.
pub(super) const CONFIGURATION: &str = "configuration";

/// The name of the ledger's own trouble.
pub(super) const LEDGER: &str = "ledger";
