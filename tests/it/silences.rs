//! Silences by command and through the API: what they withhold is not lost, and is summed up when they end.

use serde_json::json;

use crate::support::SOON;
use crate::support::api::redacted;
use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::Slack;

async fn start() -> (Slack, Daemon) {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "");
    let daemon = Daemon::start(&setup).await;
    (slack, daemon)
}

#[tokio::test]
async fn what_a_silence_withholds_is_summed_up_when_it_is_ended() {
    let (slack, mut daemon) = start().await;
    assert_eq!(daemon.command(&["silence", "list"]).out, "there is no silence\n");
    let said = daemon.tell(&[
        "silence",
        "add",
        "workflow=nightly-*",
        "--for",
        "2h",
        "--comment",
        "the big migration",
        "--by",
        "ada",
        "--format",
        "json",
    ]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let id = said.json()["id"].as_str().expect("an id").to_owned();
    daemon.ingest(&failed("r1", "nightly-load")).await;
    daemon.ingest(&failed("r2", "nightly-load")).await;
    daemon.ingest(&failed("r3", "nightly-mail")).await;
    daemon.ingest(&failed("r4", "hourly-load")).await;
    slack.wait_about("hourly-load", SOON).await;
    assert!(slack.about("nightly").is_empty());
    insta::assert_snapshot!("silence_list", redacted(&daemon.command(&["silence", "list"]).out));
    insta::assert_snapshot!("silence_pending", redacted(&daemon.command(&["pending"]).out));
    // It outlives the daemon.
    daemon.crash().await;
    daemon.ingest(&failed("r5", "nightly-mail")).await;
    let said = daemon.tell(&["silence", "end", &id]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let summary = slack.wait_about("nightly-load", SOON).await;
    assert!(summary.says("nightly-mail"), "{:#}", summary.body);
    let done = async |daemon: &Daemon| daemon.command(&["why", "r1"]).out.contains("\"summary\" to oncall: delivered");
    daemon.poll("the summary on record", done).await;
    assert_eq!(slack.about("nightly").len(), 1, "one summary and nothing else");
    let why = daemon.command(&["why", "r1"]);
    insta::assert_snapshot!("silence_why", redacted(&why.out).lines().take(6).collect::<Vec<_>>().join("\n"));
    assert!(
        why.out.contains(&format!("silence {id} until")) && why.out.contains("told to oncall in summary"),
        "{why:#?}"
    );
    let said = daemon.tell(&["silence", "end", &id]);
    assert_eq!(said.code, Some(1), "it is over: {said:#?}");
}

#[tokio::test]
async fn a_silence_ends_by_itself_at_its_time() {
    let (slack, daemon) = start().await;
    let body = json!({"match": {"workflow": ["nightly-*"]}, "for": "2s"});
    let made = daemon.api("POST", "silences", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    daemon.ingest(&failed("r1", "nightly-load")).await;
    let listed = daemon.api("GET", "silences", None).await.json();
    assert_eq!((&listed[0]["id"], &listed[0]["withholds"]), (&made.json()["id"], &json!(1)), "{listed:#}");
    slack.wait_about("nightly-load", SOON).await;
}

#[tokio::test]
async fn a_silence_that_makes_no_sense_is_refused() {
    let (_slack, daemon) = start().await;
    for (arguments, says) in [
        (&["silence", "add", "wrokflow=x", "--for", "2h"][..], "known are"),
        (&["silence", "add", "workflow", "--for", "2h"], "no KEY=VALUE"),
        (&["silence", "add", "workflow=x"], "--for"),
        (&["silence", "add", "workflow=x", "--for", "2h", "--until", "2030-01-01T00:00:00Z"], "cannot be used with"),
        (&["silence", "add", "workflow=x", "--for", "soon"], "length of time"),
        (&["silence", "add", "workflow=x", "--until", "2020-01-01T00:00:00Z"], "lie ahead"),
        (&["silence", "add", "workflow=x", "--until", "tomorrow"], "no time with its zone"),
        (&["silence", "add", "--for", "2h"], "KEY=VALUE"),
    ] {
        let said = daemon.tell(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:#?}");
        assert!(said.all().contains(says), "{arguments:?}: {said:#?}");
    }
    assert_eq!(daemon.command(&["silence", "list", "--format", "json"]).json(), json!([]));
}

#[tokio::test]
async fn a_problem_is_silenced_by_its_id_and_asking_twice_makes_one_silence() {
    let (slack, daemon) = start().await;
    daemon.ingest(&failed("r1", "nightly-load")).await;
    slack.wait_about("nightly-load", SOON).await;
    let incidents = daemon.api("GET", "incidents", None).await.json();
    let id = incidents[0]["id"].as_str().expect("an id");
    let asked = json!({ "for": "1h", "by": "ada" });
    let first = daemon.api("POST", &format!("incidents/{id}/silence"), Some(asked.clone())).await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    let again = daemon.api("POST", &format!("incidents/{id}/silence"), Some(asked)).await.json();
    assert_eq!(again["id"], first["id"], "an impatient finger makes no second silence");
    assert_eq!(first["match"]["workflow"], json!("nightly-load"));
    assert!(first["match"]["code"].is_string() && first["match"]["step"].is_string(), "{first:#}");
    assert_eq!(first["comment"], json!(format!("for incident {id}")));
}
