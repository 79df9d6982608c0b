//! What a source finds out about its engine when a person asks whether it works: what it can reach, and what stands in the way.
//! Nothing of it is handed over. It knows no engine and prints nothing.

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::talk::{Fault, FaultKind};
use crate::run::Run;

/// How an engine looks from here. Filled as far as its API says; nothing in it is guessed.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// What answers, such as "Prefect".
    pub engine: String,
    /// Its version, in its own words. Untrusted.
    pub version: Option<String>,
    /// Each question that polling asks, asked once.
    pub reached: Vec<Reached>,
    /// How many runs there are, by what they are.
    pub counts: Vec<Count>,
    /// The run that failed last, mapped with its steps.
    pub sample: Option<Run>,
    /// That we are signed in with more rights than reading needs, in words for a person; `None` where the API does not say.
    pub rights: Option<String>,
    /// What the engine's clock is ahead of ours, to the second. `None` where it shows none.
    pub ahead: Option<SignedDuration>,
    /// The requests of a poll in which nothing is new.
    pub requests: u32,
}

/// One question, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// What was asked for, such as "failed runs".
    pub what: String,
    /// What is not seen without it, such as "no failure is seen".
    pub costs: &'static str,
    /// Polling can't do without it.
    pub needed: bool,
    /// What was found, in a few words; or why nothing was.
    pub outcome: Result<String, Obstacle>,
}

/// Why a question has no answer, and what the reader can do about it. Without secrets; `why` may quote the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What happened.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// A number of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Which, such as "failed in the last 24 hours".
    pub what: String,
    /// How many.
    pub runs: u64,
    /// There are more: nobody counted further.
    pub at_least: bool,
}

/// What a question was asked of, for words about what to do.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    /// The engine, such as "Prefect".
    pub(super) engine: &'a str,
    /// Where.
    pub(super) url: &'a Url,
    /// The setting that signs in, such as "`api_key`"; nothing where nobody signs in.
    pub(super) sign_in: Option<&'a str>,
}

impl Survey {
    /// Whether everything that polling needs could be asked.
    #[must_use]
    pub fn is_good(&self) -> bool {
        !self.reached.is_empty() && self.reached.iter().all(|reached| !reached.needed || reached.outcome.is_ok())
    }

    /// What the engine's clock is ahead of ours, by a `Date` header that was read at about our `now`. `Date` has whole seconds.
    pub(super) fn hear(&mut self, date: Option<Timestamp>, now: Timestamp) {
        let second = |at: Timestamp| SignedDuration::from_secs(at.as_second());
        self.ahead = date.map(|date| second(date) - second(now));
    }
}

impl Asked<'_> {
    /// A question that polling can't do without.
    pub(super) fn needed(&self, what: &str, costs: &'static str, answer: Result<String, &Fault>) -> Reached {
        let outcome = answer.map_err(|fault| self.obstacle(fault));
        Reached { what: what.to_owned(), costs, needed: true, outcome }
    }

    /// A question that polling does without where it has no answer.
    pub(super) fn optional(&self, what: &str, costs: &'static str, answer: Result<String, &Fault>) -> Reached {
        Reached { needed: false, ..self.needed(what, costs, answer) }
    }

    /// Why there is no answer, and what to do.
    pub(super) fn obstacle(&self, fault: &Fault) -> Obstacle {
        let shape = matches!(fault.kind, FaultKind::Shape | FaultKind::TooLarge);
        Obstacle { why: fault.error.reason.clone(), remedy: self.remedy(fault.status, shape) }
    }

    /// What to do about an answer with this status, or about none. `shape` says that there was one of another kind than expected.
    pub(super) fn remedy(&self, status: Option<u16>, shape: bool) -> String {
        let (engine, place) = (self.engine, self.place());
        let by = self.sign_in.unwrap_or("a token");
        match status {
            Some(401) => match self.sign_in {
                Some(by) => format!(
                    "{engine} does not accept {by}: is it spelled out whole, not expired, and made for {place}?"
                ),
                None => format!("{engine} wants a sign-in: give this source one"),
            },
            Some(403) => format!("{by} may not read this: give it the right to read runs"),
            Some(404 | 405 | 410) => format!("is `url` ({place}) really the API of {engine}?"),
            Some(407) => "the proxy refuses us: see [network]".to_owned(),
            Some(429) => "it wants fewer requests: try again later; should this last, raise `every`".to_owned(),
            Some(300..=399) => format!("set `url` to the address that {place} leads to"),
            Some(500..) => format!("{engine} itself, or what stands before it, has a problem: see its log"),
            Some(_) => format!("see what {engine} says about it; is `url` ({place}) its API?"),
            None if shape => {
                format!("is `url` ({place}) really the API of {engine}, and its version one that firstred knows?")
            }
            None => format!("does {engine} run, and can {place} be reached from here (name, port, proxy, `ca_file`)?"),
        }
    }

    /// The address without what may be secret in it.
    fn place(&self) -> String {
        format!("{}{}", self.url.origin().ascii_serialization(), self.url.path().trim_end_matches('/'))
    }
}
