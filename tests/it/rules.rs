//! Who is told: by class, status, label, step and workspace; in order; with a default.

use serde_json::{Value, json};

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::runs::{failed, failed_with, with};
use crate::support::setup::Setup;
use crate::support::slack::{Next, Slack};

struct Three {
    one: Slack,
    two: Slack,
    rest: Slack,
    daemon: Daemon,
}

/// Three channels: `one`, `two`, and `rest` by default.
async fn three(rules: &str) -> Three {
    three_with(rules, "", "").await
}

async fn three_with(rules: &str, one_more: &str, two_more: &str) -> Three {
    let (one, two, rest) = (Slack::start().await, Slack::start().await, Slack::start().await);
    let setup = Setup::new()
        .defaults(&["rest"], "10m")
        .slack("one", &one, one_more)
        .slack("two", &two, two_more)
        .slack("rest", &rest, "")
        .toml(rules);
    let daemon = Daemon::start(&setup).await;
    Three { one, two, rest, daemon }
}

fn error(code: &str, status: u16) -> Value {
    json!({"code": code, "message": "it broke", "providerStatus": status})
}

#[tokio::test]
async fn a_failure_is_routed_by_its_class() {
    let three = three(
        "[[rules]]\nname = \"access\"\nmatch = { class = \"authorization\" }\nnotify = [\"one\"]\n\
         [[rules]]\nname = \"passing\"\nmatch = { class = [\"transient\"] }\nnotify = [\"two\"]",
    )
    .await;
    three.daemon.ingest(&failed_with("r1", "wf-access", error("NOPE", 403))).await;
    three.daemon.ingest(&failed_with("r2", "wf-passing", error("NOPE", 503))).await;
    three.daemon.ingest(&failed_with("r3", "wf-neither", error("NOPE", 422))).await;
    three.one.wait_about("wf-access", SOON).await;
    three.two.wait_about("wf-passing", SOON).await;
    three.rest.wait_about("wf-neither", SOON).await;
    assert_eq!((three.one.messages().len(), three.two.messages().len(), three.rest.messages().len()), (1, 1, 1));
}

#[tokio::test]
async fn a_failure_is_routed_by_its_status_and_by_its_labels() {
    let three = three(
        "[[rules]]\nname = \"limits\"\nmatch = { status = [429, \"5xx\"] }\nnotify = [\"one\"]\n\
         [[rules]]\nname = \"growth\"\nmatch = { labels = { owner = \"growth\" } }\nnotify = [\"two\"]",
    )
    .await;
    three.daemon.ingest(&failed_with("r1", "wf-limit", error("NOPE", 429))).await;
    three.daemon.ingest(&failed_with("r2", "wf-down", error("NOPE", 502))).await;
    three.daemon.ingest(&with(failed("r3", "wf-growth"), "labels", json!({"owner": "growth"}))).await;
    three.daemon.ingest(&with(failed("r4", "wf-other"), "labels", json!({"owner": "finance"}))).await;
    three.one.wait_about("wf-limit", SOON).await;
    three.one.wait_about("wf-down", SOON).await;
    three.two.wait_about("wf-growth", SOON).await;
    three.rest.wait_about("wf-other", SOON).await;
}

#[tokio::test]
async fn the_first_rule_that_matches_wins_unless_it_continues() {
    let three = three(
        "[[rules]]\nname = \"log\"\nmatch = { workflow = \"pay-*\" }\nnotify = [\"one\"]\ncontinue = true\n\
         [[rules]]\nname = \"pay\"\nmatch = { workflow = \"pay-*\" }\nnotify = [\"two\"]\n\
         [[rules]]\nname = \"never\"\nmatch = { workflow = \"pay-*\" }\nnotify = [\"rest\"]",
    )
    .await;
    three.daemon.ingest(&failed("r1", "pay-out")).await;
    three.daemon.ingest(&failed("r2", "sentinel")).await;
    three.one.wait_about("pay-out", SOON).await;
    three.two.wait_about("pay-out", SOON).await;
    three.rest.wait_about("sentinel", SOON).await;
    assert!(three.rest.about("pay-out").is_empty());
}

#[tokio::test]
async fn what_a_rule_excepts_goes_on_to_the_next() {
    let three = three(
        "[[rules]]\nname = \"machines\"\nmatch = { workflow = \"*\" }\nunless = { trigger = \"manual\" }\nnotify = [\"one\"]",
    )
    .await;
    three.daemon.ingest(&failed("r1", "by-schedule")).await;
    three.daemon.ingest(&with(failed("r2", "by-hand"), "trigger", "manual")).await;
    three.one.wait_about("by-schedule", SOON).await;
    three.rest.wait_about("by-hand", SOON).await;
    assert!(three.one.about("by-hand").is_empty());
}

#[tokio::test]
async fn a_rule_can_keep_a_failure_quiet() {
    let three = three("[[rules]]\nname = \"known\"\nmatch = { code = \"KNOWN_*\" }\nnotify = []").await;
    three.daemon.ingest(&failed_with("r1", "wf-known", error("KNOWN_BUG", 500))).await;
    three.daemon.ingest(&failed("r2", "sentinel")).await;
    three.rest.wait_about("sentinel", SOON).await;
    assert!(three.rest.about("wf-known").is_empty());
}

#[tokio::test]
async fn severity_and_runbook_of_the_rule_are_in_the_message() {
    let three = three(
        "[[rules]]\nname = \"payments\"\nmatch = { workflow = \"pay-*\" }\nseverity = \"critical\"\nnotify = [\"one\"]\n\
         runbook = \"https://wiki.example.com/payments\"",
    )
    .await;
    three.daemon.ingest(&failed("r1", "pay-out")).await;
    let post = three.one.wait_about("pay-out", SOON).await;
    assert!(post.says("https://wiki.example.com/payments"), "{:#}", post.body);
    assert!(post.body.to_string().to_lowercase().contains("critical"), "{:#}", post.body);
}

#[tokio::test]
async fn a_failure_never_reaches_another_workspace_by_way_of_a_fallback() {
    let three = three_with(
        "[[rules]]\nname = \"all\"\nmatch = { workflow = \"*\" }\nnotify = [\"one\"]",
        "workspaces = [\"acme\"]\nfallback = \"two\"",
        "workspaces = [\"globex\"]",
    )
    .await;
    three.one.script([Next::Status(404, "no_service")]);
    three.daemon.ingest(&with(failed("r1", "wf-of-acme"), "workspace", "acme")).await;
    // That one of acme's receivers is broken is for those who may see acme, too.
    three.rest.wait_about("do not arrive", SOON).await;
    three.daemon.ingest(&with(failed("r2", "sentinel"), "workspace", "acme")).await;
    three.one.wait_about("sentinel", SOON).await;
    assert!(three.two.messages().is_empty(), "{:#?}", three.two.messages());
    three.daemon.wait_log("the fallback is bound to another workspace").await;
}

#[tokio::test]
async fn a_failure_never_reaches_the_receiver_of_another_workspace() {
    let three = three_with(
        "[[rules]]\nname = \"all\"\nmatch = { workflow = \"*\" }\nnotify = [\"one\", \"two\"]",
        "workspaces = [\"acme\"]",
        "workspaces = [\"globex\"]",
    )
    .await;
    three.daemon.ingest(&with(failed("r1", "wf-of-acme"), "workspace", "acme")).await;
    three.daemon.ingest(&with(failed("r2", "wf-of-globex"), "workspace", "globex")).await;
    three.daemon.ingest(&failed("r3", "wf-of-nobody")).await;
    three.daemon.ingest(&with(failed("r4", "sentinel-acme"), "workspace", "acme")).await;
    three.daemon.ingest(&with(failed("r5", "sentinel-globex"), "workspace", "globex")).await;
    three.one.wait_about("sentinel-acme", SOON).await;
    three.two.wait_about("sentinel-globex", SOON).await;
    assert_eq!(three.one.about("wf-of-acme").len(), 1);
    assert_eq!(three.two.about("wf-of-globex").len(), 1);
    for foreign in ["globex", "wf-of-nobody"] {
        assert!(three.one.about(foreign).is_empty(), "{foreign} reached acme's channel");
    }
    for foreign in ["acme", "wf-of-nobody"] {
        assert!(three.two.about(foreign).is_empty(), "{foreign} reached globex's channel");
    }
}
