//! An SMTP server that keeps every mail, refuses what hardened servers refuse, and fails as it is told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_parser::MessageParser;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::record::Record;
use super::smtp_session;
use super::tls::Authority;

/// The user and the password that AUTH wants, where it is asked for.
pub(crate) const USER: &str = "firstred";
/// See [`USER`].
pub(crate) const PASSWORD: &str = "smtp-password-91b7c4";

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Not at all.
    None,
    /// STARTTLS, required before MAIL.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// MAIL FROM.
    pub(crate) from: String,
    /// RCPT TO, the accepted ones.
    pub(crate) to: Vec<String>,
    /// The session was encrypted.
    pub(crate) encrypted: bool,
    /// The message as it came, dots unstuffed.
    pub(crate) raw: String,
    /// The headers by lower-case name, unfolded and decoded.
    pub(crate) headers: BTreeMap<String, String>,
    /// The text part.
    pub(crate) text: String,
    /// The HTML part.
    pub(crate) html: String,
}

impl Mail {
    /// The subject.
    pub(crate) fn subject(&self) -> &str {
        self.headers.get("subject").map_or("", String::as_str)
    }

    /// Subject, text or HTML hold `needle`.
    pub(crate) fn says(&self, needle: &str) -> bool {
        self.subject().contains(needle) || self.text.contains(needle) || self.html.contains(needle)
    }
}

/// What goes wrong; shared between the test and the sessions.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// RCPT TO these is answered 550.
    pub(crate) refused: BTreeSet<String>,
    /// The first RCPT TO each of these is answered 451, the next ones pass.
    pub(crate) greylisted: BTreeSet<String>,
    /// So many mails are kept, and then the connection is cut instead of the 250.
    pub(crate) drops_after_dot: usize,
    /// So many MAIL commands are answered 421 and the connection is closed.
    pub(crate) too_busy: usize,
    /// So many times the connection is cut at DATA.
    pub(crate) drops_at_data: usize,
    /// So many times nothing is answered to DATA, for ever.
    pub(crate) hangs_at_data: usize,
    /// The answer to the final dot comes this late.
    pub(crate) slow_dot: Duration,
    /// The same, once for each of the next mails.
    pub(crate) slow_dots: VecDeque<Duration>,
}

/// What the sessions share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) mails: Record<Mail>,
    pub(crate) script: Arc<Mutex<Script>>,
    /// Offences against the protocol: bare LF, credentials in clear, MAIL before STARTTLS.
    pub(crate) offences: Record<String>,
    /// One for each session that hangs.
    pub(crate) hanging: Record<()>,
    pub(crate) auth: bool,
    pub(crate) protection: Protection,
}

/// The double.
#[derive(Debug)]
pub(crate) struct Smtp {
    address: SocketAddr,
    shared: Shared,
    ca_file: Option<std::path::PathBuf>,
    task: JoinHandle<()>,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Smtp {
    /// Starts one without TLS and without AUTH: a relay on loopback.
    pub(crate) async fn start() -> Self {
        Self::start_with(Protection::None, false, None).await
    }

    /// Starts one with TLS, whose authority's certificate is written into `folder`, and with AUTH.
    pub(crate) async fn start_protected(protection: Protection, folder: &Path) -> Self {
        Self::start_with(protection, true, Some(Authority::new(folder, "localhost"))).await
    }

    async fn start_with(protection: Protection, auth: bool, authority: Option<Authority>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Shared {
            mails: Record::default(),
            script: Arc::default(),
            offences: Record::default(),
            hanging: Record::default(),
            auth,
            protection,
        };
        let ca_file = authority.as_ref().map(|authority| authority.ca_file.clone());
        let acceptor = authority.map(|authority| authority.acceptor);
        let state = shared.clone();
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sessions.spawn(smtp_session::run(stream, acceptor.clone(), state.clone()));
                while sessions.try_join_next().is_some() {}
            }
        });
        Self { address, shared, ca_file, task }
    }

    /// The `smtp_url` that fits.
    pub(crate) fn url(&self) -> String {
        let port = self.address.port();
        let user = if self.shared.auth { format!("{USER}:{PASSWORD}@") } else { String::new() };
        match self.shared.protection {
            Protection::None => format!("smtp://{user}127.0.0.1:{port}?tls=none"),
            Protection::StartTls => format!("smtp://{user}localhost:{port}"),
            Protection::Implicit => format!("smtps://{user}localhost:{port}"),
        }
    }

    /// The authority's certificate.
    pub(crate) fn ca_file(&self) -> &Path {
        self.ca_file.as_deref().expect("this server has TLS")
    }

    /// Changes what goes wrong.
    pub(crate) fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.script.lock().expect("no panic in the double"));
    }

    /// The mails so far.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.shared.mails.all()
    }

    /// What it has seen, to be followed.
    pub(crate) fn record(&self) -> Record<Mail> {
        self.shared.mails.clone()
    }

    /// The sessions that hang.
    pub(crate) fn hanging(&self) -> Record<()> {
        self.shared.hanging.clone()
    }

    /// The mails that hold `needle`.
    pub(crate) fn about(&self, needle: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.says(needle)).collect()
    }

    /// Waits for `count` mails.
    pub(crate) async fn wait_for(&self, count: usize, deadline: Duration) -> Vec<Mail> {
        let Some(mails) = self.shared.mails.wait_for(count, deadline).await else {
            let subjects: Vec<_> = self.mails().iter().map(|mail| mail.subject().to_owned()).collect();
            panic!("expected {count} mails within {deadline:?}, got {subjects:?}, offences {:?}", self.offences());
        };
        mails
    }

    /// Waits for a mail that holds `needle`.
    pub(crate) async fn wait_about(&self, needle: &str, deadline: Duration) -> Mail {
        let found = self.shared.mails.wait(deadline, |mails| mails.iter().any(|mail| mail.says(needle))).await;
        let subjects: Vec<_> = self.mails().iter().map(|mail| mail.subject().to_owned()).collect();
        assert!(found.is_some(), "no mail about {needle:?} within {deadline:?}, got {subjects:?}");
        self.about(needle).remove(0)
    }

    /// Offences against the protocol.
    pub(crate) fn offences(&self) -> Vec<String> {
        self.shared.offences.all()
    }
}

/// Reads a message.
pub(crate) fn read(from: &str, to: &[String], encrypted: bool, raw: &[u8]) -> Mail {
    let message = MessageParser::default().parse(raw).expect("a message");
    let text = |body: Option<std::borrow::Cow<'_, str>>| body.unwrap_or_default().replace("\r\n", "\n");
    let headers = message
        .headers_raw()
        .map(|(name, value)| {
            let decoded = match message.header(name) {
                Some(mail_parser::HeaderValue::Text(text)) => text.to_string(),
                _ => value.split_whitespace().collect::<Vec<_>>().join(" "),
            };
            (name.to_lowercase(), decoded)
        })
        .collect();
    Mail {
        from: from.to_owned(),
        to: to.to_vec(),
        encrypted,
        raw: String::from_utf8_lossy(raw).into_owned(),
        headers,
        text: text(message.body_text(0)),
        html: text(message.body_html(0)),
    }
}
