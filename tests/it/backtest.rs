//! What happened is replayed under the same rules and under others.

use serde_json::Value;

use crate::support::SOON;
use crate::support::daemon::{Daemon, Said, run};
use crate::support::runs::{at, failed, in_status, retrying, with};
use crate::support::setup::Setup;
use crate::support::slack::Slack;

const RULES: &str =
    "[[rules]]\nname = \"sync\"\nmatch = { workflow = \"*-sync\" }\nnotify = [\"oncall\"]\nhold = \"1s\"";

fn setup(slack: &Slack) -> Setup {
    Setup::new().defaults(&["oncall"], "1s").slack("oncall", slack, "").toml(RULES)
}

fn backtest(setup: &Setup, change: impl FnOnce(String) -> String, more: &[&str]) -> Said {
    let old = std::fs::read_to_string(setup.file()).expect("the configuration");
    std::fs::write(setup.folder().join("new.toml"), change(old)).expect("writable");
    let mut arguments = vec!["backtest", "new.toml", "--since", "1h"];
    arguments.extend(more);
    run(setup.folder(), &arguments, None)
}

fn names(answer: &Value, list: &str) -> Vec<String> {
    let list = answer[list].as_array().expect("a list");
    list.iter().map(|failure| failure["run"]["run"].as_str().expect("a run").to_owned()).collect()
}

/// A failure of each kind, told; one that recovers; one that goes on retrying.
async fn some_life(slack: &Slack, daemon: &Daemon) {
    daemon.ingest(&failed("r1", "lead-sync")).await;
    slack.wait_about("lead-sync", SOON).await;
    daemon.ingest(&failed("r2", "invoices")).await;
    slack.wait_about("invoices", SOON).await;
    daemon.ingest(&retrying("r3", "slow-sync", 1, 5, 600)).await;
    let post = slack.wait_about("slow-sync", SOON).await;
    assert!(post.text().to_lowercase().contains("still retrying"), "{}", post.text());
    let mut later = with(in_status("r4", "lead-sync", "completed"), "startedAt", at(0));
    later["completedAt"] = at(1).into();
    daemon.ingest(&with(later, "updatedAt", at(1))).await;
    slack.wait_about("recovered", SOON).await;
}

#[tokio::test]
async fn with_the_same_rules_it_says_exactly_what_was_said() {
    let slack = Slack::start().await;
    let setup = setup(&slack);
    let daemon = Daemon::start(&setup).await;
    some_life(&slack, &daemon).await;
    let said = backtest(&setup, |same| same, &["--format", "json", "--fail-on", "lost"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let answer = said.json();
    assert_eq!(answer["baseline"]["exact"], true, "{answer:#}");
    assert_eq!((answer["baseline"]["said"].as_u64(), answer["failures"].as_u64()), (Some(4), Some(3)), "{answer:#}");
    for list in ["lost", "later", "sooner", "new", "pending"] {
        assert!(names(&answer, list).is_empty(), "{list}: {answer:#}");
    }
    let text = backtest(&setup, |same| same, &[]).out;
    assert!(text.contains("say exactly what was said: 4 notifications"), "{text}");
    assert!(text.contains("every failure is told as before"), "{text}");
}

#[tokio::test]
async fn what_nobody_would_hear_of_any_more_is_named_and_can_fail_a_build() {
    let slack = Slack::start().await;
    let setup = setup(&slack);
    let mut daemon = Daemon::start(&setup).await;
    some_life(&slack, &daemon).await;
    daemon.crash().await;
    let narrower = |old: String| old.replace("notify = [\"oncall\"]\nhold = \"1s\"\n\n[receivers", "[receivers");
    let said = backtest(&setup, narrower, &["--format", "json", "--fail-on", "lost"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let answer = said.json();
    assert_eq!(names(&answer, "lost"), ["r2"], "{answer:#}");
    assert_eq!(answer["lost"][0]["told"], serde_json::json!(["oncall"]));
    assert_eq!(backtest(&setup, narrower, &[]).code, Some(0), "only asked");
    let slower = |old: String| old.replace("hold = \"1s\"", "hold = \"1h\"");
    let answer = backtest(&setup, slower, &["--format", "json"]).json();
    assert_eq!(names(&answer, "pending"), ["r3"], "its hold goes on: {answer:#}");
    let broken = backtest(&setup, |_| "[[rules]]\nname = 1".to_owned(), &[]);
    assert_eq!(broken.code, Some(2), "{broken:#?}");
}
