//! What the receivers' tests share: hostile notifications beside the samples, and a tiny HTTP server. It knows no receiver.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::samples::of_runs;
pub(crate) use super::samples::{at, card, of_card};
use crate::engine::{Delivery, Notification};
use crate::run::{StepError, Workflow};
use crate::triage::{Card, Cause, ClassReason};

pub(crate) fn delivery(notification: Notification) -> Delivery {
    let created_at = notification.decided_at;
    Delivery { id: 1, receiver: "oncall".to_owned(), address: None, attempts: 0, created_at, post: None, notification }
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

/// One notification of each kind, by name, hostile ones too.
pub(crate) fn samples() -> Vec<(&'static str, Notification)> {
    let mut samples = of_runs();
    samples.extend([("long", long()), ("hostile", hostile_with(&HOSTILE.join("\n")))]);
    samples.extend(super::samples::incidents::samples());
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
