//! What people ask about problems: which are open, what is known of one, what waits, what is covered, why; and that somebody knows.

use firstred::clock;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::api::redacted;
use crate::support::daemon::Daemon;
use crate::support::runs::{at, failed, in_status, retrying, with};
use crate::support::setup::Setup;
use crate::support::slack::Slack;

/// Rules that let one thing wait: what needs three failures.
const RULES: &str = "[[rules]]\nname = \"patient\"\nmatch = { workflow = \"flaky-*\" }\nnotify = [\"oncall\"]\n\
                     after = { failures = 3, within = \"1h\" }";

async fn start(more: &str) -> (Slack, Daemon) {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").toml(RULES).toml(more);
    let daemon = Daemon::start(&setup).await;
    (slack, daemon)
}

fn text(daemon: &Daemon, arguments: &[&str]) -> String {
    let said = daemon.command(arguments);
    assert_eq!(said.code, Some(0), "{said:#?}");
    redacted(&said.out)
}

/// The id of the only incident of a workflow.
fn incident_of(daemon: &Daemon, workflow: &str) -> String {
    let said = daemon.command(&["incidents", "--all", "--format", "json"]).json();
    let of: Vec<&Value> = said.as_array().expect("a list").iter().filter(|one| one["workflow"] == workflow).collect();
    assert_eq!(of.len(), 1, "{said:#}");
    of[0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_incident_is_listed_told_and_explained_from_its_first_failure_to_its_end() {
    let (slack, daemon) = start("").await;
    assert_eq!(text(&daemon, &["incidents"]), "no incident is open; --all lists those that are over\n");
    daemon.ingest(&failed("r1", "lead-sync")).await;
    slack.wait_about("lead-sync", SOON).await;
    delivered(&daemon, "r1").await;
    daemon.ingest(&with(failed("r2", "lead-sync"), "startedAt", at(-5))).await;
    insta::assert_snapshot!("open", text(&daemon, &["incidents"]));
    insta::assert_snapshot!("why_open", text(&daemon, &["why", "r2"]));

    let mut passed = in_status("r3", "lead-sync", "completed");
    passed["startedAt"] = at(0).into();
    daemon.ingest(&passed).await;
    slack.wait_for(2, SOON).await;
    let id = incident_of(&daemon, "lead-sync");
    let over = async |daemon: &Daemon| {
        let story = daemon.command(&["incidents", &id, "--format", "json"]).json();
        let deliveries = story["deliveries"].as_array().cloned().unwrap_or_default();
        deliveries.len() == 2 && deliveries.iter().all(|delivery| delivery["state"] == "done")
    };
    daemon.poll("both messages delivered", over).await;
    assert_eq!(text(&daemon, &["incidents"]), "no incident is open; --all lists those that are over\n");
    insta::assert_snapshot!("over", text(&daemon, &["incidents", &id[..8]]));
    insta::assert_snapshot!("why_over", text(&daemon, &["why", "r1"]));
    let why = daemon.command(&["why", "r1", "--format", "json"]).json();
    assert_eq!(why, daemon.api("GET", "runs/r1/why", None).await.json(), "a command and the API say the same");
    assert_eq!(why[0]["incidents"][0]["resolution"]["proof"]["by"], "laterRun", "{why:#}");
}

async fn delivered(daemon: &Daemon, run: &str) {
    let done = async |daemon: &Daemon| {
        daemon.command(&["why", run, "--format", "json"]).json()[0]["deliveries"][0]["state"] == "done"
    };
    daemon.poll("a delivery on record", done).await;
}

#[tokio::test]
async fn an_incident_that_nobody_knows_is_a_no() {
    let (_slack, daemon) = start("").await;
    for arguments in [&["incidents", "i_ffff"][..], &["why", "r9"]] {
        let said = daemon.command(arguments);
        assert_eq!(said.code, Some(1), "{said:#?}");
    }
    for path in ["incidents/i_ffff", "runs/r9/why"] {
        let answer = daemon.api("GET", path, None).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert!(answer.json()["error"].is_string());
    }
}

#[tokio::test]
async fn pending_says_what_waits_why_and_until_when() {
    let hours = |hours: i64| (clock::now() + SignedDuration::from_hours(hours)).strftime("%H:00").to_string();
    let quiet = format!("[schedules.now]\nwindows = [{{ from = {:?}, to = {:?} }}]", hours(-1), hours(3));
    let slack = Slack::start().await;
    let setup = Setup::new()
        .defaults(&["sleeper"], "10m")
        .slack("oncall", &slack, "")
        .slack("sleeper", &slack, "quiet = \"now\"")
        .toml(RULES)
        .toml(&quiet);
    let daemon = Daemon::start(&setup).await;
    assert_eq!(text(&daemon, &["pending"]), "nothing is held or withheld\n");
    daemon.ingest(&retrying("r1", "slow-repair", 1, 5, 600)).await;
    daemon.ingest(&failed("r2", "flaky-load")).await;
    daemon.ingest(&failed("r3", "nightly-load")).await;
    insta::assert_snapshot!("pending", text(&daemon, &["pending"]));
    let pending = daemon.command(&["pending", "--format", "json"]).json();
    assert_eq!(pending, daemon.api("GET", "pending", None).await.json());
    let what: Vec<&str> = pending.as_array().expect("a list").iter().filter_map(|one| one["what"].as_str()).collect();
    assert_eq!(what, ["held", "withheld", "withheld"], "{pending:#}");
    assert!(slack.messages().is_empty());
}

#[tokio::test]
async fn an_acknowledgement_stops_the_reminders_and_not_the_end() {
    let slack = Slack::start().await;
    let setup = Setup::new()
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "")
        .toml("[[rules]]\nname = \"all\"\nnotify = [\"oncall\"]\nremind = \"2s\"");
    let daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    slack.wait_about("lead-sync", SOON).await;
    let id = incident_of(&daemon, "lead-sync");
    let open = daemon.command(&["incidents", "--format", "json"]).json();
    assert_eq!(open[0]["next"]["what"], "reminder", "{open:#}");
    let said = daemon.tell(&["ack", &id[..10], "--by", "ada"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.out.contains("is acknowledged by ada"), "{said:#?}");
    let told = slack.about("lead-sync").len();
    let again = daemon.tell(&["ack", &id, "--by", "bob", "--format", "json"]).json();
    assert_eq!((&again["changed"], &again["acknowledged"]["by"]), (&json!(false), &json!("ada")), "{again:#}");
    assert_eq!(again["next"]["what"], "over", "no reminder comes next: {again:#}");
    // What nobody acknowledges is reminded of meanwhile.
    daemon.ingest(&failed("r2", "sentinel")).await;
    let reminded = async |_: &Daemon| slack.about("sentinel").len() >= 2;
    daemon.poll("a reminder of the other one", reminded).await;
    assert_eq!(slack.about("lead-sync").len(), told);
    assert!(text(&daemon, &["incidents", &id]).contains("acknowledged by ada"));
    let mut passed = in_status("r3", "lead-sync", "completed");
    passed["startedAt"] = at(0).into();
    daemon.ingest(&passed).await;
    let ended = async |_: &Daemon| slack.about("lead-sync").len() == told + 1;
    daemon.poll("the end", ended).await;
    let said = daemon.tell(&["ack", &id]);
    assert_eq!(said.code, Some(1), "it is over: {said:#?}");
}

#[tokio::test]
async fn coverage_names_what_only_the_defaults_or_nothing_catch() {
    let rules = "[[rules]]\nname = \"access\"\nmatch = { class = \"authorization\" }\nnotify = [\"oncall\"]\n\
                 [[rules]]\nname = \"known\"\nmatch = { workflow = \"known-*\" }\nnotify = [\"oncall\"]\n\
                 [[rules]]\nname = \"muted\"\nmatch = { workflow = \"muted\" }\nnotify = []\n\
                 [[silences]]\nname = \"the big move\"\nmatch = { workflow = \"x\" }\nuntil = \"2020-01-01T00:00:00Z\"";
    let (slack, daemon) = start(rules).await;
    for workflow in ["known-load", "stranger", "flaky-load", "muted"] {
        daemon.ingest(&in_status(workflow, workflow, "completed")).await;
    }
    daemon.ingest(&failed("r1", "known-load")).await;
    slack.wait_about("known-load", SOON).await;
    delivered(&daemon, "r1").await;
    let said = daemon.command(&["coverage"]);
    assert_eq!(said.code, Some(1), "one is told to nobody: {said:#?}");
    insta::assert_snapshot!("coverage", redacted(&said.out));
    let coverage = daemon.command(&["coverage", "--format", "json"]).json();
    assert_eq!(coverage["workflows"][0]["rest"], "nobody", "{coverage:#}");
    assert_eq!(coverage["receivers"][0]["proven"], true, "{coverage:#}");
}
