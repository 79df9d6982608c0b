//! Runs are pushed: what is taken, what is refused, and what the answer says.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::{failed, with};
use crate::support::setup::{Setup, TOKEN};
use crate::support::slack::Slack;
use crate::support::webhook::{SECRET, sign};

async fn start() -> (Slack, Daemon) {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "");
    let daemon = Daemon::start(&setup).await;
    (slack, daemon)
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

#[tokio::test]
async fn a_failed_run_that_is_pushed_becomes_one_slack_message_that_names_the_first_failed_step() {
    let (slack, daemon) = start().await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    let post = slack.wait_about("lead-sync", SOON).await;
    for needle in
        ["Create contact", "AUTH_MISSING", "No connection is attached", "401", "https://flows.example.com/runs/r1"]
    {
        assert!(post.says(needle), "no {needle:?} in {:#}", post.body);
    }
    assert!(post.text().contains("Create contact") && post.text().contains("AUTH_MISSING"), "{}", post.text());
    slack.assert_well_formed();
}

#[tokio::test]
async fn an_array_of_runs_is_taken_as_a_whole() {
    let (slack, daemon) = start().await;
    daemon.ingest(&json!([failed("a1", "first"), failed("a2", "second")])).await;
    slack.wait_about("first", SOON).await;
    slack.wait_about("second", SOON).await;
}

#[tokio::test]
async fn runs_are_taken_as_one_json_object_a_line() {
    let (slack, daemon) = start().await;
    let body = format!("{}\n{}\n", failed("n1", "line-one"), failed("n2", "line-two"));
    let headers = [("authorization", bearer()), ("content-type", "application/x-ndjson".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = daemon.push_with("events", &headers, body).await;
    assert!(answer.accepted(), "{answer:?}");
    slack.wait_about("line-one", SOON).await;
    slack.wait_about("line-two", SOON).await;
}

#[tokio::test]
async fn a_compressed_body_is_taken() {
    let (slack, daemon) = start().await;
    let answer =
        daemon.push_with("events", &gzip_headers(&bearer()), gzip(failed("g1", "packed").to_string().as_bytes())).await;
    assert!(answer.accepted(), "{answer:?}");
    slack.wait_about("packed", SOON).await;
}

#[tokio::test]
async fn a_body_that_unpacks_to_more_than_the_limit_is_refused_with_413() {
    let (_slack, mut daemon) = start().await;
    let answer = daemon.push_with("events", &gzip_headers(&bearer()), gzip(&vec![b' '; 64 << 20])).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    daemon.assert_alive();
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413() {
    let (_slack, daemon) = start().await;
    let answer = daemon.push(vec![b' '; (1 << 20) + 1]).await;
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[tokio::test]
async fn the_good_runs_of_a_body_are_taken_and_the_bad_one_is_named() {
    let (slack, daemon) = start().await;
    let body = json!([
        failed("p1", "good-one"),
        with(failed("p2", "bad-one"), "status", "exploded"),
        failed("p3", "good-two")
    ]);
    let answer = daemon.push(body.to_string()).await;
    assert!(answer.accepted(), "{answer:?}");
    assert!(answer.text.contains("/1/status"), "the answer points at the mistake: {answer:?}");
    slack.wait_about("good-one", SOON).await;
    slack.wait_about("good-two", SOON).await;
    assert!(slack.about("bad-one").is_empty());
    let refused = daemon.metric("firstred_refused_runs_total", "events").await;
    assert!(refused.is_some_and(|runs| (0.5..1.5).contains(&runs)), "{refused:?}");
}

#[tokio::test]
async fn a_body_that_can_not_be_read_is_refused_with_400_and_a_pointer() {
    let (_slack, daemon) = start().await;
    let bad_status = daemon.push(with(failed("b1", "bad"), "status", "exploded").to_string()).await;
    assert_eq!(bad_status.status, 400, "{bad_status:?}");
    assert!(bad_status.text.contains("/status"), "{bad_status:?}");
    let bad_step = {
        let mut run = failed("b2", "bad");
        run["steps"][1]["status"] = json!(7);
        daemon.push(run.to_string()).await
    };
    assert_eq!(bad_step.status, 400, "{bad_step:?}");
    assert!(bad_step.text.contains("/steps/1/status"), "{bad_step:?}");
    let no_json = daemon.push("{\"id\": ").await;
    assert_eq!(no_json.status, 400, "{no_json:?}");
    let deep = daemon.push("[".repeat(100_000)).await;
    assert_eq!(deep.status, 400, "{deep:?}");
}

#[tokio::test]
async fn without_the_right_token_nothing_is_taken() {
    let (slack, daemon) = start().await;
    let body = failed("u1", "intruder").to_string();
    for headers in [
        &[][..],
        &[("authorization", "Bearer wrong")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic eDp5")],
    ] {
        let answer = daemon.push_with("events", headers, body.clone()).await;
        assert_eq!(answer.status, 401, "{headers:?}: {answer:?}");
        assert!(!answer.text.contains(TOKEN));
    }
    daemon.ingest(&failed("u2", "sentinel")).await;
    slack.wait_about("sentinel", SOON).await;
    assert!(slack.about("intruder").is_empty());
}

#[tokio::test]
async fn a_source_that_is_not_configured_does_not_exist() {
    let (_slack, daemon) = start().await;
    let token = bearer();
    let answer = daemon.push_with("nobody", &[("authorization", &token)], failed("x", "x").to_string()).await;
    assert!(matches!(answer.status, 401 | 404), "{answer:?}");
}

#[tokio::test]
async fn a_signed_source_takes_what_is_signed_now_and_nothing_else() {
    let slack = Slack::start().await;
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "")
        .toml(&format!("[sources.signed]\ntype = \"webhook\"\nsecret = {SECRET:?}"));
    let daemon = Daemon::start(&setup).await;
    let push = async |stamp: i64, signature: Option<String>, body: String| {
        let stamp = stamp.to_string();
        let signature = signature.unwrap_or_else(|| sign("msg_1", &stamp, body.as_bytes()));
        let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", &stamp), ("webhook-signature", &signature)];
        daemon.push_with("signed", &headers, body).await.status
    };
    let now = firstred::clock::now().as_second();
    assert_eq!(push(now, Some("v1,AAAA".to_owned()), failed("s1", "forged").to_string()).await, 401);
    assert_eq!(push(now - 301, None, failed("s2", "replayed").to_string()).await, 401);
    assert!((200..300).contains(&push(now, None, failed("s3", "genuine").to_string()).await));
    slack.wait_about("genuine", SOON).await;
    assert_eq!(slack.messages().len(), 1);
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn gzip_headers(token: &str) -> [(&str, &str); 3] {
    [("authorization", token), ("content-type", "application/json"), ("content-encoding", "gzip")]
}
