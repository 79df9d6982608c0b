//! `firstred pending`: what is held or withheld, since when, why, and when it is told.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::incidents::title;
use super::words::{count, moment, time, withheld};
use super::{Failure, Format, output, setup};
use crate::clock;
use crate::daemon::questions::Questions;
use crate::daemon::views::PendingView;
use crate::engine::Withheld;
use crate::triage::redact::clean;

pub(super) fn run(config: &Path, format: Format) -> Result<(), Failure> {
    let config = setup::config(config)?;
    let now = clock::now();
    let pending = Questions::open(&config.ledger.path, &config.policy, now)?.pending()?;
    if format == Format::Json {
        return output::say_json(&pending);
    }
    if pending.is_empty() {
        output::say("nothing is held or withheld");
    }
    for pending in &pending {
        output::say(&text(pending, now));
    }
    Ok(())
}

/// One thing that waits, in two lines.
fn text(pending: &PendingView, now: Timestamp) -> String {
    match pending {
        PendingView::Held { run, workflow, workspace, since, step, parent, until } => {
            let mut text = format!("run {} of {}", clean(run), clean(workflow));
            if !workspace.is_empty() {
                let _ = write!(text, " in workspace {}", clean(workspace));
            }
            let _ = write!(text, " is held since {}", time(*since));
            let _ = match (parent, step) {
                (Some(parent), _) => write!(text, "\n    its parent run {} is expected to tell", clean(parent)),
                (None, Some(step)) => write!(text, "\n    step {} is retried, which may repair it", clean(step)),
                (None, None) => write!(text, "\n    it is retried, which may repair it"),
            };
            let _ = write!(text, "; told {} at the latest", moment(*until, now));
            text
        }
        PendingView::Withheld { incident, receiver, why, until } => {
            let failures = count(u64::from(incident.failures), "failure", "failures");
            let mut text =
                format!("{}  {}: {failures} since {}", incident.id.as_str(), title(incident), time(incident.since));
            let _ = write!(text, "\n    not told to {}: {}", clean(receiver), withheld(why, now));
            let _ = match (why, until) {
                // Its end stands there already.
                (
                    Withheld::Silence { until: said, .. }
                    | Withheld::Quiet { until: said, .. }
                    | Withheld::Rhythm { until: said },
                    Some(until),
                ) if said == until => Ok(()),
                (_, Some(until)) => write!(text, "; told {}", moment(*until, now)),
                (Withheld::Condition { .. }, None) => write!(text, "; told as soon as it comes to that"),
                (_, None) => Ok(()),
            };
            text
        }
    }
}
