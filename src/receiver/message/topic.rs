//! What an incident is about, in words that stay the same from its first message to its last: its subject, and the name that all
//! messages call it by. It knows no channel and no state.

use super::{code, missed, named, text};
use crate::engine::{IncidentNote, Notification};
use crate::triage::{Card, Cause, without_index};

/// The longest name in a headline.
const NAME: usize = 48;
/// The longest step in a headline.
const STEP: usize = 32;
/// The longest code in a headline.
const CODE: usize = 48;

/// What an incident is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    /// The workflow, the service, or what the failures have in common.
    pub(super) name: String,
    /// The first failed step, where all of its failures have the same.
    pub(super) step: Option<String>,
    /// The code, where all have the same.
    pub(super) code: Option<String>,
    /// What is wrong where no run has failed: `has not succeeded`.
    wrong: Option<&'static str>,
    /// A service fails several workflows.
    pub(super) is_provider: bool,
}

impl Topic {
    /// The topic of `note`, of which `card` is one failure.
    pub(super) fn of(notification: &Notification, note: &IncidentNote, card: &Card) -> Self {
        let title = || text::middle_cut(&named(card.run.workflow.title()), NAME);
        if let Some(provider) = &note.provider {
            let name = text::middle_cut(&named(&provider.provider), NAME);
            return Self { name, step: None, code: None, wrong: None, is_provider: true };
        }
        if let Some(missed) = &card.missed {
            let wrong = Some(missed::words(missed, notification.decided_at).constant);
            return Self { name: title(), step: None, code: None, wrong, is_provider: false };
        }
        let said = |field: &str| note.group.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str());
        // A fingerprint is made of all three; a run has one workflow and, at its end, one cause.
        let whole = said("fingerprint").is_some() || said("run").is_some();
        let step =
            said("step").map(str::to_owned).or_else(|| card.cause.step_title().filter(|_| whole).map(without_index));
        let known = card.cause.error().and_then(code);
        let code = said("code").map(str::to_owned).or_else(|| known.clone().filter(|_| whole));
        let filled = |name: String, max| {
            Some(text::line(text::head(&name, 1_000)))
                .filter(|name| !name.is_empty())
                .map(|name| text::middle_cut(&name, max))
        };
        Self {
            name: if whole || said("workflow").is_some() {
                title()
            } else {
                text::middle_cut(&common(notification, note), NAME)
            },
            step: step.and_then(|step| filled(step, STEP)),
            // What a message does not call a code, its subject must not either.
            code: code.filter(|code| known.is_some() || !says_nothing(code)).and_then(|code| filled(code, CODE)),
            wrong: None,
            is_provider: false,
        }
    }

    /// The subject: the same for everything that is said of the incident, for a mail client threads by it.
    pub(super) fn subject(&self, card: &Card) -> String {
        let name = &self.name;
        if self.is_provider {
            return format!("{name} fails several workflows");
        }
        if let Some(wrong) = self.wrong {
            return format!("{name} {wrong}");
        }
        let before = matches!(card.cause, Cause::Run { before_any_step: true, .. }) && self.code.is_some();
        let at = match &self.step {
            Some(step) => format!(" at {step}"),
            None if before => " before any step ran".to_owned(),
            None => String::new(),
        };
        let code = self.code.as_ref().map(|code| format!(": {code}")).unwrap_or_default();
        format!("{name} failed{at}{code}")
    }

    /// ` at charge-card: CARD_DECLINED`, as much as there is.
    pub(super) fn place(&self) -> String {
        let at = self.step.as_ref().map(|step| format!(" at {step}")).unwrap_or_default();
        at + &self.code()
    }

    /// `: CARD_DECLINED at charge-card`, as much as there is; for behind a sentence that has its own end.
    pub(super) fn what(&self) -> String {
        match (&self.code, &self.step) {
            (Some(code), Some(step)) => format!(": {code} at {step}"),
            (Some(only), None) => format!(": {only}"),
            (None, Some(step)) => format!(": failed at {step}"),
            (None, None) => String::new(),
        }
    }

    /// `: CARD_DECLINED`, where there is a code.
    pub(super) fn code(&self) -> String {
        self.code.as_ref().map(|code| format!(": {code}")).unwrap_or_default()
    }
}

/// The code that stands for none.
fn says_nothing(code: &str) -> bool {
    code == crate::run::UNKNOWN_ERROR || code.eq_ignore_ascii_case("failed")
}

/// What failures of several workflows have in common: `team=data`; the rule where that is all.
fn common(notification: &Notification, note: &IncidentNote) -> String {
    let pairs =
        note.group.iter().filter(|(name, value)| !matches!(name.as_str(), "step" | "code") && !value.is_empty());
    let pairs: Vec<String> = pairs
        .map(|(name, value)| {
            let value = text::end_cut(&text::line(text::head(value, 200)), 32);
            format!("{}={value}", text::line(name.strip_prefix("labels.").unwrap_or(name)))
        })
        .collect();
    if !pairs.is_empty() {
        return pairs.join(", ");
    }
    match &notification.rule {
        Some(rule) => format!("rule {}", text::line(text::head(rule, 200))),
        None => "workflows".to_owned(),
    }
}
