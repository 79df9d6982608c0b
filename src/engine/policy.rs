//! Everything of the configuration that the engine decides by. Swapped whole on reload.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::rule::{Field, Matcher, Rhythm};
use super::{Kind, Patience, RuleSet, Schedule, Severity, Silence};

/// What the engine decides by.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The rules, in order.
    pub rules: RuleSet,
    /// Whom to tell of a failure that no rule matches. May be empty.
    pub default_notify: Vec<String>,
    /// How long a retry may keep a failure quiet where the rule does not say.
    pub default_hold: SignedDuration,
    /// Every receiver by name, with what the engine needs to know of it.
    pub receivers: BTreeMap<String, Audience>,
    /// Every source by name, with the tenants that it may speak for.
    pub sources: BTreeMap<String, Tenancy>,
    /// What makes failures one problem where the rule does not say.
    pub group_by: Vec<Field>,
    /// How incidents go on where the rule does not say.
    pub rhythm: Rhythm,
    /// `[schedules.NAME]`
    pub schedules: BTreeMap<String, Schedule>,
    /// `[[silences]]`
    pub silences: Vec<Silence>,
    /// `[[inhibit]]`
    pub inhibitions: Vec<Inhibition>,
    /// `[[owners]]`, in order: the first that matches owns.
    pub owners: Vec<Owner>,
    /// `[[expect]]`
    pub expectations: Vec<Expectation>,
    /// `[providers]`
    pub providers: ProviderGate,
}

impl Default for Policy {
    /// What an empty configuration says: nobody is told of anything.
    fn default() -> Self {
        Self {
            rules: RuleSet::default(),
            default_notify: Vec::new(),
            default_hold: SignedDuration::from_mins(15),
            receivers: BTreeMap::new(),
            sources: BTreeMap::new(),
            group_by: Field::usual(),
            rhythm: Rhythm::default(),
            schedules: BTreeMap::new(),
            silences: Vec::new(),
            inhibitions: Vec::new(),
            owners: Vec::new(),
            expectations: Vec::new(),
            providers: ProviderGate::default(),
        }
    }
}

/// `[[inhibit]]`: while something that `source` matches is open, what `target` matches waits.
#[derive(Debug, Clone)]
pub struct Inhibition {
    /// Its name, for the reason.
    pub name: String,
    /// An open incident that was told.
    pub source: Matcher,
    /// What waits for its end.
    pub target: Matcher,
    /// Fields that must be equal in both; a field that both lack is equal.
    pub equal: Vec<Field>,
}

/// `[[owners]]`: whose something is.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Who, as people say it.
    pub name: String,
    /// What is theirs.
    pub when: Matcher,
    /// Whom `notify = ["@owner"]` tells.
    pub notify: Vec<String>,
    /// What calls them in a message, as its receiver writes it: `<!subteam^S123>`.
    pub mention: Option<String>,
    /// Where to read on, where the rule does not say.
    pub runbook: Option<String>,
}

/// The name in `notify` that stands for the owner's receivers.
pub const OWNER: &str = "@owner";

/// When the failures of several workflows are one trouble of the service that they call. Strict: a false link hides a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderGate {
    /// So many workflows must fail by the same provider, class and status. Nothing is ever linked below it; none: never. Default 3.
    pub workflows: Option<u32>,
    /// Within this time. Default 10 minutes.
    pub within: SignedDuration,
}

impl Default for ProviderGate {
    fn default() -> Self {
        Self { workflows: Some(3), within: SignedDuration::from_mins(10) }
    }
}

/// `[[expect]]`: what must happen, or must not, though no run fails.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Its name, unique among these and the rules.
    pub name: String,
    /// The workflows; only source, workspace, workflow and labels may be named.
    pub when: Matcher,
    /// What is expected.
    pub expected: Expected,
    /// How much it matters.
    pub severity: Severity,
    /// Whom to tell.
    pub notify: Vec<String>,
    /// Where to read on.
    pub runbook: Option<String>,
}

/// What is expected of a workflow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// A success at least this often. A workflow that never ran is counted from when the rule was first in force; it must be named
    /// without a pattern, for nothing else says that it exists.
    Success {
        /// How often.
        every: SignedDuration,
    },
    /// No run goes on for longer.
    Running {
        /// At most this long.
        at_most: Option<SignedDuration>,
        /// At most so many times its usual time (the 95th percentile of at least ten runs).
        times_usual: Option<f64>,
    },
    /// No run is waiting or paused for longer.
    Waiting {
        /// At most this long.
        at_most: SignedDuration,
    },
    /// No connection waits for somebody to authorize it again, with runs parked behind it.
    Reauthorization,
}

/// What the engine knows of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// What it is, as the configuration names it: for who asks. Nothing is decided by it.
    pub kind: &'static str,
    /// The workspaces whose failures it may be told; none means all.
    pub workspaces: Option<BTreeSet<String>>,
    /// Where a delivery goes that this receiver refused for good, or that was given up.
    pub fallback: Option<String>,
    /// How long its deliveries are tried.
    pub patience: Patience,
    /// Its addresses where it has several (the recipients of a mail): each is told in a delivery of its own, so that one that is
    /// refused or put off is retried, given up and proven for itself. Empty for a receiver that is one address.
    pub addresses: Vec<String>,
    /// At most so many messages in a time; the rest becomes a summary. None: no limit.
    pub budget: Option<Budget>,
    /// The schedule of its quiet hours, in which messages wait.
    pub quiet: Option<String>,
    /// Messages from this severity on pass the quiet hours.
    pub passes: Severity,
    /// How it keeps what it is told.
    pub manner: Manner,
}

/// How a receiver keeps what it is told of one incident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    /// Each thing that is said is a message of its own: a mail, a post by a webhook.
    #[default]
    Posts,
    /// One alert whose state follows the incident's: an on-call tool.
    Alert,
    /// One message that is edited as the incident changes.
    Edits,
}

impl Manner {
    /// Whether `kind`, said where something stands that shows the problem, changes what it shows and calls nobody. Nothing withholds
    /// that: an alert that stayed open behind a silence would be wrong, and an edit is no noise.
    #[must_use]
    pub fn is_silent(self, kind: Kind) -> bool {
        match self {
            Self::Posts => false,
            Self::Alert | Self::Edits => matches!(kind, Kind::Acknowledged | Kind::Resolved),
        }
    }

    /// Whether `kind`, said where something stands that shows the problem, does not count against the receiver's budget.
    #[must_use]
    pub fn is_free(self, kind: Kind) -> bool {
        self.is_silent(kind) || (self != Self::Posts && kind == Kind::Updated)
    }
}

/// `budget` of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many messages, at least 1.
    pub messages: u32,
    /// In any stretch of this length.
    pub within: SignedDuration,
}

/// What the engine knows of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenancy {
    /// The workspace of a run that names none.
    pub workspace: Option<String>,
    /// The workspaces that its runs may name; none means all.
    pub workspaces: Option<BTreeSet<String>>,
    /// It is asked: what it does not say, it can be asked again. Else it is pushed to.
    pub polled: bool,
}

impl Default for Audience {
    /// One address that may see everything, tried for a day, without a limit.
    fn default() -> Self {
        Self {
            kind: "",
            workspaces: None,
            fallback: None,
            patience: Patience { give_up_after: SignedDuration::from_hours(24) },
            addresses: Vec::new(),
            budget: None,
            quiet: None,
            passes: Severity::Critical,
            manner: Manner::Posts,
        }
    }
}

impl Audience {
    /// Whether this receiver may be told of a failure in `workspace`.
    #[must_use]
    pub fn may_see(&self, workspace: &str) -> bool {
        self.workspaces.as_ref().is_none_or(|workspaces| workspaces.contains(workspace))
    }
}

impl Tenancy {
    /// Whether the source may speak for `workspace`.
    #[must_use]
    pub fn may_speak_for(&self, workspace: &str) -> bool {
        self.workspaces.as_ref().is_none_or(|workspaces| workspaces.contains(workspace))
    }
}
