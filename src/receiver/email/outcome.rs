//! What an SMTP session means for a delivery. Pure: it knows replies and stages, no connection.

use std::error::Error as _;

use lettre::Address;

use super::session::Stage;
use crate::engine::Outcome;
use crate::receiver::message::text;
use crate::triage::redact::Secrets;

/// Greylisting asks to come back after a minute or more (RFC 6647 section 2); this is a floor, the schedule grows from there.
const GREYLIST_SECONDS: i64 = 60;

type SmtpError = lettre::transport::smtp::Error;

/// A session that came to its end.
#[derive(Debug)]
pub(super) struct Sent {
    /// The server's words after the final dot; nothing where no recipient was accepted.
    pub(super) receipt: Option<String>,
    pub(super) accepted: Vec<String>,
    pub(super) refused: Vec<Refusal>,
}

/// A recipient that the server did not take.
#[derive(Debug)]
pub(super) struct Refusal {
    address: String,
    permanent: bool,
    reply: String,
}

impl Refusal {
    pub(super) fn of(address: &Address, error: &SmtpError) -> Self {
        Self { address: address.to_string(), permanent: error.is_permanent(), reply: reply(error) }
    }

    fn words(&self) -> String {
        format!("{}: {}", self.address, self.reply)
    }
}

/// What a session that came to its end means.
///
/// A delivery names one address (see `Delivery::address`), so that its outcome is clear. A delivery to several at once is told
/// truly too: what was put off for some is tried again for all, with the same Message-ID, for a repeat is better than a loss.
pub(super) fn of_sent(sent: &Sent, own: &Secrets) -> Outcome {
    let refused = |only_transient: bool| {
        let refusals = sent.refused.iter().filter(|refusal| !only_transient || !refusal.permanent);
        refusals.map(Refusal::words).collect::<Vec<_>>().join("; ")
    };
    let put_off = sent.refused.iter().any(|refusal| !refusal.permanent);
    match &sent.receipt {
        Some(receipt) if sent.refused.is_empty() => Outcome::delivered(text::reason(receipt, own)),
        Some(receipt) if !put_off => {
            let to = sent.accepted.join(", ");
            Outcome::Delivered {
                receipt: text::reason(&format!("{receipt} for {to}; refused for {}", refused(false)), own),
                plain: false,
                post: None,
            }
        }
        _ if put_off => Outcome::Refused {
            permanent: false,
            reason: text::reason(&refused(true), own),
            retry_after: Some(GREYLIST_SECONDS),
        },
        _ => Outcome::Refused { permanent: true, reason: text::reason(&refused(false), own), retry_after: None },
    }
}

/// What an error at `stage` means.
pub(super) fn of_error(error: &SmtpError, stage: Stage, own: &Secrets) -> Outcome {
    let place = stage.words();
    if error.status().is_some() {
        // Until the sender is named, a refusal is about the server, the certificate or the login: a person repairs it, and the queue
        // is kept meanwhile. So is 530 (authentication required), wherever it comes.
        let settled = stage >= Stage::Mail
            && error.is_permanent()
            && error.status().is_some_and(|code| code.to_string() != "530");
        // 421 closes the connection: it says nothing of this mail, and the server may be back in a second.
        let closes = error.status().is_some_and(|code| code.to_string() == "421");
        let greylisted = error.is_transient() && stage >= Stage::Mail && !closes;
        let retry_after = greylisted.then_some(GREYLIST_SECONDS);
        let reason = text::reason(&format!("refused at {place}: {}", reply(error)), own);
        return Outcome::Refused { permanent: settled, reason, retry_after };
    }
    if stage == Stage::Body && !error.is_client() {
        return Outcome::Unknown {
            reason: text::reason(&format!("connection lost at {place}: {}", causes(error)), own),
        };
    }
    let said = causes(error);
    let certificate = said.contains("certificate") || said.contains("UnknownIssuer") || error.is_tls();
    let reason = match stage {
        _ if certificate => format!("the server's certificate or its TLS is not accepted: {said}"),
        Stage::Connect => format!("failed to connect: {said}"),
        _ => format!("failed at {place}: {said}"),
    };
    Outcome::Refused { permanent: false, reason: text::reason(&reason, own), retry_after: None }
}

/// What a deadline that passed at `stage` means.
pub(super) fn of_timeout(seconds: f32, stage: Stage) -> Outcome {
    let reason = format!("no answer at {} within {seconds} s", stage.words());
    if stage == Stage::Body {
        Outcome::Unknown { reason }
    } else {
        Outcome::Refused { permanent: false, reason, retry_after: None }
    }
}

/// `550 no such user`: the code and the server's words.
fn reply(error: &SmtpError) -> String {
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    text::line(&format!("{code} {}", error.source().map(ToString::to_string).unwrap_or_default()))
}

/// What caused the error, each cause said once. lettre's own words (`Connection error`) say less than their causes.
fn causes(error: &SmtpError) -> String {
    let mut said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let mut cause = error.source().and_then(std::error::Error::source);
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.contains(&words) {
            said = format!("{said}: {words}");
        }
        cause = error.source();
    }
    said
}
