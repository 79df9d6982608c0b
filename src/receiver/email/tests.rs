//! Tests of the mail: its form, and what a scripted SMTP server's answers mean.

use std::time::Duration;

use lettre::message::Mailbox;
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::net::permit::{Issuer, Key};
use crate::receiver::links::Links;
use crate::receiver::test_support::{HOSTILE, card, delivery, hostile_with, of_card, samples};

const PATIENT: Duration = Duration::from_secs(20);

fn mailbox(text: &str) -> Mailbox {
    text.parse().expect("a mailbox")
}

pub(super) fn render(delivery: &Delivery) -> String {
    let mail = message::render(
        &Composer::default().draft(delivery),
        &mailbox("firstred <firstred@example.com>"),
        &[mailbox("Data <data@example.com>")],
    );
    String::from_utf8(mail.expect("a mail")).expect("ASCII")
}

/// Quoted-printable undone, so that a snapshot can be read.
pub(super) fn decoded(mail: &str) -> String {
    let (head, body) = mail.split_once("\r\n\r\n").expect("a head");
    let body = body.replace("=\r\n", "");
    let mail = format!("{head}\r\n\r\n{body}").replace("\r\n", "\n");
    let (mut out, mut rest) =
        (head.replace("\r\n", "\n").into_bytes(), &mail.as_bytes()[head.replace("\r\n", "\n").len()..]);
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).filter(|_| *first == b'=');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            rest = &tail[2..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(out).expect("utf-8")
}

#[test]
fn the_mails_are_as_they_were() {
    for (name, notification) in samples() {
        insta::assert_snapshot!(format!("mail_{name}"), decoded(&render(&delivery(notification))));
    }
}

#[test]
fn the_mails_with_links_are_as_they_were() {
    let issuer = Issuer::new(url::Url::parse("https://red.example.com").expect("a URL"), Key::new(&[7; 32]));
    let composer = Composer { links: Some(Links::new(issuer, "mail")), template: None };
    for (name, notification) in samples().into_iter().filter(|(_, said)| said.incident.is_some()) {
        let mut delivery = delivery(notification);
        delivery.address = Some("data@example.com".to_owned());
        let to = [mailbox("Data <data@example.com>")];
        let mail = message::render(&composer.draft(&delivery), &mailbox("firstred <firstred@example.com>"), &to);
        let mail = String::from_utf8(mail.expect("a mail")).expect("ASCII");
        check(&mail);
        let shown = decoded(&mail);
        let pages = shown.matches("https://red.example.com/i/").count();
        assert!(pages > 0 && pages.is_multiple_of(2), "{name}: as many in the text as in the HTML");
        if matches!(name, "opened" | "still_open_acknowledged" | "resolved") {
            insta::assert_snapshot!(format!("linked_{name}"), shown);
        }
    }
}

#[test]
fn the_largest_mail_is_far_from_where_gmail_clips() {
    for (name, notification) in samples() {
        let length = render(&delivery(notification)).len();
        assert!(length < 60_000, "{name}: {length} bytes, and Gmail clips near 102 KB");
    }
    let longest = render(&delivery(hostile_with(&"é<&>\"".repeat(20_000))));
    assert!(longest.len() < 100_000, "{}", longest.len());
}

#[test]
fn every_attempt_sends_the_same_bytes_under_the_same_id() {
    let mut second = delivery(of_card(card()));
    let first = render(&second);
    second.attempts = 3;
    assert_eq!(render(&second), first);
    let id = format!("Message-ID: <{}@example.com>\r\n", second.idempotency_key());
    assert!(first.contains(&id), "{first}");
    second.address = Some("data@example.com".to_owned());
    assert!(!render(&second).contains(&id), "each recipient has an id of its own");
}

#[test]
fn a_message_id_never_names_localhost() {
    let mail = message::render(
        &Composer::default().draft(&delivery(of_card(card()))),
        &mailbox("firstred@localhost"),
        &[mailbox("a@b.example")],
    );
    assert!(String::from_utf8_lossy(&mail.expect("a mail")).contains("@firstred.invalid>\r\n"));
}

/// The wire's demands (RFC 5322 2.1 and 2.2, RFC 2045 6.7), and nobody's header but ours.
pub(super) fn check(mail: &str) {
    let without_breaks = mail.replace("\r\n", "");
    assert!(!without_breaks.contains(['\r', '\n', '\0']), "a bare CR, LF or NUL");
    assert!(mail.is_ascii());
    let (head, body) = mail.split_once("\r\n\r\n").expect("a head");
    assert!(mail.lines().all(|line| line.len() <= 998));
    assert!(!head.contains("=?utf-8?q?"), "an encoded word that lettre did not make");
    let known = [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "List-Id",
        "X-Firstred-Notification",
        "X-Firstred-Kind",
        "X-Firstred-Severity",
        "X-Firstred-Workflow",
        "X-Firstred-Incident",
        "References",
        "In-Reply-To",
    ];
    let mut seen = Vec::new();
    for line in head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
        let name = line.split_once(':').map(|(name, _)| name).expect("a header");
        assert!(known.contains(&name) && !seen.contains(&name), "{line}");
        seen.push(name);
    }
    assert_eq!(body.matches("\r\nContent-Type: ").count(), 2, "two parts");
}

#[test]
fn hostile_texts_stay_texts() {
    for hostile in HOSTILE {
        let mail = render(&delivery(hostile_with(hostile)));
        check(&mail);
        let html = decoded(&mail);
        let html = html.split_once("<!doctype html>").expect("HTML").1;
        for live in
            ["<script", "<img", "<h1>", "javascript:alert(document.cookie)\"", "onclick=\"", "\u{202e}", "\u{1b}"]
        {
            assert!(!html.contains(live), "{live} of {hostile:?}");
        }
    }
    check(&render(&delivery(hostile_with(&"x".repeat(1_000_000)))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_breaks_out_of_the_mail(text in "(\\PC|[\r\n\0\u{85}\u{2028}:<>\"=?]){0,80}") {
        check(&render(&delivery(hostile_with(&text))));
    }
}

/// A server that says what `script` has for each command (`*` for one that is not named), and closes where that is empty.
async fn smtp_server(script: &'static [(&'static str, &'static str)]) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = BufReader::new(stream);
        let (mut heard, mut line, mut in_mail) = (Vec::new(), "CONNECT".to_owned(), false);
        loop {
            if !in_mail || line == "." {
                let answer =
                    script.iter().find(|(command, _)| line.starts_with(command)).map_or("250 ok", |(_, answer)| answer);
                heard.push(line.clone());
                if answer.is_empty() {
                    return heard;
                }
                if answer != "(nothing)"
                    && stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.is_err()
                {
                    return heard;
                }
                in_mail = answer.starts_with("354");
            }
            let mut next = String::new();
            if stream.read_line(&mut next).await.unwrap_or_default() == 0 {
                return heard;
            }
            next.trim_end().clone_into(&mut line);
        }
    });
    (port, server)
}

async fn attempt(
    script: &'static [(&'static str, &'static str)],
    address: Option<&str>,
    timeout: Duration,
) -> (Outcome, Vec<String>) {
    let (port, server) = smtp_server(script).await;
    let server_settings =
        SmtpServer { host: "127.0.0.1".to_owned(), port, security: SmtpSecurity::None, credentials: None };
    let to = ["a@example.com", "b@example.com"].map(mailbox).to_vec();
    let settings = EmailReceiver { server: server_settings, from: mailbox("firstred <firstred@example.com>"), to };
    let email = Email::build(&settings, &Common::patient(timeout)).expect("a receiver");
    let mut delivery = delivery(of_card(card()));
    delivery.address = address.map(str::to_owned);
    let outcome = email.send(&delivery).await;
    (outcome, server.await.expect("a server"))
}

fn refused(permanent: bool, reason: &str, retry_after: Option<i64>) -> Outcome {
    Outcome::Refused { permanent, reason: reason.to_owned(), retry_after }
}

#[tokio::test]
async fn a_mail_is_delivered_when_the_server_says_so_after_the_dot() {
    let script = &[("CONNECT", "220 hi"), ("DATA", "354 go"), (".", "250 2.0.0 queued as 4F1"), ("QUIT", "221 bye")];
    let (outcome, heard) = attempt(script, Some("b@example.com"), PATIENT).await;
    assert_eq!(outcome, Outcome::delivered("250 2.0.0 queued as 4F1"));
    assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).collect::<Vec<_>>(), ["RCPT TO:<b@example.com>"]);
    assert_eq!(heard.last().map(String::as_str), Some("QUIT"));
}

#[tokio::test]
async fn a_recipient_who_is_unknown_is_refused_for_good_and_one_who_is_greylisted_is_not() {
    let unknown = &[("CONNECT", "220 hi"), ("RCPT", "550 5.1.1 no such user")];
    let (outcome, _) = attempt(unknown, Some("a@example.com"), PATIENT).await;
    assert_eq!(outcome, refused(true, "a@example.com: 550 5.1.1 no such user", None));
    let greylisted = &[("CONNECT", "220 hi"), ("RCPT", "450 4.2.0 come back later")];
    let (outcome, _) = attempt(greylisted, Some("a@example.com"), PATIENT).await;
    assert_eq!(outcome, refused(false, "a@example.com: 450 4.2.0 come back later", Some(60)));
}

#[tokio::test]
async fn one_refused_recipient_keeps_the_mail_from_nobody_else() {
    let script = &[
        ("CONNECT", "220 hi"),
        ("RCPT TO:<a@", "550 no such user"),
        ("DATA", "354 go"),
        (".", "250 queued"),
        ("QUIT", "221 bye"),
    ];
    let (outcome, _) = attempt(script, None, PATIENT).await;
    let receipt = "250 queued for b@example.com; refused for a@example.com: 550 no such user".to_owned();
    assert_eq!(outcome, Outcome::delivered(receipt));
    let script = &[
        ("CONNECT", "220 hi"),
        ("RCPT TO:<a@", "450 later"),
        ("DATA", "354 go"),
        (".", "250 queued"),
        ("QUIT", "221 bye"),
    ];
    let (outcome, _) = attempt(script, None, PATIENT).await;
    assert_eq!(outcome, refused(false, "a@example.com: 450 later", Some(60)));
}

#[tokio::test]
async fn an_address_that_left_the_configuration_is_not_written_to() {
    let email = Email::build(
        &EmailReceiver {
            server: SmtpServer {
                host: "127.0.0.1".to_owned(),
                port: 1,
                security: SmtpSecurity::None,
                credentials: None,
            },
            from: mailbox("firstred@example.com"),
            to: vec![mailbox("a@example.com")],
        },
        &Common::patient(PATIENT),
    );
    let mut delivery = delivery(of_card(card()));
    delivery.address = Some("gone@example.com".to_owned());
    let outcome = email.expect("a receiver").send(&delivery).await;
    assert_eq!(outcome, refused(true, "this address is no longer in the configuration", None));
}

#[tokio::test]
async fn a_server_that_vanishes_after_the_dot_leaves_it_open_whether_the_mail_arrived() {
    let script = &[("CONNECT", "220 hi"), ("DATA", "354 go"), (".", "")];
    let (outcome, _) = attempt(script, Some("a@example.com"), PATIENT).await;
    assert!(matches!(&outcome, Outcome::Unknown { reason } if reason.contains("the end of the mail")), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_after_the_dot_is_left_at_the_deadline() {
    let script = &[("CONNECT", "220 hi"), ("DATA", "354 go"), (".", "(nothing)")];
    let (outcome, heard) = attempt(script, Some("a@example.com"), Duration::from_secs(1)).await;
    assert_eq!(outcome, Outcome::Unknown { reason: "no answer at the end of the mail within 1 s".to_owned() });
    assert_eq!(heard.last().map(String::as_str), Some("."), "the connection is dropped without another word");
}

#[tokio::test]
async fn what_a_person_must_repair_at_the_server_keeps_the_queue() {
    let (outcome, _) = attempt(&[("CONNECT", "554 go away")], None, PATIENT).await;
    assert_eq!(outcome, refused(false, "refused at connecting: 554 go away", None));
    let (outcome, _) = attempt(&[("CONNECT", "220 hi"), ("MAIL", "530 5.7.0 authenticate first")], None, PATIENT).await;
    assert_eq!(outcome, refused(false, "refused at MAIL FROM: 530 5.7.0 authenticate first", None));
    let (outcome, _) = attempt(&[("CONNECT", "220 hi"), ("MAIL", "552 too big")], None, PATIENT).await;
    assert_eq!(outcome, refused(true, "refused at MAIL FROM: 552 too big", None));
    let (outcome, _) = attempt(&[("CONNECT", "421 too many connections")], None, PATIENT).await;
    assert_eq!(outcome, refused(false, "refused at connecting: 421 too many connections", None));
    let (outcome, _) = attempt(&[("CONNECT", "220 hi"), ("RCPT", "421 closing")], None, PATIENT).await;
    assert_eq!(outcome, refused(false, "refused at RCPT TO: 421 closing", None));
}

#[tokio::test]
async fn a_connection_lost_before_the_mail_was_sent_is_no_doubt() {
    let (outcome, _) = attempt(&[("CONNECT", "220 hi"), ("RCPT", "")], None, PATIENT).await;
    assert!(
        matches!(&outcome, Outcome::Refused { permanent: false, reason, .. } if reason.contains("RCPT TO")),
        "{outcome:?}"
    );
}
