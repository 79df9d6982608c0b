//! What a service is to the promises: how it is configured, how it judges a request, in which words it says no, and how it keeps what it is
//! told. It knows no promise, and nothing of firstred but its outer contract.

use serde_json::Value;

use crate::support::http::{Answer, Asked};
use crate::support::smtp::Mail;

/// One kind of receiver, as its service sees it.
#[derive(Debug)]
pub(crate) struct Service {
    /// What the tests call it.
    pub(crate) name: &'static str,
    /// The `type` in the configuration.
    pub(crate) kind: &'static str,
    /// What is written under `[receivers.NAME]`, given where the stand-in is.
    pub(crate) section: fn(base: &str) -> String,
    /// What of it nobody may ever read.
    pub(crate) secret: &'static str,
    /// How it is reached.
    pub(crate) door: Door,
    /// How it keeps what it is told of one problem.
    pub(crate) keeps: Keeps,
    /// What it makes of a request that comes twice.
    pub(crate) repeats: Repeats,
    /// It is told that somebody looks after a problem.
    pub(crate) hears_acknowledged: bool,
    /// It may take any 2xx for a yes: nothing tells its own from another's.
    pub(crate) any_2xx: bool,
    /// How it refuses the form of a message, if there is a plainer one to fall back to.
    pub(crate) form: Option<Form>,
}

/// How a service is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    /// By HTTP.
    Http(Http),
    /// By SMTP.
    Smtp(fn(&Mail) -> Judged),
    /// As a local program with the request on its standard input.
    Program(fn(&str) -> Judged),
}

/// How an HTTP service judges and answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Http {
    /// Judges a request, given what the service has stored so far.
    pub(crate) judge: fn(&Asked, &[Told]) -> Judged,
    /// "Wait so many seconds."
    pub(crate) busy: fn(u64) -> Answer,
    /// A refusal for good.
    pub(crate) gone: fn() -> Answer,
    /// The answer to a request with mistakes.
    pub(crate) malformed: fn() -> Answer,
}

/// How a service refuses the form of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// The request has a form that can be refused.
    pub(crate) is_rich: fn(&Asked) -> bool,
    /// The refusal.
    pub(crate) refusal: fn() -> Answer,
}

/// How a service keeps what it is told of one problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Each thing said is a message of its own.
    Posts,
    /// One alert that is opened and resolved.
    Alert,
    /// One message that is edited.
    Edits,
}

/// What a service makes of a request that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// It, or whoever reads it, tells a repeat by its key.
    Recognised,
    /// It can be asked whether the first arrived.
    LookedUp,
    /// People see it twice.
    Seen,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A new message that people see.
    Post,
    /// A message below another.
    Reply,
    /// A message changes.
    Edit,
    /// An alert is opened, or told again while it is open.
    Open,
    /// Something is noted at an alert.
    Note,
    /// An alert is acknowledged.
    Acknowledge,
    /// An alert is over.
    Resolve,
    /// Nothing: the service was only asked.
    Look,
}

/// What a request says, in the terms of the service.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) effect: Effect,
    /// Which message or alert it is about.
    pub(crate) thing: String,
    /// The key by which a repeat is recognised; empty where there is none.
    pub(crate) key: String,
    /// Everything that a person may read.
    pub(crate) text: String,
    /// The body, for who looks it up.
    pub(crate) body: Value,
}

/// What a service makes of a request.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) told: Told,
    /// What the service, or whoever reads it, would have against it.
    pub(crate) mistakes: Vec<String>,
    /// The answer when nothing goes wrong.
    pub(crate) yes: Answer,
}
