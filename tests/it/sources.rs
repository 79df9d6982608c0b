//! Whether a source works, asked by a person; and what the engine counts, held against the ledger.

use serde_json::json;

use crate::support::SOON;
use crate::support::daemon::{Daemon, run};
use crate::support::engine::{Clock, EngineApi, Fault, TOKEN};
use crate::support::setup::{self, Setup};
use crate::support::slack::Slack;

async fn of(engine: &EngineApi) -> Setup {
    let slack = Slack::start().await;
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").engine("prod", engine);
    setup.write();
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_works_shows_what_it_reaches_and_the_card_of_the_run_that_failed_last() {
    let engine = EngineApi::start_at(2, Clock { ahead: 5, ..Clock::default() }).await;
    engine.set_ago("e0", "quiet", "ok", 100);
    engine.set_ago("e1", "nightly-import", "error", 50);
    engine.set("e2", "long-runner", "busy");
    let setup = of(&engine).await;
    let said = run(setup.folder(), &["source", "test", "prod"], None);
    assert_eq!(said.code, Some(0), "{said:#?}");
    for needle in [
        "ok    list of runs: 2 runs",
        "ok    next page of the list: 1 runs",
        "ok    details of a run: 2 steps",
        "failed in the last 24 hours: 1",
        "going on now: 1",
        "ahead of ours",
        "nightly-import",
        "Write row",
        "Quota exceeded",
    ] {
        assert!(said.out.contains(needle), "no {needle:?} in {said:#?}");
    }
    assert!(!said.all().contains(TOKEN), "{said:#?}");
    assert!(!setup.folder().join("firstred.db").exists(), "it leaves the ledger alone");

    // And beside a running daemon, which has the ledger.
    let _daemon = Daemon::start(&setup).await;
    let said = run(setup.folder(), &["source", "test", "prod", "--format", "json"], None);
    let answer = said.json();
    assert_eq!((said.code, &answer["ok"]), (Some(0), &json!(true)), "{said:#?}");
    assert_eq!(answer["card"]["cause"]["title"], "Write row", "{answer:#}");
    assert_eq!(answer["reached"][0]["what"], "list of runs", "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_with_what_it_costs_and_what_to_do() {
    let engine = EngineApi::start(100).await;
    engine.set("e1", "nightly-import", "error");
    let setup = of(&engine).await;
    for (fault, why, remedy) in [
        (Fault::Status(401), "answered 401", "does not accept `token`"),
        (Fault::Status(403), "answered 403", "give it the right to read runs"),
        (Fault::Status(404), "answered 404", "is `url`"),
        (Fault::Status(500), "answered 500", "see its log"),
        (Fault::Html200, "not JSON", "does `filter` turn"),
        (Fault::Drop, "connection lost", "can http://127.0.0.1"),
    ] {
        engine.script([fault.clone()]);
        let said = run(setup.folder(), &["source", "test", "prod"], None);
        assert_eq!(said.code, Some(1), "{fault:?}: {said:#?}");
        for needle in ["NO    list of runs", why, "without it: no failure is seen", remedy] {
            assert!(said.out.contains(needle), "{fault:?}: no {needle:?} in {said:#?}");
        }
        assert!(!said.all().contains(TOKEN), "{said:#?}");
    }
}

#[tokio::test]
async fn a_source_that_is_pushed_to_says_what_to_send_where_and_not_its_secrets() {
    let setup = Setup::new()
        .defaults(&["out"], "10m")
        .toml("[receivers.out]\ntype = \"console\"")
        .toml("[sources.lineage]\ntype = \"webhook\"\nformat = \"openlineage\"\nhmac_secret = \"s3cret-s3cret\"\nhmac_header = \"X-Sig\"");
    setup.write();
    let said = run(setup.folder(), &["source", "test", "events"], None);
    assert_eq!(said.code, Some(0), "{said:#?}");
    for needle in ["POST http://ADDRESS/ingest/events", "Authorization: Bearer", "native runs", "curl"] {
        assert!(said.out.contains(needle), "no {needle:?} in {said:#?}");
    }
    let lineage = run(setup.folder(), &["source", "test", "lineage"], None);
    assert!(lineage.out.contains("OpenLineage") && lineage.out.contains("x-sig: "), "{lineage:#?}");
    assert!(!lineage.all().contains("s3cret") && !said.all().contains(setup::TOKEN), "{lineage:#?} {said:#?}");
}

#[tokio::test]
async fn what_polling_missed_is_found_by_the_count_told_and_reported() {
    let (slack, engine) = (Slack::start().await, EngineApi::start(2).await);
    let setup = Setup::new().defaults(&["oncall"], "10m").slack("oncall", &slack, "").engine("prod", &engine);
    engine.set_ago("old", "ancient-history", "error", 4_000);
    engine.set("now", "fine", "ok");
    let mut daemon = Daemon::start(&setup).await;
    let counted = async |daemon: &Daemon| {
        let at = daemon.metric("firstred_source_last_count_timestamp_seconds", "source=\"prod\"").await;
        at.is_some_and(|at| at > 1.7e9)
    };
    daemon.poll("a count", counted).await;
    let count = daemon.get("/readyz").await.json()["sources"][0]["count"].clone();
    assert_eq!((&count["failed"], &count["missed"]), (&json!(1), &json!(0)), "history is known, not missed: {count}");

    daemon.kill9();
    // The engine lists a failure where no poll looks: behind a page of runs that were read long ago.
    engine.set_ago("c", "fine", "ok", 1_200);
    engine.set_ago("d", "fine", "ok", 1_200);
    engine.set("a", "fine", "ok");
    engine.set("b", "fine", "ok");
    engine.forget("now");
    engine.set_ago("lost", "hidden-job", "error", 2_400);
    engine.bury("lost");
    daemon.restart().await;
    let post = slack.wait_about("hidden-job", SOON).await;
    assert!(post.says("Write row"), "with its details: {:#}", post.body);
    let report = slack.wait_about("had missed failed runs", SOON).await;
    assert!(report.says("the engine counts 2 in 24 h, the ledger knew 1"), "{:#}", report.body);
    daemon.wait_metric("firstred_recalled_runs_total", "source=\"prod\"", 1.0).await;
    daemon.wait_log("the engine counts failed runs that polling had missed").await;
    let count = daemon.get("/readyz").await.json()["sources"][0]["count"].clone();
    let [failed, missed, recalled] = ["failed", "missed", "recalled"].map(|name| count[name].as_u64());
    assert_eq!((failed, missed, recalled), (Some(2), Some(1), Some(1)), "{count}");

    // The next count finds nothing missing, and tells nothing.
    daemon.crash().await;
    daemon.wait_log("a trouble of firstred's own is over").await;
    engine.wait_polls(2, SOON).await;
    assert_eq!(slack.messages().len(), 2, "{:#?}", slack.messages());
    assert!(slack.about("ancient-history").is_empty());
}
