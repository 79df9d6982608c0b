//! Who may be told the line of the day: it counts what happened in every workspace, and is no alert.

use std::collections::BTreeMap;

use crate::config::Daily;
use crate::config::cx::Cx;
use crate::config::parts::Receiver;
use crate::config::path::Path;

/// What calls somebody for whatever it is sent, and keeps that open until a person closes it.
const ON_CALL: [&str; 5] = ["pagerduty", "opsgenie", "alertmanager", "goalert", "incidentio"];

/// Receivers of the line that are bound to workspaces, or are on-call tools. Those of `[defaults]` are left out, those that `[daily]` names are a mistake.
pub(in crate::config) fn daily(
    cx: &Cx<'_>,
    daily: &mut Daily,
    receivers: &BTreeMap<String, Receiver>,
    named: Option<&Path>,
) {
    let bound = |name: &String| receivers.get(name).is_some_and(|receiver| receiver.workspaces.is_some());
    let on_call = |name: &String| receivers.get(name).is_some_and(|receiver| ON_CALL.contains(&receiver.kind));
    if let Some(path) = named {
        for name in daily.notify.iter().filter(|name| on_call(name)) {
            cx.error(
                path,
                format!(
                    "{name:?} is an on-call tool: the line of the day would be an alert that somebody has to close"
                ),
                Some("name a channel, a mail address or a webhook".to_owned()),
            );
        }
        for name in daily.notify.iter().filter(|name| bound(name)) {
            cx.error(
                path,
                format!("{name:?} is bound to workspaces, and the line of the day counts what happened in all of them"),
                Some("name a receiver without `workspaces`".to_owned()),
            );
        }
    }
    daily.notify.retain(|name| !bound(name) && !on_call(name));
}
