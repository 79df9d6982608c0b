//! What the receivers' tests share: notifications of every kind, hostile ones too, and a tiny HTTP server. It knows no receiver.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::{DailyNote, Delivery, Kind, Notification, NotificationId, OwnTrouble, Severity, Subject};
use crate::run::{Progress, StepError, Workflow};
use crate::triage::{Card, Cause, Class, ClassReason, Consequences, Fingerprint, RetryLevel, Retrying, RunFacts};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn delivery(notification: Notification) -> Delivery {
    let created_at = notification.decided_at;
    Delivery { id: 1, receiver: "oncall".to_owned(), address: None, attempts: 0, created_at, post: None, notification }
}

pub(crate) fn notification(kind: Kind, subject: Subject) -> Notification {
    Notification {
        id: NotificationId::of_parts(&["a", kind.as_str()]),
        kind,
        severity: Severity::Critical,
        rule: Some("billing".to_owned()),
        runbook: Some("https://runbooks.example.com/billing-sync".to_owned()),
        decided_at: at("2026-11-22T10:14:02Z"),
        incident: None,
        owner: None,
        subject,
    }
}

pub(crate) fn of_card(card: Card) -> Notification {
    notification(Kind::Failed, Subject::Run(Box::new(card)))
}

/// The card of the mock-ups.
pub(crate) fn card() -> Card {
    Card {
        source: "prod".to_owned(),
        run: RunFacts {
            id: "run_8f3c21".to_owned(),
            attempt: Some(1),
            max_attempts: None,
            replay_of: None,
            workspace: "acme".to_owned(),
            workflow: Workflow { id: Some("wf_12".to_owned()), name: Some("billing-sync".to_owned()), version: None },
            trigger: Some("schedule".to_owned()),
            url: Some("https://flows.example.com/runs/run_8f3c21".to_owned()),
            started_at: Some(at("2026-11-22T10:13:48.600Z")),
            completed_at: Some(at("2026-11-22T10:14:01Z")),
            labels: BTreeMap::from([("env".to_owned(), "prod".to_owned()), ("owner".to_owned(), "growth".to_owned())]),
        },
        cause: Cause::Step {
            number: Some(4),
            title: "charge-card".to_owned(),
            kind: Some("http.request".to_owned()),
            attempt: Some(3),
            max_attempts: Some(3),
            failed_at: Some(at("2026-11-22T10:14:01Z")),
            url: None,
            error: Some(StepError {
                code: "CARD_DECLINED".to_owned(),
                message: "Your card was declined.".to_owned(),
                provider_status: Some(402),
                retryable: Some(false),
                detail: Some("{\"decline_code\":\"insufficient_funds\",\"note\":\"<!channel> & <b>\"}".to_owned()),
            }),
            run_error: None,
        },
        class: Class::Configuration,
        decided_by: ClassReason::ProviderStatus { status: 402 },
        advice: "Correct what the step sends, then run it again.".to_owned(),
        fingerprint: Fingerprint("v1:00112233445566778899aabbccddeeff".to_owned()),
        progress: Some(Progress { completed: 3, total: Some(7) }),
        consequences: Consequences { tolerated: 1, skipped: 3, later: 0 },
        retrying: None,
        provider: None,
        missed: None,
        redacted: 0,
    }
}

fn before_any_step() -> Card {
    let error = StepError {
        code: "ScriptError".to_owned(),
        message: "Flow could not be retrieved from deployment.\nNo module named 'flows'".to_owned(),
        ..StepError::default()
    };
    Card {
        cause: Cause::Run { before_any_step: true, error },
        class: Class::Unknown,
        decided_by: ClassReason::Nothing,
        progress: None,
        consequences: Consequences::default(),
        ..card()
    }
}

fn still_retrying() -> Notification {
    let mut card = card();
    if let Cause::Step { error: Some(error), attempt, max_attempts, .. } = &mut card.cause {
        (error.code, error.provider_status, error.retryable) = ("PROVIDER_TIMEOUT".to_owned(), Some(504), Some(true));
        error.message = "The provider did not answer within 30 s.".to_owned();
        error.detail = None;
        (*attempt, *max_attempts) = (Some(4), Some(10));
    }
    (card.class, card.decided_by) = (Class::Transient, ClassReason::EngineRetryable);
    card.run.completed_at = None;
    card.retrying = Some(Retrying {
        level: RetryLevel::Step,
        step: Some("charge-card".to_owned()),
        attempt: Some(4),
        of: Some(10),
        next_at: Some(at("2026-11-22T10:19:00Z")),
    });
    notification(Kind::StillRetrying, Subject::Run(Box::new(card)))
}

fn trouble(kind: Kind) -> Notification {
    let trouble = OwnTrouble {
        what: "receiver oncall".to_owned(),
        summary: "Slack answers no_service: the webhook was deleted.".to_owned(),
        detail: Some("HTTP 404: no_service".to_owned()),
        advice: "Make a new webhook and put it into [receivers.oncall].".to_owned(),
        since: at("2026-11-22T09:58:00Z"),
    };
    Notification { rule: None, runbook: None, ..notification(kind, Subject::Own(trouble)) }
}

fn daily() -> Notification {
    let note = DailyNote {
        date: jiff::civil::date(2026, 11, 22),
        since: at("2026-11-21T08:00:00Z"),
        until: at("2026-11-22T08:00:00Z"),
        runs: 1_204,
        failed: 9,
        told: 7,
        held: 2,
        nobody: 0,
        open: 3,
        unread: Vec::new(),
        silent: vec!["events".to_owned()],
        broken: Vec::new(),
    };
    let said = notification(Kind::Daily, Subject::Daily(Box::new(note)));
    Notification { rule: None, runbook: None, severity: Severity::Info, ..said }
}

fn long() -> Notification {
    let mut card = card_with(&"Payment provider refused. ".repeat(200));
    if let Cause::Step { error: Some(error), .. } = &mut card.cause {
        error.detail = Some(format!(
            "Traceback (most recent call last):\n{}ValueError: no such card",
            "  File \"x.py\", line 1\n".repeat(800)
        ));
    }
    of_card(card)
}

/// A card whose every text is `text`.
pub(crate) fn card_with(text: &str) -> Card {
    let mut card = card();
    let text = || text.to_owned();
    card.source = text();
    card.run.id = text();
    card.run.workspace = text();
    card.run.workflow = Workflow { id: Some(text()), name: Some(text()), version: Some(text()) };
    card.run.trigger = Some(text());
    card.run.replay_of = Some(text());
    card.run.url = Some(text());
    card.run.labels = BTreeMap::from([(text(), text()), ("env".to_owned(), text()), ("owner".to_owned(), text())]);
    card.advice = text();
    let error = || StepError { code: text(), message: text(), detail: Some(text()), ..StepError::default() };
    if let Cause::Step { title, kind, url, error: own, run_error, .. } = &mut card.cause {
        (*title, *kind, *url) = (text(), Some(text()), Some(text()));
        (*own, *run_error) = (Some(error()), Some(StepError { message: "other".to_owned(), ..error() }));
    }
    card.decided_by = ClassReason::Override { code: text() };
    card
}

pub(crate) fn hostile_with(text: &str) -> Notification {
    Notification { rule: Some(text.to_owned()), runbook: Some(text.to_owned()), ..of_card(card_with(text)) }
}

/// Texts that want to be something else than text.
pub(crate) const HOSTILE: [&str; 15] = [
    "<!channel> <!here> <@U012AB3CD> <#C1> <!subteam^S012ABC>",
    "<https://evil.example/login|View run> <!date^1392734382^x^https://evil.example|x>",
    "```\n<!channel>\n``` ` &lt;!channel&gt;",
    "[click](javascript:alert(1)) @channel @here",
    "\"><script>alert(1)</script><img src=x onerror='alert(1)'>",
    "javascript:alert(document.cookie)",
    "https://ok.example/run/1\" onclick=\"alert(1)",
    "https://prefect.example@evil.example/runs/1",
    "x\r\nBcc: evil@example.com\r\n\r\n<h1>",
    "x\u{2028}Bcc: a@b",
    "line\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
    "\u{1b}[2J\u{1b}]8;;https://evil.example\u{1b}\\Click\u{9b}31m",
    "invoice\u{202e}gpj.exe \u{2066}x\u{2069} hi\u{e0041}\u{e0042} before\0after",
    "   \n\t ",
    "=?utf-8?q?=0D=0ABcc:_evil@example.com?=",
];

/// One notification of each kind, by name.
pub(crate) fn samples() -> Vec<(&'static str, Notification)> {
    let nothing = Card { cause: Cause::Nothing, class: Class::Unknown, decided_by: ClassReason::Nothing, ..card() };
    let mut samples = vec![
        ("failed_step", of_card(card())),
        ("before_any_step", of_card(before_any_step())),
        ("nothing_recorded", of_card(nothing)),
        ("still_retrying", still_retrying()),
        ("trouble", trouble(Kind::Trouble)),
        ("test", trouble(Kind::Test)),
        ("daily", daily()),
        ("long", long()),
        ("hostile", hostile_with(&HOSTILE.join("\n"))),
    ];
    samples.extend(super::test_incidents::samples());
    samples
}

/// Answers each request on one port with the next of `answers` (whole HTTP answers; an empty one is a closed connection), and hands
/// out what was asked.
pub(crate) async fn http_server(answers: Vec<String>) -> (String, mpsc::UnboundedReceiver<String>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook/SECRET", listener.local_addr().expect("an address"));
    let (tell, asked) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            let mut chunk = [0; 8_192];
            while !is_whole(&request) {
                let read = stream.read(&mut chunk).await.expect("a request");
                assert!(read > 0, "the client hung up");
                request.extend_from_slice(&chunk[..read]);
            }
            tell.send(String::from_utf8(request).expect("utf-8")).expect("a listener");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
        }
    });
    (url, asked, server)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let head_length = head.len() + 4;
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    request.len() >= head_length + length.unwrap_or(0)
}

pub(crate) fn answer(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}
