//! `[[expect]]`: what must happen, or must not, though no run fails.

use std::collections::BTreeSet;
use std::time::Duration;

use super::matcher::workflows;
use super::{Items, link, name, receiver_names, severity};
use crate::config::path::Path;
use crate::config::read::{At, Section, boolean, number, span};
use crate::engine::{Expectation, Expected};

const EXPECTATIONS: Items = Items { section: "expect", one: "expectation", why: "messages and the log name it" };

const EXAMPLES: &str = "write one of success_every = \"25h\", running_at_most = \"2h\", running_at_most_usual = 3.0, \
                        waiting_at_most = \"1d\", reauthorization = true";

/// `[[expect]]`, with where each stands. One that says no `notify` tells those whom `[defaults]` tells.
pub(in crate::config) fn expectations(
    at: &At<'_>,
    default_notify: &[String],
    rules: &BTreeSet<String>,
) -> Option<Vec<(Expectation, Path)>> {
    EXPECTATIONS.each(at, |at, index| {
        let expectation = expectation(at, index, default_notify, rules)?;
        Some((expectation, at.path.clone()))
    })
}

fn expectation(at: &At<'_>, index: usize, default_notify: &[String], rules: &BTreeSet<String>) -> Option<Expectation> {
    let section = Section::open(at, "expect")?;
    let name = section.get("name", name).unwrap_or_else(|| EXPECTATIONS.name(index));
    if rules.contains(&name) {
        let help = "messages and the log name either: give each its own name".to_owned();
        at.cx.error(&at.path.key("name"), format!("a rule is named {name:?}, too"), Some(help));
    }
    let when = section.get("match", workflows);
    let lost = section.has("match") && when.is_none();
    let expected = expected(at, &section);
    let severity = section.get("severity", severity);
    let notify = section.get("notify", receiver_names);
    let runbook = section.get("runbook", link);
    section.finish();
    let expected = expected?;
    (!lost).then(|| Expectation {
        name,
        when: when.unwrap_or_default(),
        expected,
        severity: severity.unwrap_or_default(),
        notify: notify.unwrap_or_else(|| default_notify.to_vec()),
        runbook,
    })
}

/// The one thing that is expected. A longest time and a multiple of the usual one are one thing: whichever comes first.
fn expected(at: &At<'_>, section: &Section<'_>) -> Option<Expected> {
    let least = || span(Duration::from_secs(1));
    let success = section.get("success_every", least());
    let running = section.get("running_at_most", least());
    let usual = section.get("running_at_most_usual", |at| match number(at)? {
        times if times > 1.0 && times <= 1000.0 => Some(times),
        times => at.fail(
            format!("expected how many times the usual, over 1 and at most 1000, found {times}"),
            Some("3.0 is three times the 95th percentile".to_owned()),
        ),
    });
    let waiting = section.get("waiting_at_most", least());
    let reauthorization = section.get("reauthorization", |at| {
        if boolean(at)? {
            Some(())
        } else {
            at.fail("false expects nothing", Some("write true, or leave it out".to_owned()))
        }
    });
    let said = [
        section.has("success_every"),
        section.has("running_at_most") || section.has("running_at_most_usual"),
        section.has("waiting_at_most"),
        section.has("reauthorization"),
    ];
    match said.iter().filter(|said| **said).count() {
        0 => {
            at.cx.missing(&at.path, "nothing is expected".to_owned(), Some(EXAMPLES.to_owned()));
            return None;
        }
        1 => {}
        _ => {
            return at
                .fail("this is more than one expectation", Some(format!("{EXAMPLES}; for two, write two [[expect]]")));
        }
    }
    let broken = (section.has("running_at_most") && running.is_none())
        || (section.has("running_at_most_usual") && usual.is_none());
    let running = (!broken && said[1]).then_some(Expected::Running { at_most: running, times_usual: usual });
    let success = success.map(|every| Expected::Success { every });
    let waiting = waiting.map(|at_most| Expected::Waiting { at_most });
    success.or(running).or(waiting).or(reauthorization.map(|()| Expected::Reauthorization))
}
