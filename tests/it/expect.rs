//! What doesn't fail but hurts: told once a fresh look confirmed it, and over when it happened.

use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::engine::EngineApi;
use crate::support::runs::{at, in_status, with};
use crate::support::setup::Setup;
use crate::support::slack::Slack;

const LONG: &str = "[[expect]]\nname = \"no import takes an hour\"\nmatch = { workflow = \"*-import\" }\n\
                    running_at_most = \"1h\"\nnotify = [\"oncall\"]";
const CONNECTIONS: &str = "[[expect]]\nname = \"connections\"\nreauthorization = true\nnotify = [\"oncall\"]";

#[tokio::test]
async fn a_polled_run_that_goes_on_for_too_long_is_told_once_also_after_a_kill_and_its_end_is_told() {
    let (slack, engine) = (Slack::start().await, EngineApi::start(100).await);
    let setup =
        Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").engine("prod", &engine).toml(LONG);
    engine.set_ago("e1", "nightly-import", "busy", 7_200);
    engine.set_ago("e2", "hourly-export", "busy", 7_200);
    let mut daemon = Daemon::start(&setup).await;
    slack.wait_about("nightly-import", SOON).await;
    daemon.crash().await;
    engine.wait_polls(3, SOON).await;
    engine.set("e1", "nightly-import", "ok");
    slack.wait_about("ended", SOON).await;
    assert_eq!(slack.messages().len(), 2);
    slack.assert_well_formed();
}

fn parked(id: &str) -> Value {
    let error = json!({"code": "TOKEN_REVOKED", "message": "POST https://api.example.com/v1/contacts: 401", "providerStatus": 401});
    let step = json!({"number": 1, "title": "Create contact", "status": "waiting", "error": error});
    with(in_status(id, "lead-sync", "waiting"), "steps", json!([step]))
}

#[tokio::test]
async fn a_connection_that_must_be_authorized_again_is_one_message_and_another_when_it_was() {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").toml(CONNECTIONS);
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&parked("r1")).await;
    daemon.ingest(&parked("r2")).await;
    slack.wait_about("lead-sync", SOON).await;
    daemon.ingest(&with(in_status("r1", "lead-sync", "running"), "updatedAt", at(1))).await;
    daemon.ingest(&with(in_status("r2", "lead-sync", "running"), "updatedAt", at(1))).await;
    slack.wait_about("authorized again", SOON).await;
    assert_eq!(slack.messages().len(), 2);
    slack.assert_well_formed();
}
