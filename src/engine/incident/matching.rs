//! What of an incident a silence names, so that it fits its failures and no others.

use super::{Incident, What};
use crate::engine::rule::{Matcher, Pattern};
use crate::triage::{Cause, without_index};

impl Incident {
    /// A matcher that fits this problem: its workspace and workflows, and of the error what a matcher can name. A service's trouble is
    /// named by its class and status in all workflows that it fails.
    #[must_use]
    pub fn matcher(&self) -> Matcher {
        let workspace = exact([self.workspace.as_str()]);
        let mut workflows: Vec<&str> = self.points.iter().map(|point| point.workflow.as_str()).collect();
        workflows.sort_unstable();
        workflows.dedup();
        let card = self.opening.card();
        let key = card.as_ref().map(|card| card.run.workflow.key());
        if workflows.is_empty() {
            workflows.extend(key);
        }
        let all = Matcher { workspace, workflow: exact(workflows), ..Matcher::default() };
        if let What::Provider { class, status, .. } = &self.what {
            let status =
                status.iter().filter_map(|status| crate::engine::StatusPattern::parse(&status.to_string()).ok());
            return Matcher { class: vec![*class], status: status.collect(), ..all };
        }
        let Some(card) = card.filter(|card| card.missed.is_none()) else {
            return all;
        };
        let step = match &card.cause {
            Cause::Step { title, .. } => {
                let bare = without_index(title);
                // The index of a mapped step differs from run to run.
                if bare == *title {
                    exact([title.as_str()])
                } else {
                    Pattern::parse(&format!("{bare}*")).into_iter().collect()
                }
            }
            Cause::Run { .. } | Cause::Nothing => Vec::new(),
        };
        let code = exact(card.cause.error().map(|error| error.code.as_str()));
        Matcher { step, code, ..all }
    }
}

/// Patterns that fit these texts and nothing else; a text that is empty is passed over.
fn exact<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Pattern> {
    texts.into_iter().filter(|text| !text.is_empty()).map(|text| Pattern::Exact(text.to_owned())).collect()
}
