//! A service's stand-in: judges each request, keeps what the service would keep, and fails as it is told to. What it judges by is the service's.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::fault::Fault;
use super::program::Program;
use super::service::{Door, Effect, Http, Judged, Service, Told};
use super::services::email as mail;
use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::http::{self, Answer, Asked, Server};
use crate::support::record::Record;
use crate::support::setup::Setup;
use crate::support::smtp::Smtp;

/// The receiver under test.
pub(crate) const RECEIVER: &str = "it";

/// How many calls a failing test shows.
const LINES: usize = 20;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// When it came.
    pub(crate) at: Instant,
    /// Which life of the daemon sent it.
    pub(crate) life: usize,
    pub(crate) told: Told,
    pub(crate) mistakes: Vec<String>,
    /// The service has it.
    pub(crate) stored: bool,
    /// It came although the service had asked to wait.
    pub(crate) early: bool,
}

/// The stand-in.
#[derive(Debug)]
pub(crate) struct StandIn {
    pub(crate) service: &'static Service,
    desk: Arc<Desk>,
    base: String,
    open: Open,
}

/// What is kept open for it.
#[derive(Debug)]
enum Open {
    Http { _server: Server },
    Smtp { server: Smtp, _reader: Reader },
    Program { program: Program, _reader: Reader },
}

/// A task that ends with the stand-in.
#[derive(Debug)]
struct Reader(tokio::task::JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug)]
struct Desk {
    service: &'static Service,
    calls: Record<Call>,
    script: Mutex<Script>,
    life: AtomicUsize,
}

#[derive(Debug, Default)]
struct Script {
    next: VecDeque<Fault>,
    always: Option<Fault>,
    not_before: Option<Instant>,
}

impl StandIn {
    /// Starts one.
    pub(crate) async fn start(service: &'static Service) -> Self {
        let desk =
            Arc::new(Desk { service, calls: Record::default(), script: Mutex::default(), life: AtomicUsize::new(0) });
        let (base, open) = match service.door {
            Door::Http(http) => {
                let at = Arc::clone(&desk);
                let server = http::serve(move |asked| {
                    let answer = at.take(&http, &asked);
                    async move { answer }
                })
                .await;
                (format!("http://{}", server.address), Open::Http { _server: server })
            }
            Door::Smtp(judge) => {
                let server = Smtp::start().await;
                let (at, mails) = (Arc::clone(&desk), server.record());
                let reader = Reader(tokio::spawn(async move {
                    for seen in 0.. {
                        let Some(mails) = mails.wait_for(seen + 1, Duration::MAX).await else { return };
                        at.keep(judge(&mails[seen]), true);
                    }
                }));
                (server.url(), Open::Smtp { server, _reader: reader })
            }
            Door::Program(judge) => {
                let program = Program::new();
                let (at, seen) = (Arc::clone(&desk), program.clone());
                let reader = Reader(tokio::spawn(async move {
                    for number in 1.. {
                        let (input, stored) = seen.called(number).await;
                        at.keep(judge(&input), stored);
                    }
                }));
                (program.path(), Open::Program { program, _reader: reader })
            }
        };
        Self { service, desk, base, open }
    }

    /// A configuration whose only receiver it is, without a pace of its own, and with a deadline that a test can wait for.
    pub(crate) fn setup(&self) -> Setup {
        self.add_to(Setup::new().defaults(&[RECEIVER], "10m"), RECEIVER, "")
    }

    /// Adds it to a configuration.
    pub(crate) fn add_to(&self, setup: Setup, name: &str, more: &str) -> Setup {
        let (kind, section) = (self.service.kind, (self.service.section)(&self.base));
        setup.toml(&format!("[receivers.{name}]\ntype = {kind:?}\ntimeout = \"3s\"\npace = \"0s\"\n{more}\n{section}"))
    }

    /// The next requests meet these, in order; then everything works again.
    pub(crate) fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            match &self.open {
                Open::Http { .. } => self.desk.script().next.push_back(fault),
                Open::Smtp { server, .. } => mail::meets(server, &fault),
                Open::Program { program, .. } => program.meets(&fault),
            }
        }
    }

    /// From now on every request meets this, until nothing is said.
    pub(crate) fn always(&self, fault: Option<Fault>) {
        match &self.open {
            Open::Http { .. } => self.desk.script().always = fault,
            Open::Smtp { server, .. } => mail::refuses_all(server, fault.as_ref()),
            Open::Program { program, .. } => program.always(fault.as_ref()),
        }
    }

    /// The daemon that sends from now on is another one.
    pub(crate) fn next_life(&self) {
        self.desk.life.fetch_add(1, Ordering::SeqCst);
    }

    /// Everything that was asked of it.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.desk.calls.all()
    }

    /// What it has, but for what only asked.
    pub(crate) fn stored(&self) -> Vec<Told> {
        let said = |call: &Call| call.stored && call.told.effect != Effect::Look;
        self.calls().into_iter().filter(said).map(|call| call.told).collect()
    }

    /// What it has about `needle`.
    pub(crate) fn about(&self, needle: &str) -> Vec<Told> {
        self.stored().into_iter().filter(|told| told.text.contains(needle)).collect()
    }

    /// Waits until `enough` says so of all calls.
    pub(crate) async fn wait(&self, what: &str, enough: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let name = self.service.name;
        // A mistake is refused again and again: nobody need wait for it.
        let wrong = |calls: &[Call]| calls.iter().find(|call| !call.mistakes.is_empty()).cloned();
        let ended = self.desk.calls.wait(SOON, |calls| enough(calls) || wrong(calls).is_some()).await;
        let Some(calls) = ended else {
            panic!("{name}: {what} did not come within {SOON:?}; it got:{}", self.summary());
        };
        if let Some(Call { mistakes, told, .. }) = wrong(&calls) {
            panic!("{name} would not take this: {mistakes:#?}\n{:#}", told.body);
        }
        calls
    }

    /// Waits until it is asked for the first time, whether or not it ever hears the end.
    pub(crate) async fn wait_called(&self) {
        match &self.open {
            Open::Smtp { server, .. } => {
                let hangs = server.hanging().wait_for(1, SOON).await;
                assert!(hangs.is_some(), "{}: nobody came", self.service.name);
            }
            Open::Http { .. } | Open::Program { .. } => {
                self.wait("a call", |calls| calls.iter().any(|call| call.told.effect != Effect::Look)).await;
            }
        }
    }

    /// Waits until it has something new about `needle` with one of these effects, besides the first `after` that it has stored.
    pub(crate) async fn wait_next(&self, needle: &str, after: usize, effects: &[Effect]) -> Told {
        let new = |calls: &[Call]| {
            let stored = calls.iter().filter(|call| call.stored && call.told.effect != Effect::Look);
            stored
                .skip(after)
                .map(|call| &call.told)
                .find(|told| effects.contains(&told.effect) && told.text.contains(needle))
                .cloned()
        };
        let what = format!("{effects:?} about {needle:?} after {after} others");
        let calls = self.wait(&what, |calls| new(calls).is_some()).await;
        new(&calls).expect("just waited for")
    }

    /// Waits until it has something about `needle`.
    pub(crate) async fn wait_about(&self, needle: &str) -> Told {
        self.wait_next(needle, 0, &[Effect::Post, Effect::Open]).await
    }

    /// What no promise bears: a request with mistakes, one before its time, a secret in the log.
    pub(crate) fn assert_clean(&self, daemon: &Daemon) {
        let name = self.service.name;
        for call in self.calls() {
            assert!(call.mistakes.is_empty(), "{name} would not take this: {:#?}\n{:#}", call.mistakes, call.told.body);
            assert!(!call.early, "{name}: called before the time that it had asked for was over: {}", self.summary());
        }
        if let Open::Smtp { server, .. } = &self.open {
            assert_eq!(server.offences(), Vec::<String>::new(), "{name}");
        }
        let secret = self.service.secret;
        assert!(secret.is_empty() || !daemon.log().contains(secret), "{name}: the log holds the secret {secret:?}");
    }

    /// What came, a line for each.
    pub(crate) fn summary(&self) -> String {
        let line = |call: &Call| {
            let Told { effect, thing, text, .. } = &call.told;
            let text: String = text.chars().take(90).map(|c| if c == '\n' { '/' } else { c }).collect();
            let stored = if call.stored { "stored" } else { "not stored" };
            format!("\n  life {} {stored} {effect:?} {thing:.40?} {text:?} {:?}", call.life, call.mistakes)
        };
        let calls = self.calls();
        let first = calls.len().saturating_sub(LINES);
        let more = if first > 0 { format!("\n  … {first} before") } else { String::new() };
        more + &calls[first..].iter().map(line).collect::<String>()
    }
}

impl Desk {
    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().expect("no panic in the stand-in")
    }

    fn keep(&self, judged: Judged, stored: bool) {
        let stored = stored && judged.mistakes.is_empty();
        self.push(judged.told, judged.mistakes, stored, false);
    }

    fn push(&self, told: Told, mistakes: Vec<String>, stored: bool, early: bool) {
        let life = self.life.load(Ordering::SeqCst);
        self.calls.push(Call { at: Instant::now(), life, told, mistakes, stored, early });
    }

    /// One request at a time, so that what one stores the next one finds.
    fn take(&self, http: &Http, asked: &Asked) -> Answer {
        let mut script = self.script();
        let before: Vec<Told> =
            self.calls.with(|calls| calls.iter().filter(|call| call.stored).map(|call| call.told.clone()).collect());
        let Judged { told, mistakes, yes } = (http.judge)(asked, &before);
        let looks = told.effect == Effect::Look;
        let fault = if looks { None } else { script.next.pop_front().or_else(|| script.always.clone()) };
        let early = script.not_before.is_some_and(|until| Instant::now() < until);
        if let Some(Fault::Busy(seconds)) = fault {
            script.not_before = Some(Instant::now() + Duration::from_secs(seconds));
        }
        let form = self.service.form.filter(|form| fault == Some(Fault::Form) && (form.is_rich)(asked));
        let stores = match fault {
            None | Some(Fault::CutAfter | Fault::HangAfter) => true,
            Some(Fault::Form) => form.is_none(),
            Some(_) => false,
        };
        let fine = mistakes.is_empty();
        self.push(told, mistakes, fine && stores, early);
        match fault {
            Some(Fault::Busy(seconds)) => (http.busy)(seconds),
            Some(Fault::Down) => Answer::text(503, "upstream connect error"),
            Some(Fault::Hang | Fault::HangAfter) => Answer::Hang,
            Some(Fault::Cut | Fault::CutAfter) => Answer::Drop,
            Some(Fault::Page) => Answer::text(200, "<!doctype html><title>Sign in to the guest network</title>"),
            Some(Fault::Redirect(to)) => Answer::make(307, &[("location", &to)], axum::body::Body::empty()),
            Some(Fault::Gone) => (http.gone)(),
            Some(Fault::Form) if form.is_some() => (self.service.form.expect("just found").refusal)(),
            Some(Fault::Form) | None if fine => yes,
            Some(Fault::Form) | None => (http.malformed)(),
        }
    }
}
