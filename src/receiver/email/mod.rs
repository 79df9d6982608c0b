//! E-mail over SMTP: one connection for each delivery, under one deadline. It knows its server and its addresses.

mod html;
mod message;
mod outcome;
mod session;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thread_tests;

use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use secrecy::ExposeSecret as _;

use self::session::{Progress, Server};
use super::common::Common;
use super::draft::Composer;
use super::{BuildError, own_secrets};
use crate::config::{EmailReceiver, SmtpSecurity, SmtpServer, Way};
use crate::engine::{Delivery, Outcome};
use crate::triage::redact::Secrets;

/// How long a polite goodbye may take. The mail is delivered by then, whatever comes of it.
const QUIT: Duration = Duration::from_secs(1);

/// E-mail.
pub(crate) struct Email {
    server: Server,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// What no reason may repeat.
    own: Secrets,
    timeout: Duration,
    composer: Composer,
}

impl Email {
    pub(crate) fn build(settings: &EmailReceiver, common: &Common) -> Result<Self, BuildError> {
        let server = &settings.server;
        let tls = match server.security {
            SmtpSecurity::None => None,
            SmtpSecurity::Implicit | SmtpSecurity::StartTls => Some(tls(server, &common.way)?),
        };
        let implicit = server.security == SmtpSecurity::Implicit;
        let (implicit_tls, start_tls) = if implicit { (tls, None) } else { (None, tls) };
        let credentials = server.credentials.as_ref();
        Ok(Self {
            server: Server {
                host: server.host.clone(),
                port: server.port,
                implicit_tls,
                start_tls,
                credentials: credentials
                    .map(|(user, password)| Credentials::new(user.clone(), password.expose_secret().to_owned())),
                connect_timeout: common.timeout / 2,
            },
            from: settings.from.clone(),
            to: settings.to.clone(),
            own: own_secrets::email(settings),
            timeout: common.timeout,
            composer: common.composer.clone(),
        })
    }

    /// One attempt: one mail to the delivery's address, or to all addresses where it names none.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Outcome {
        let to: Vec<Mailbox> = self.to.iter().filter(|mailbox| addressed(delivery, mailbox)).cloned().collect();
        if to.is_empty() {
            let reason = "this address is no longer in the configuration".to_owned();
            return Outcome::Refused { permanent: true, reason, retry_after: None };
        }
        let mail = match message::render(&self.composer.draft(delivery), &self.from, &to) {
            Ok(mail) => mail,
            Err(error) => {
                let reason = super::message::text::reason(&format!("failed to build the mail: {error}"), &self.own);
                return Outcome::Refused { permanent: true, reason, retry_after: None };
            }
        };
        let addresses: Vec<Address> = to.into_iter().map(|mailbox| mailbox.email).collect();
        let progress = Progress::default();
        let session = self.server.send(&self.from.email, &addresses, &mail, &progress);
        // At the deadline the connection is dropped with the future: nothing half-used is left for the next mail.
        match tokio::time::timeout(self.timeout, session).await {
            Ok(Ok((sent, connection))) => {
                let outcome = outcome::of_sent(&sent, &self.own);
                if !sent.accepted.is_empty() && !sent.refused.is_empty() {
                    tracing::warn!(receiver = ?delivery.receiver, outcome = ?outcome, "some recipients were refused");
                }
                quit(connection).await;
                outcome
            }
            Ok(Err(error)) => outcome::of_error(&error, progress.stage(), &self.own),
            Err(_) => outcome::of_timeout(self.timeout.as_secs_f32(), progress.stage()),
        }
    }

    /// The mail, as it is sent to all addresses. One that can't be built is sent to nobody.
    pub(crate) fn render_all(&self, delivery: &Delivery) -> Vec<(&'static str, Vec<u8>)> {
        let mail = message::render(&self.composer.draft(delivery), &self.from, &self.to);
        mail.map(|mail| ("mail", mail)).into_iter().collect()
    }
}

fn addressed(delivery: &Delivery, mailbox: &Mailbox) -> bool {
    delivery.address.as_ref().is_none_or(|address| *address == mailbox.email.to_string())
}

/// Says goodbye, in the time that politeness may take.
async fn quit(mut connection: AsyncSmtpConnection) {
    // Whatever it answers: what counts was answered before.
    let _ = tokio::time::timeout(QUIT, connection.quit()).await;
}

fn tls(server: &SmtpServer, way: &Way) -> Result<TlsParameters, BuildError> {
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(path) = &way.ca_file {
        let pem = std::fs::read(path).map_err(|error| BuildError::Tls(format!("{}: {error}", path.display())))?;
        let certificate = Certificate::from_pem(&pem);
        tls = tls.add_root_certificate(certificate.map_err(|error| BuildError::Tls(error.to_string()))?);
    }
    tls.build().map_err(|error| BuildError::Tls(error.to_string()))
}
