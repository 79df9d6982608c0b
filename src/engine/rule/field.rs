//! What failures are grouped by: the fields of a failure that must be equal for it to be the same problem.

use std::borrow::Cow;

use super::Facts;

/// One entry of `group_by`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The source's name.
    Source,
    /// The workflow.
    Workflow,
    /// The workflow's version.
    Version,
    /// The title of the first failed step, without the index of a mapped one.
    Step,
    /// The kind of the step.
    Kind,
    /// The error's code.
    Code,
    /// The class.
    Class,
    /// The provider's HTTP status.
    Status,
    /// The service that the step called.
    Provider,
    /// The identity of the error.
    Fingerprint,
    /// What started the run.
    Trigger,
    /// The run: each is its own problem.
    Run,
    /// A label.
    Label(String),
}

impl Field {
    /// What groups where the configuration does not say: workflow, first failed step, code.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        vec![Self::Workflow, Self::Step, Self::Code]
    }

    /// As the configuration names it.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Source => "source",
            Self::Workflow => "workflow",
            Self::Version => "version",
            Self::Step => "step",
            Self::Kind => "kind",
            Self::Code => "code",
            Self::Class => "class",
            Self::Status => "status",
            Self::Provider => "provider",
            Self::Fingerprint => "fingerprint",
            Self::Trigger => "trigger",
            Self::Run => "run",
            Self::Label(name) => return Cow::Owned(format!("labels.{name}")),
        })
    }

    /// The field that the configuration calls `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "source" => Self::Source,
            "workflow" => Self::Workflow,
            "version" => Self::Version,
            "step" => Self::Step,
            "kind" => Self::Kind,
            "code" => Self::Code,
            "class" => Self::Class,
            "status" => Self::Status,
            "provider" => Self::Provider,
            "fingerprint" => Self::Fingerprint,
            "trigger" => Self::Trigger,
            "run" => Self::Run,
            _ => Self::Label(name.strip_prefix("labels.").filter(|label| !label.is_empty())?.to_owned()),
        })
    }

    /// What the failure has there; nothing where it has none.
    #[must_use]
    pub fn of<'a>(&self, facts: Facts<'a>) -> Option<Cow<'a, str>> {
        let card = facts.card();
        let error = card.cause.error();
        match self {
            Self::Source => Some(Cow::Borrowed(card.source.as_str())),
            Self::Workflow => Some(Cow::Borrowed(card.run.workflow.key())),
            Self::Version => card.run.workflow.version.as_deref().map(Cow::Borrowed),
            Self::Step => card.cause.step_title().map(|title| Cow::Owned(crate::triage::without_index(title))),
            Self::Kind => card.cause.step_kind().map(Cow::Borrowed),
            Self::Code => error.map(|error| Cow::Borrowed(error.code.as_str())),
            Self::Class => Some(Cow::Borrowed(card.class.as_str())),
            Self::Status => error.and_then(|error| error.provider_status).map(|status| Cow::Owned(status.to_string())),
            Self::Provider => card.provider.as_deref().map(Cow::Borrowed),
            Self::Fingerprint => Some(Cow::Borrowed(card.fingerprint.0.as_str())),
            Self::Trigger => card.run.trigger.as_deref().map(Cow::Borrowed),
            Self::Run => Some(Cow::Borrowed(card.run.id.as_str())),
            Self::Label(name) => card.run.labels.get(name).map(|value| Cow::Borrowed(value.as_str())),
        }
    }
}
