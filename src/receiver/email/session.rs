//! One SMTP session for one mail: connect, secure, authenticate, one RCPT for each recipient, the mail. It knows no message.
//!
//! lettre's pooled transport is not used: dropped at a deadline it hands the half-used connection to the next mail, which then
//! reads the wrong answers, and it stops at the first recipient that is refused (facts/receivers.md 2.4, measured).

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};

use super::outcome::{Refusal, Sent};

/// How far a session came: what a lost connection means follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Connect,
    Tls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The mail itself is on its way: from here on it may have arrived.
    Body,
}

impl Stage {
    const ALL: [Self; 7] = [Self::Connect, Self::Tls, Self::Auth, Self::Mail, Self::Rcpt, Self::Data, Self::Body];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Tls => "STARTTLS",
            Self::Auth => "authentication",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Body => "the end of the mail",
        }
    }
}

/// The stage that a session has reached, readable after its future was dropped at the deadline.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU8);

impl Progress {
    fn reached(&self, stage: Stage) {
        let index = Stage::ALL.iter().position(|other| *other == stage).unwrap_or_default();
        self.0.store(u8::try_from(index).unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::ALL.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or(Stage::Body)
    }
}

/// Where to and how.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) implicit_tls: Option<TlsParameters>,
    pub(super) start_tls: Option<TlsParameters>,
    pub(super) credentials: Option<Credentials>,
    /// For each of the host's addresses: one that swallows packets must not take the whole deadline.
    pub(super) connect_timeout: Duration,
}

type SmtpError = lettre::transport::smtp::Error;

impl Server {
    /// Sends `mail` in a session of its own. The caller sets the deadline; `progress` says how far it came.
    pub(super) async fn send(
        &self,
        from: &Address,
        to: &[Address],
        mail: &[u8],
        progress: &Progress,
    ) -> Result<(Sent, AsyncSmtpConnection), SmtpError> {
        let mut connection = self.connect(progress).await?;

        progress.reached(Stage::Mail);
        let international = to.iter().chain([from]).any(|address| !AsRef::<str>::as_ref(address).is_ascii());
        let supported = connection.server_info().supports_feature(Extension::SmtpUtfEight);
        // Without the extension the server is asked all the same: its answer says more than ours would.
        let options = if international && supported { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        connection.command(Mail::new(Some(from.clone()), options)).await?;

        progress.reached(Stage::Rcpt);
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for address in to {
            match connection.command(Rcpt::new(address.clone(), Vec::new())).await {
                Ok(_) => accepted.push(address.to_string()),
                // Only an answer is about this recipient; anything else is about the connection. So is 421.
                Err(error) => match error.status() {
                    Some(code) if code.to_string() != "421" => refused.push(Refusal::of(address, &error)),
                    _ => return Err(error),
                },
            }
        }
        if accepted.is_empty() {
            return Ok((Sent { receipt: None, accepted, refused }, connection));
        }

        progress.reached(Stage::Data);
        connection.command(Data).await?;
        progress.reached(Stage::Body);
        let answer = connection.message(mail).await?;
        let receipt = format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" "));
        Ok((Sent { receipt: Some(receipt), accepted, refused }, connection))
    }

    async fn connect(&self, progress: &Progress) -> Result<AsyncSmtpConnection, SmtpError> {
        progress.reached(Stage::Connect);
        let hello = ClientId::default();
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (self.host.as_str(), self.port),
            Some(self.connect_timeout),
            &hello,
            self.implicit_tls.clone(),
            None,
        )
        .await?;
        if let Some(tls) = &self.start_tls {
            progress.reached(Stage::Tls);
            connection.starttls(tls.clone(), &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            progress.reached(Stage::Auth);
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
}
