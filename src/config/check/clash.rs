//! Names that two things have, and quiet hours that would never end.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::cx::Cx;
use crate::config::parts::{Receiver, Schedules, is_always_on};
use crate::config::path::Path;
use crate::engine::{Expectation, Rule};

/// Expectations that are named like a rule: a message names either as what it is from.
pub(in crate::config) fn names_of_both(cx: &Cx<'_>, rules: &[(Rule, Path)], expectations: &[(Expectation, Path)]) {
    let names: BTreeSet<&str> = rules.iter().map(|(rule, _)| rule.name.as_str()).collect();
    for (expectation, path) in expectations.iter().filter(|(expectation, _)| names.contains(expectation.name.as_str()))
    {
        cx.error(
            &path.key("name"),
            format!("a rule is named {:?}, too", expectation.name),
            Some("messages and the log name either: give each its own name".to_owned()),
        );
    }
}

/// Quiet hours without an end: what waits for it would never be told.
pub(in crate::config) fn never_off(cx: &Cx<'_>, receivers: &BTreeMap<String, Receiver>, schedules: &Schedules) {
    for receiver in receivers.values() {
        let Some(name) = receiver.quiet.as_deref() else {
            continue;
        };
        if schedules.get(name).is_some_and(|(schedule, _)| is_always_on(schedule)) {
            cx.error(
                &receiver.path.key("quiet"),
                format!("the schedule {name:?} is always on: what waits for its end would never be told"),
                Some("leave some time of the week out of it".to_owned()),
            );
        }
    }
}
