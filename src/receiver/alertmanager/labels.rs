//! The labels of an alert: its identity, and what a team routes by. Chosen when an incident is told first, and kept until it is over,
//! whatever its later failures say.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::{Kind, Notification, Severity, Subject};
use crate::receiver::alert::{Alert, name};

/// What tells two alerts apart that have everything else in common.
const IDENTITY: &str = "firstred";

const SEVERITY: &str = "severity";

/// At most so many labels of a run.
const MOST_OF_A_RUN: usize = 20;

/// The longest name of a label.
const LONGEST_NAME: usize = 60;

/// The labels of one alert. Never empty; names are `[a-zA-Z_][a-zA-Z0-9_]*`, texts are clean and none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Labels(BTreeMap<String, String>);

impl Labels {
    /// The labels of `notification`: those that are `known` where its incident was told before. Only the severity changes, and only rises:
    /// that makes another alert.
    pub(super) fn of(notification: &Notification, said: &Alert, known: Option<&Self>) -> Self {
        match known.filter(|known| known.0.get(IDENTITY) == Some(&said.key)) {
            Some(known) if known.severity() >= Some(said.severity) => known.clone(),
            Some(known) => {
                let mut labels = known.clone();
                labels.0.insert(SEVERITY.to_owned(), said.severity.as_str().to_owned());
                labels
            }
            None => Self::fresh(notification, said),
        }
    }

    /// As the ledger keeps them.
    pub(super) fn write(&self) -> String {
        Value::Object(self.map()).to_string()
    }

    /// Reads what [`Labels::write`] wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let labels: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        labels.contains_key(IDENTITY).then_some(Self(labels))
    }

    /// The labels as an object of texts.
    pub(super) fn map(&self) -> serde_json::Map<String, Value> {
        self.0.iter().map(|(name, said)| (name.clone(), Value::String(said.clone()))).collect()
    }

    fn severity(&self) -> Option<Severity> {
        let all = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
        let said = self.0.get(SEVERITY)?;
        all.into_iter().find(|severity| severity.as_str() == said)
    }

    fn fresh(notification: &Notification, said: &Alert) -> Self {
        let note = notification.incident.as_deref();
        let mut labels = BTreeMap::new();
        let mut put = |label: &str, value: Option<String>| {
            if let (Some(label), Some(value)) = (label_name(label), value) {
                labels.entry(label).or_insert(value);
            }
        };
        put(IDENTITY, Some(said.key.clone()));
        put(SEVERITY, Some(said.severity.as_str().to_owned()));
        let alert_name = match &notification.subject {
            Subject::Own(_) if notification.kind == Kind::Test => "FirstredTest",
            Subject::Own(_) => "FirstredTrouble",
            Subject::Summary(_) => "WorkflowSummary",
            Subject::Daily(_) => "FirstredDaily",
            Subject::Run(_) if note.is_some_and(|note| note.provider.is_some()) => "WorkflowServiceTrouble",
            Subject::Run(card) if card.missed.is_some() => "WorkflowRunMissed",
            Subject::Run(_) => "WorkflowRunFailed",
        };
        put("alertname", Some(alert_name.to_owned()));
        put("owner", notification.owner.as_ref().and_then(|owner| name(&owner.name)));
        if let Subject::Run(card) = &notification.subject {
            let provider = note.and_then(|note| note.provider.as_ref()).and_then(|provider| name(&provider.provider));
            let is_provider = provider.is_some();
            put("service", provider);
            put("source", name(&card.source));
            put("workspace", name(&card.run.workspace));
            put("workflow", name(card.run.workflow.title()).filter(|_| !is_provider));
            put("step", said.step.clone());
            put("code", said.code.clone());
            put("class", Some(card.class.as_str().to_owned()));
            let of_run = card.run.labels.iter().take(MOST_OF_A_RUN).filter(|_| !is_provider);
            of_run.for_each(|(label, value)| put(label, name(value)));
        }
        Self(labels)
    }
}

/// The name as any version of Alertmanager takes it; nothing where no letter is left. Two underscores in front are Prometheus's own.
fn label_name(said: &str) -> Option<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = said.chars().take(LONGEST_NAME).map(plain).collect();
    let name = name.trim_matches('_');
    match name.chars().next() {
        None => None,
        Some(first) if first.is_ascii_digit() => Some(format!("_{name}")),
        Some(_) => Some(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::label_name;

    #[test]
    fn every_name_is_one_that_any_version_takes() {
        let names = ["env", "team.name", "k8s/app", "9lives", "__meta", "äöü", "", "a b", "env:prod"];
        let shown: Vec<_> = names.iter().map(|name| label_name(name).unwrap_or_else(|| "-".to_owned())).collect();
        assert_eq!(shown, ["env", "team_name", "k8s_app", "_9lives", "meta", "-", "-", "a_b", "env_prod"]);
    }
}
