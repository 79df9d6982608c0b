//! A configuration in a folder of its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::engine::{DETAIL_FILTER, EngineApi, LIST_FILTER, TOKEN as ENGINE_TOKEN};
use super::slack::Slack;
use super::smtp::Smtp;
use super::webhook::{SECRET, Webhook};

/// The token that ingest wants.
pub(crate) const TOKEN: &str = "ingest-token-5f0d3b8a61c2e947";

/// A folder with `firstred.toml` in it. Begins with a ledger, a free port and one pushed source `events`; the rest is appended.
#[derive(Debug)]
pub(crate) struct Setup {
    folder: Arc<TempDir>,
    head: String,
    defaults: String,
    rest: String,
}

impl Setup {
    /// A configuration that only takes runs in.
    pub(crate) fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for the test"));
        let ledger = folder.path().join("firstred.db").to_string_lossy().into_owned();
        let head = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n\n[ledger]\npath = {ledger:?}\n\n[log]\nformat = \"json\"\n\n\
             [sources.events]\ntype = \"webhook\"\ntoken = {TOKEN:?}\n"
        );
        Self { folder, head, defaults: String::new(), rest: String::new() }
    }

    /// Keeps the folder for as long as the result lives: a daemon outlives the setup that it was started with.
    pub(crate) fn hold(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("firstred.toml")
    }

    /// `[defaults] notify` and `hold`.
    #[must_use]
    pub(crate) fn defaults(mut self, notify: &[&str], hold: &str) -> Self {
        self.defaults = format!("\n[defaults]\nnotify = {notify:?}\nhold = {hold:?}\n");
        self
    }

    /// `[server] public_url`: messages have links.
    #[must_use]
    pub(crate) fn public_url(mut self, url: &str) -> Self {
        self.head = self.head.replace("[server]\n", &format!("[server]\npublic_url = {url:?}\n"));
        self
    }

    /// Appends TOML.
    #[must_use]
    pub(crate) fn toml(mut self, toml: &str) -> Self {
        writeln!(self.rest, "\n{}", toml.trim()).expect("a string takes all");
        self
    }

    /// A Slack receiver without a pace of its own, so that tests don't wait for it.
    #[must_use]
    pub(crate) fn slack(self, name: &str, slack: &Slack, more: &str) -> Self {
        let url = slack.url();
        self.toml(&format!("[receivers.{name}]\ntype = \"slack\"\nwebhook_url = {url:?}\npace = \"0s\"\n{more}"))
    }

    /// An e-mail receiver.
    #[must_use]
    pub(crate) fn email(self, name: &str, smtp: &Smtp, to: &[&str], more: &str) -> Self {
        let url = smtp.url();
        self.toml(&format!(
            "[receivers.{name}]\ntype = \"email\"\nsmtp_url = {url:?}\nfrom = \"firstred <firstred@example.com>\"\nto = {to:?}\n{more}"
        ))
    }

    /// A signed webhook receiver.
    #[must_use]
    pub(crate) fn webhook(self, name: &str, webhook: &Webhook, more: &str) -> Self {
        let url = webhook.url();
        self.toml(&format!("[receivers.{name}]\ntype = \"webhook\"\nurl = {url:?}\nsecret = {SECRET:?}\n{more}"))
    }

    /// A polled source on the engine double.
    #[must_use]
    pub(crate) fn engine(self, name: &str, engine: &EngineApi) -> Self {
        let url = engine.url();
        self.toml(&format!(
            "[sources.{name}]\ntype = \"http\"\nurl = {url:?}\ntoken = {ENGINE_TOKEN:?}\nevery = \"1s\"\ntimeout = \"2s\"\n\
             filter = '''{LIST_FILTER}'''\npagination = {{ type = \"cursor\", next = \".next\", param = \"cursor\" }}\n\
             detail = {{ url = \"{url}/{{id}}\", filter = '''{DETAIL_FILTER}''' }}"
        ))
    }

    /// Writes the file.
    pub(crate) fn write(&self) -> PathBuf {
        let file = self.file();
        std::fs::write(&file, format!("{}{}{}", self.head, self.defaults, self.rest)).expect("the folder is writable");
        file
    }

    /// Replaces what was appended and writes the file: for reloads.
    pub(crate) fn rewrite(&mut self, change: impl FnOnce(&mut String)) {
        change(&mut self.rest);
        self.write();
    }
}
