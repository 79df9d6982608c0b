//! Who may be told the line of the day: it counts what happened in every workspace.

use std::collections::BTreeMap;

use crate::config::Daily;
use crate::config::cx::Cx;
use crate::config::parts::Receiver;
use crate::config::path::Path;

/// Receivers of the line that are bound to workspaces. Those of `[defaults]` are left out, those that `[daily]` names are a mistake.
pub(in crate::config) fn daily(
    cx: &Cx<'_>,
    daily: &mut Daily,
    receivers: &BTreeMap<String, Receiver>,
    named: Option<&Path>,
) {
    let bound = |name: &String| receivers.get(name).is_some_and(|receiver| receiver.workspaces.is_some());
    if let Some(path) = named {
        for name in daily.notify.iter().filter(|name| bound(name)) {
            cx.error(
                path,
                format!("{name:?} is bound to workspaces, and the line of the day counts what happened in all of them"),
                Some("name a receiver without `workspaces`".to_owned()),
            );
        }
    }
    daily.notify.retain(|name| !bound(name));
}
