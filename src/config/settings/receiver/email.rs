//! `type = "email"`: what is set.

use secrecy::SecretString;

/// `type = "email"`
#[derive(Debug, Clone)]
pub struct EmailReceiver {
    /// The server.
    pub server: SmtpServer,
    /// The sender, such as `firstred <firstred@example.com>`. Display names are checked to hold no control characters.
    pub from: lettre::message::Mailbox,
    /// Whom; each is told in a delivery attempt of its own. Never empty.
    pub to: Vec<lettre::message::Mailbox>,
}

/// An SMTP server.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Host name, also what the certificate must say.
    pub host: String,
    /// Port. Default 465 for implicit TLS, 587 for STARTTLS, 25 for none.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User and password for AUTH. Never sent in clear text: refused with `SmtpSecurity::None` off loopback.
    pub credentials: Option<(String, SecretString)>,
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// `smtps://`
    Implicit,
    /// `smtp://` (required, never opportunistic).
    StartTls,
    /// `smtp://…?tls=none`: only for a relay on loopback or a trusted network.
    None,
}
