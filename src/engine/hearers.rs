//! Who hears of firstred's own troubles: whoever may see all the workspaces that the trouble may speak of. Pure.

use std::collections::BTreeSet;

use super::{Audience, OwnTrouble, Policy};

/// What a trouble is about, as its `what` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// A receiver.
    Receiver(&'a str),
    /// A source.
    Source(&'a str),
    /// Failed runs of a source that polling had missed.
    Missed(&'a str),
    /// The dead man's switch that does not take the heartbeat.
    Heartbeat,
    /// The configuration.
    Configuration,
}

impl<'a> About<'a> {
    /// What `what` names.
    #[must_use]
    pub fn of(what: &'a str) -> Self {
        if let Some(name) = what.strip_prefix("receiver ") {
            Self::Receiver(name)
        } else if let Some(name) = what.strip_prefix("source ") {
            Self::Source(name)
        } else if let Some(name) = what.strip_prefix("missed runs of ") {
            Self::Missed(name)
        } else if what == "heartbeat" {
            Self::Heartbeat
        } else {
            Self::Configuration
        }
    }

    /// The `what` of a trouble about this.
    #[must_use]
    pub fn what(self) -> String {
        match self {
            Self::Receiver(name) => format!("receiver {name}"),
            Self::Source(name) => format!("source {name}"),
            Self::Missed(name) => format!("missed runs of {name}"),
            Self::Heartbeat => "heartbeat".to_owned(),
            Self::Configuration => "configuration".to_owned(),
        }
    }
}

/// Somebody who is told of a trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearer {
    /// The receiver.
    pub receiver: String,
    /// Whether it is told the detail: what was answered may repeat what was sent.
    pub detail: bool,
}

impl Policy {
    /// Whether there still is what a trouble is about, with this address.
    #[must_use]
    pub fn knows(&self, about: About<'_>, address: &str) -> bool {
        match about {
            About::Receiver(name) => self.receivers.get(name).is_some_and(|audience| audience.has(address)),
            About::Source(name) | About::Missed(name) => self.sources.contains_key(name),
            // Whose it is settles it once it beats again, or beats no more.
            About::Heartbeat | About::Configuration => true,
        }
    }

    /// Whether `receiver` may hear of a trouble about `about`, and whether with the detail. Never the one that it is about.
    #[must_use]
    pub fn hearer(&self, about: About<'_>, receiver: &str) -> Option<Hearer> {
        let audience = self.receivers.get(receiver)?;
        let whole = audience.may_see_all(self.workspaces(about));
        let may_hear = match about {
            About::Receiver(name) => whole && name != receiver,
            About::Source(_) | About::Missed(_) => whole,
            // That the file was refused is nobody's secret; what stands in it is.
            About::Heartbeat | About::Configuration => true,
        };
        may_hear.then(|| Hearer { receiver: receiver.to_owned(), detail: whole })
    }

    /// Whom to tell: the fallback of a broken receiver, else whom every failure without a rule goes to, else everybody; of these
    /// whoever may hear of it.
    #[must_use]
    pub fn hearers(&self, about: About<'_>) -> Vec<Hearer> {
        let may_hear = |names: Vec<&String>| -> Vec<Hearer> {
            names.into_iter().filter_map(|name| self.hearer(about, name)).collect()
        };
        let fallback = match about {
            About::Receiver(name) => self.receivers.get(name).and_then(|audience| audience.fallback.as_ref()),
            About::Source(_) | About::Missed(_) | About::Heartbeat | About::Configuration => None,
        };
        let mut hearers = may_hear(fallback.into_iter().collect());
        if hearers.is_empty() {
            hearers = may_hear(self.default_notify.iter().collect());
        }
        if hearers.is_empty() {
            hearers = may_hear(self.receivers.keys().collect());
        }
        hearers
    }

    /// The workspaces that a trouble about this may speak of; none means any.
    fn workspaces(&self, about: About<'_>) -> Option<&BTreeSet<String>> {
        match about {
            About::Receiver(name) => self.receivers.get(name)?.workspaces.as_ref(),
            About::Source(name) | About::Missed(name) => self.sources.get(name)?.workspaces.as_ref(),
            About::Heartbeat | About::Configuration => None,
        }
    }
}

impl Audience {
    /// Whether this receiver is told at `address`; empty for a receiver that is one address.
    #[must_use]
    pub fn has(&self, address: &str) -> bool {
        if self.addresses.is_empty() { address.is_empty() } else { self.addresses.iter().any(|own| own == address) }
    }

    /// Whether this receiver may be told of failures in all of `workspaces`; none means any.
    fn may_see_all(&self, workspaces: Option<&BTreeSet<String>>) -> bool {
        match (&self.workspaces, workspaces) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(spoken_of)) => spoken_of.is_subset(own),
        }
    }
}

impl OwnTrouble {
    /// The trouble as it is told to who may not see what it speaks of.
    #[must_use]
    pub fn without_detail(&self) -> Self {
        Self { detail: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Tenancy;
    use crate::engine::testing::{audience, policy};

    fn bound(workspaces: &[&str]) -> Audience {
        Audience { workspaces: Some(workspaces.iter().map(|name| (*name).to_owned()).collect()), ..audience() }
    }

    /// `all` sees everything, `acme` and `both` only their own.
    fn three() -> Policy {
        let mut policy = policy(Vec::new());
        policy.receivers.clear();
        let names = [("all", audience()), ("acme", bound(&["acme"])), ("both", bound(&["acme", "globex"]))];
        policy.receivers.extend(names.map(|(name, audience)| (name.to_owned(), audience)));
        policy
    }

    fn told(policy: &Policy, about: About<'_>) -> Vec<String> {
        policy.hearers(about).into_iter().map(|hearer| hearer.receiver).collect()
    }

    #[test]
    fn a_bound_receiver_hears_only_of_what_speaks_of_its_own_workspaces() {
        let mut policy = three();
        assert_eq!(told(&policy, About::Receiver("acme")), ["all", "both"]);
        assert_eq!(told(&policy, About::Receiver("both")), ["all"], "acme may not hear of globex");
        assert!(told(&policy, About::Receiver("all")).is_empty(), "nobody else may see everything");
        let acme = Tenancy { workspace: None, workspaces: bound(&["acme"]).workspaces, ..Tenancy::default() };
        policy.sources.extend([("prod".to_owned(), acme), ("any".to_owned(), Tenancy::default())]);
        assert_eq!(told(&policy, About::Source("prod")), ["acme", "all", "both"]);
        assert_eq!(told(&policy, About::Source("any")), ["all"]);
    }

    #[test]
    fn a_fallback_or_default_that_may_not_hear_makes_room_for_who_may() {
        let mut policy = three();
        policy.default_notify = vec!["acme".to_owned()];
        if let Some(both) = policy.receivers.get_mut("both") {
            both.fallback = Some("acme".to_owned());
        }
        assert_eq!(told(&policy, About::Receiver("both")), ["all"]);
        policy.default_notify = vec!["acme".to_owned(), "all".to_owned()];
        assert_eq!(told(&policy, About::Receiver("both")), ["all"]);
    }

    #[test]
    fn only_who_may_see_everything_is_told_what_stands_in_the_configuration() {
        let hearers = three().hearers(About::Configuration);
        let told: Vec<(&str, bool)> = hearers.iter().map(|hearer| (hearer.receiver.as_str(), hearer.detail)).collect();
        assert_eq!(told, [("acme", false), ("all", true), ("both", false)]);
    }

    #[test]
    fn a_name_is_read_back_from_its_words() {
        for about in [About::Receiver("a b"), About::Source("prod"), About::Heartbeat, About::Configuration] {
            assert_eq!(About::of(&about.what()), about);
        }
    }
}
