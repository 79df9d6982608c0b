//! End to end on a real Dagster: jobs that fail in eight ways, a code location that does not load, jobs that nobody needs to hear of, and a
//! re-execution. Each failure is told once.

use std::time::{Duration, Instant};

use crate::support::daemon::{self, Daemon};
use crate::support::engines::dagster::Dagster;
use crate::support::engines::prefect::outside_service;
use crate::support::setup::Setup;
use crate::support::slack::Slack;

/// A run takes 5 s on an idle machine, of which Python's start takes most, and 60 s on a busy one; up to four go on at once.
const SOON: Duration = Duration::from_mins(4);

/// What must be told, and what its message must say.
struct Failing {
    what: &'static str,
    says: &'static [&'static str],
    never: &'static [&'static str],
}

const FAILING: [Failing; 8] = [
    Failing {
        what: "close_of_day",
        says: &["failed at sync", "RuntimeError", "the ledger could not be read", "account 4711", "step%3Async"],
        never: &["DagsterExecutionStepExecutionError"],
    },
    Failing { what: "lead_sync", says: &["failed at push_contact", "HTTPError", "401"], never: &[] },
    Failing {
        what: "price_feed",
        says: &["failed at pull_prices", "ConnectionError", "503", "attempt 2 of 2"],
        never: &["RetryRequested"],
    },
    Failing { what: "billing", says: &["failed at charge", "card_declined", "the card was declined"], never: &[] },
    Failing { what: "bank_import", says: &["failed at import_statement", "the bank sent an empty file"], never: &[] },
    Failing { what: "fan_out", says: &["failed at sync_customer[initech]", "no contract for initech"], never: &[] },
    Failing {
        what: "nightly_load",
        says: &["before any step", "ConnectionError", "the warehouse does not answer"],
        never: &["DagsterResourceFunctionError"],
    },
    Failing {
        what: "code location broken_location",
        says: &["ModuleNotFoundError", "a_module_that_nobody_installed", "/locations"],
        never: &[],
    },
];

/// What must not be told: it went well, at once or after a retry.
const QUIET: [&str; 2] = ["digest", "healthy"];

/// What Dagster must have recorded, whatever firstred makes of it. `billing` was run again by Dagster.
const ENDS: [&str; 10] = [
    "bank_import=FAILURE",
    "billing=FAILURE",
    "billing=FAILURE",
    "close_of_day=FAILURE",
    "digest=SUCCESS",
    "fan_out=FAILURE",
    "healthy=SUCCESS",
    "lead_sync=FAILURE",
    "nightly_load=FAILURE",
    "price_feed=FAILURE",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Dagster: run by .ci/run"]
async fn every_failed_run_of_a_real_dagster_is_told_once_and_nothing_else_is() {
    let (slack, outside) = (Slack::start().await, outside_service().await);
    let setup = Setup::new();
    let dagster = Dagster::start(setup.folder()).await;
    let setup = setup
        .defaults(&["oncall"], "10m")
        .slack("oncall", &slack, "")
        .toml(&format!("[sources.dagster]\ntype = \"dagster\"\nurl = {:?}\nevery = \"1s\"", dagster.url()));
    let mut daemon = Daemon::start(&setup).await;
    daemon.wait_ready().await;
    wait_polls(&daemon, 1).await;

    let stub = format!("http://{}", outside.address);
    let jobs =
        FAILING.iter().map(|failing| failing.what).filter(|what| !what.starts_with("code location")).chain(QUIET);
    let mut import = String::new();
    for job in jobs {
        let run = dagster.launch(job, &stub).await;
        if job == "bank_import" {
            import = run;
        }
    }
    assert_eq!(dagster.ends(ENDS.len()).await, ENDS, "the jobs themselves");

    // Nothing comes twice: two more polls, then a death, then two more.
    slack.wait_for(FAILING.len(), SOON).await;
    wait_polls(&daemon, 2).await;
    daemon.crash().await;
    wait_polls(&daemon, 2).await;
    for Failing { what, says, never } in &FAILING {
        let posts = slack.about(what);
        assert_eq!(posts.len(), 1, "{what}: {:#?}", posts.iter().map(|post| &post.body).collect::<Vec<_>>());
        for (needles, wanted) in [(says, true), (never, false)] {
            for needle in *needles {
                assert_eq!(posts[0].says(needle), wanted, "{what}: {needle:?} in {:#}", posts[0].body);
            }
        }
    }
    assert_eq!(slack.messages().len(), FAILING.len());
    let why = |run: &str| {
        let config = setup.file();
        daemon::run(setup.folder(), &["why", run, "--config", &config.to_string_lossy()], None).all()
    };

    // Re-executed from where it failed, it completes: the problem is over.
    dagster.heal();
    let again = dagster.reexecute(&import).await;
    slack.wait_for(FAILING.len() + 1, SOON).await;
    let over = slack.about("bank_import");
    assert!(over.len() == 2 && over[1].text().contains("recovered"), "{:#}", over[over.len() - 1].body);
    assert!(why(&import).contains(&again), "{}", why(&import));
    slack.assert_well_formed();
}

/// Waits until the source has made `more` whole polls.
async fn wait_polls(daemon: &Daemon, more: u32) {
    let polls = async || daemon.metric("firstred_polls_total", "outcome=\"ok\"").await.unwrap_or(0.0);
    let target = polls().await + f64::from(more);
    let deadline = Instant::now() + SOON;
    while polls().await < target {
        assert!(Instant::now() < deadline, "no {more} polls within {SOON:?}: {}", daemon.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
