//! Mail: protected, per recipient, threaded, and never twice with two names.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::support::SOON;
use crate::support::daemon::{Daemon, run};
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use crate::support::smtp::{PASSWORD, Protection, Smtp};

async fn start(smtp: &Smtp, to: &[&str], setup: Setup, more: &str) -> Daemon {
    let setup = setup.defaults(&["mail"], "10m").email("mail", smtp, to, &format!("timeout = \"3s\"\n{more}"));
    Daemon::start(&setup).await
}

#[tokio::test]
async fn a_failure_is_mailed_as_text_and_html_with_the_headers_that_stop_loops() {
    let smtp = Smtp::start().await;
    let daemon = start(&smtp, &["data@example.com"], Setup::new(), "").await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let mail = smtp.wait_about("lead-sync", SOON).await;
    assert_eq!(mail.from, "firstred@example.com");
    for needle in ["Create contact", "AUTH_MISSING", "https://flows.example.com/runs/r1"] {
        assert!(mail.text.contains(needle), "no {needle:?} in\n{}", mail.text);
        assert!(mail.html.contains(needle), "no {needle:?} in\n{}", mail.html);
    }
    assert!(mail.subject().contains("lead-sync") && mail.subject().contains("AUTH_MISSING"), "{}", mail.subject());
    assert_eq!(mail.headers.get("auto-submitted").map(String::as_str), Some("auto-generated"));
    for header in ["message-id", "date", "mime-version", "from", "to"] {
        assert!(mail.headers.contains_key(header), "no {header} in {:?}", mail.headers);
    }
    assert!(mail.raw.contains("multipart/alternative"), "{}", mail.raw);
    assert_eq!(smtp.offences(), Vec::<String>::new());
}

#[tokio::test]
async fn mail_goes_out_over_starttls_with_our_own_authority() {
    let setup = Setup::new();
    let smtp = Smtp::start_protected(Protection::StartTls, setup.folder()).await;
    let ca = format!("ca_file = {:?}", smtp.ca_file());
    let daemon = start(&smtp, &["data@example.com"], setup, &ca).await;
    daemon.ingest(&failed("r1", "over-starttls")).await;
    let mail = smtp.wait_about("over-starttls", SOON).await;
    assert!(mail.encrypted);
    assert_eq!(smtp.offences(), Vec::<String>::new());
    assert!(!daemon.log().contains(PASSWORD));
}

#[tokio::test]
async fn mail_goes_out_over_implicit_tls_with_our_own_authority() {
    let setup = Setup::new();
    let smtp = Smtp::start_protected(Protection::Implicit, setup.folder()).await;
    let ca = format!("ca_file = {:?}", smtp.ca_file());
    let daemon = start(&smtp, &["data@example.com"], setup, &ca).await;
    daemon.ingest(&failed("r1", "over-tls")).await;
    assert!(smtp.wait_about("over-tls", SOON).await.encrypted);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_mail_and_no_password() {
    let setup = Setup::new();
    let smtp = Smtp::start_protected(Protection::StartTls, setup.folder()).await;
    let daemon = start(&smtp, &["data@example.com"], setup, "").await;
    daemon.ingest(&failed("r1", "distrust")).await;
    daemon.wait_log("certificate").await;
    assert!(smtp.mails().is_empty());
    assert_eq!(smtp.offences(), Vec::<String>::new());
}

#[tokio::test]
async fn each_recipient_is_told_once_although_one_is_refused_and_that_one_s_mail_goes_to_the_fallback() {
    let (smtp, slack) = (Smtp::start().await, Slack::start().await);
    smtp.script(|script| {
        script.refused.insert("gone@example.com".to_owned());
    });
    let setup = Setup::new().slack("backup", &slack, "");
    let everybody = ["gone@example.com", "ann@example.com", "bob@example.com"];
    let daemon = start(&smtp, &everybody, setup, "fallback = \"backup\"").await;
    daemon.ingest(&failed("r1", "three-people")).await;
    smtp.wait_for(2, SOON).await;
    slack.wait_about("three-people", SOON).await;
    daemon.ingest(&failed("r2", "sentinel")).await;
    slack.wait_about("sentinel", SOON).await;
    smtp.wait_for(4, SOON).await;
    let mut told: Vec<String> = smtp.about("three-people").into_iter().flat_map(|mail| mail.to).collect();
    told.sort();
    assert_eq!(told, ["ann@example.com", "bob@example.com"]);
    assert_eq!(slack.about("three-people").len(), 1);
}

#[tokio::test]
async fn a_busy_server_is_tried_again() {
    let smtp = Smtp::start().await;
    smtp.script(|script| script.too_busy = 1);
    let daemon = start(&smtp, &["data@example.com"], Setup::new(), "").await;
    daemon.ingest(&failed("r1", "busy")).await;
    smtp.wait_about("busy", SOON).await;
    assert_eq!(smtp.mails().len(), 1);
    assert!(!daemon.log().contains("firstred has a trouble"), "asking for patience once is none");
}

#[tokio::test]
async fn a_greylisted_mail_is_put_off_by_a_minute_and_that_is_no_trouble() {
    let smtp = Smtp::start().await;
    smtp.script(|script| {
        script.greylisted.insert("data@example.com".to_owned());
    });
    let daemon = start(&smtp, &["data@example.com"], Setup::new(), "").await;
    daemon.ingest(&failed("r1", "greylisted")).await;
    daemon.wait_log("is tried again").await;
    // That it arrives then needs no minute of ours: when the next attempt is due is data in the ledger.
    let why = run(daemon.folder(), &["why", "r1", "--format", "json"], None).json();
    let delivery = &why[0]["deliveries"][0];
    let time = |at: &Value| at.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let (tried, next) = (time(&delivery["attempts"][0]["at"]), time(&delivery["nextAt"]));
    let wait = next.expect("another attempt").duration_since(tried.expect("the first attempt")).as_secs_f64();
    assert!((59.9..75.0).contains(&wait), "{why:#}");
    assert!(smtp.mails().is_empty() && !daemon.log().contains("firstred has a trouble"), "{}", daemon.log());
}

#[tokio::test]
async fn a_mail_whose_answer_is_lost_is_repeated_under_the_same_message_id() {
    let smtp = Smtp::start().await;
    smtp.script(|script| script.drops_after_dot = 1);
    let daemon = start(&smtp, &["data@example.com"], Setup::new(), "").await;
    daemon.ingest(&failed("r1", "lost-answer")).await;
    let mails = smtp.wait_for(2, SOON).await;
    assert!(mails[0].headers.contains_key("message-id"));
    assert_eq!(mails[0].headers.get("message-id"), mails[1].headers.get("message-id"));
}

#[tokio::test]
async fn a_server_that_is_slower_than_the_deadline_is_not_believed_to_have_taken_it() {
    let smtp = Smtp::start().await;
    smtp.script(|script| script.slow_dot = Duration::from_secs(30));
    let daemon = start(&smtp, &["data@example.com"], Setup::new(), "").await;
    daemon.ingest(&failed("r1", "slow-dot")).await;
    smtp.wait_for(1, SOON).await;
    smtp.script(|script| script.slow_dot = Duration::ZERO);
    let mails = smtp.wait_for(2, SOON).await;
    assert_eq!(mails[0].headers.get("message-id"), mails[1].headers.get("message-id"));
}
