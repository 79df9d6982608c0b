//! A local program: the notification's JSON on its standard input, a few facts in its environment, no shell. It knows the program and what
//! its exit says; how a process is run and ended is in `process.rs`.

mod process;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::process::{End, Program, Ran};
use super::common::Common;
use super::draft::{Composer, Draft};
use super::message::{Budget, text};
use super::payload;
use crate::config::ExecReceiver;
use crate::engine::{Delivery, Outcome, Subject};
use crate::triage::redact::Secrets;

/// The longest fact in the environment, in code points.
const LONGEST_FACT: usize = 1_000;

/// The exits that say "never": wrong usage, data that it does not take, no such input, user or host, a missing system file, no permission,
/// wrong configuration (sysexits.h); not executable and not found (POSIX shells). Every other one is tried again.
const NEVER: [i32; 10] = [64, 65, 66, 67, 68, 72, 77, 78, 126, 127];

/// A local program.
pub(crate) struct Exec {
    program: Program,
    timeout: Duration,
    composer: Composer,
}

impl Exec {
    pub(crate) fn new(settings: &ExecReceiver, common: &Common) -> Self {
        let environment =
            settings.environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let program = Program { command: settings.command.clone(), args: settings.args.clone(), environment };
        Self { program, timeout: common.timeout, composer: common.composer.clone() }
    }

    /// Every form that [`Self::send`] may send of `delivery`. Sends nothing.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let facts = facts(&self.composer.draft(delivery)).into_iter();
        let facts = facts.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n");
        vec![("stdin", payload::json(&delivery.notification).into_bytes()), ("environment", facts.into_bytes())]
    }

    /// One attempt: the program is run once.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Outcome {
        let draft = self.composer.draft(delivery);
        let stdin = payload::json_with(&delivery.notification, self.composer.page(delivery).as_deref()) + "\n";
        let facts = facts(&draft);
        match self.program.run(facts, stdin.into_bytes(), self.timeout).await {
            Ok(ran) => outcome(&ran, self.timeout),
            Err(error) => {
                let gone = matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied);
                let reason = reason("failed to start the program", &error.to_string());
                Outcome::Refused { permanent: gone, reason, retry_after: None }
            }
        }
    }
}

/// What the program can know without reading JSON. Each is one line, cut.
fn facts(draft: &Draft<'_>) -> Vec<(&'static str, String)> {
    let (notification, delivery) = (draft.notification(), draft.delivery);
    let message = draft.message(Budget::percent(0));
    let mut facts = vec![
        ("FIRSTRED_TYPE", payload::kind(notification.kind).to_owned()),
        ("FIRSTRED_SEVERITY", notification.severity.as_str().to_owned()),
        ("FIRSTRED_HEADLINE", message.headline.clone()),
        ("FIRSTRED_KEY", delivery.idempotency_key()),
        ("FIRSTRED_DEDUP_KEY", payload::dedup_key(notification)),
        ("FIRSTRED_ATTEMPT", delivery.attempts.saturating_add(1).to_string()),
        ("FIRSTRED_RECEIVER", delivery.receiver.clone()),
    ];
    facts.extend(notification.incident.iter().map(|note| ("FIRSTRED_INCIDENT", note.id.as_str().to_owned())));
    facts.extend(message.links.first().map(|(_, url)| ("FIRSTRED_URL", url.clone())));
    if let Subject::Run(card) = &notification.subject {
        facts.push(("FIRSTRED_WORKFLOW", card.run.workflow.title().to_owned()));
        facts.push(("FIRSTRED_RUN", card.run.id.clone()));
    }
    let bounded = |fact: &str| text::end_cut(&text::line(text::head(fact, 4_000)), LONGEST_FACT);
    facts.into_iter().map(|(name, fact)| (name, bounded(&fact))).collect()
}

/// What an end means. The last line of standard error is the reason, the first of standard output the receipt.
fn outcome(ran: &Ran, timeout: Duration) -> Outcome {
    let said = String::from_utf8_lossy(&ran.errors);
    let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match ran.end {
        End::Exit(0) => {
            let receipt = String::from_utf8_lossy(&ran.output);
            let receipt = receipt.lines().find(|line| !line.trim().is_empty()).unwrap_or("exit 0");
            Outcome::delivered(text::reason(receipt, &Secrets::default()))
        }
        End::Exit(code) => Outcome::Refused {
            permanent: NEVER.contains(&code),
            reason: reason(&format!("exit {code}"), said),
            retry_after: None,
        },
        End::Signal(signal) => Outcome::Unknown { reason: reason(&format!("killed by signal {signal}"), said) },
        End::OutOfTime => {
            let what = format!("did not end within {} s, and was killed", timeout.as_secs_f32());
            Outcome::Unknown { reason: reason(&what, said) }
        }
    }
}

fn reason(what: &str, said: &str) -> String {
    let colon = if said.trim().is_empty() { "" } else { ": " };
    text::reason(&format!("{what}{colon}{said}"), &Secrets::default())
}
