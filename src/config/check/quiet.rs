//! Quiet hours that would never end.

use std::collections::BTreeMap;

use crate::config::cx::Cx;
use crate::config::parts::{Receiver, Schedules, is_always_on};

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
