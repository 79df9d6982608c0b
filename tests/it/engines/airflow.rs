//! End to end on a real Airflow 3: DAGs that fail in eleven ways, four that nobody needs to hear of, a DAG file that can't be read, and
//! what people do to runs by hand. Each failure is told once, with the task that failed first.

use std::time::{Duration, Instant};

use crate::support::daemon::Daemon;
use crate::support::engines::airflow::Airflow;
use crate::support::engines::prefect::outside_service;
use crate::support::setup::Setup;
use crate::support::slack::{Post, Slack};

/// All runs take a minute or two on two cores.
const LONG: Duration = Duration::from_mins(4);

/// A DAG that must be told: its id in `tests/engines/airflow/dags.py`, and what its message must say and must not.
struct Failing {
    dag: &'static str,
    says: &'static [&'static str],
    never: &'static [&'static str],
}

const fn failing(dag: &'static str, says: &'static [&'static str], never: &'static [&'static str]) -> Failing {
    Failing { dag, says, never }
}

const FAILING: [Failing; 11] = [
    failing("lead-sync", &["push_contact", "401"], &[]),
    failing("price-feed", &["pull_prices", "ConnectionError", "the exchange does not answer"], &[]),
    failing("customers", &["sync [initech]", "HTTP 404 for initech"], &[]),
    // The first red task is tolerated: the cause is the last.
    failing("close-of-day", &["send", "the bank refused the file"], &["nobody minds"]),
    failing("export-wait", &["wait_for_export", "AirflowTaskTimeout"], &[]),
    // On a busy machine its task may not have begun by then.
    failing("night-shift", &["dagrun_timeout"], &[]),
    failing("hard-stop", &["crunch", "SIGKILL"], &[]),
    // Told once, for the outer DAG, and at the leaf.
    failing("month-end", &["run_ledger › load_ledger", "KeyError", "account 4711"], &[]),
    failing("billing", &["charge_card", "RuntimeError", "card declined"], &[SECRET]),
    failing("broken.py", &["ModuleNotFoundError", "no_such_module_anywhere"], &[]),
    failing("billing", &["charge_card", "ValueError", "no such customer"], &[SECRET]),
];

/// What must not be told by itself: well after a retry, well although a task failed, told with its parent, marked as failed by a
/// person, failed before firstred first looked.
const QUIET: [&str; 5] = ["digest", "tolerant", "ledger", "called-off", "last-week"];

const DAGS: usize = 14;

/// What the `billing` DAG leaks into its error.
const SECRET: &str = "4eC39HqLyjWDarjtT1zdp7dc";

/// What Airflow must have recorded, whatever firstred makes of it.
const ENDS: [&str; 14] = [
    "billing=failed",
    "called-off=failed",
    "close-of-day=failed",
    "customers=failed",
    "digest=success",
    "export-wait=failed",
    "hard-stop=failed",
    "last-week=failed",
    "lead-sync=failed",
    "ledger=failed",
    "month-end=failed",
    "night-shift=failed",
    "price-feed=failed",
    "tolerant=success",
];

/// Airflow reads only files that speak of a DAG of Airflow.
const BROKEN: &str = "from airflow.sdk import dag\nimport no_such_module_anywhere\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an Airflow server: run by .ci/run"]
async fn every_failed_dag_of_a_real_airflow_is_told_once_and_nothing_else_is() {
    let (slack, outside) = (Slack::start().await, outside_service().await);
    let setup = Setup::new();
    let airflow = Airflow::start(setup.folder(), outside.address.port(), DAGS).await;
    airflow.trigger("last-week").await;
    airflow.ends(1).await;
    let url = airflow.url();
    let setup = setup.defaults(&["oncall"], "10m").slack("oncall", &slack, "").toml(&format!(
        "[sources.airflow]\ntype = \"airflow\"\nurl = {url:?}\nusername = \"viewer\"\npassword = \"viewerpw\"\nevery = \"1s\""
    ));
    // The clock that firstred begins by knows no fractions of a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut daemon = Daemon::start(&setup).await;
    daemon.wait_ready().await;
    wait_polls(&daemon, 1).await;

    airflow.file("broken.py", Some(BROKEN));
    let called_off = airflow.trigger("called-off").await;
    airflow.mark_failed("called-off", &called_off).await;
    let mut billing = String::new();
    for name in ENDS.map(|end| end.split('=').next().expect("a name")) {
        if !["called-off", "last-week", "ledger"].contains(&name) {
            let run = airflow.trigger(name).await;
            billing = if name == "billing" { run } else { billing };
        }
    }
    let ends = airflow.ends(ENDS.len()).await;
    assert_eq!(ends.iter().map(|(end, _)| end.as_str()).collect::<Vec<_>>(), ENDS, "the DAGs themselves");
    slack.wait_for(FAILING.len() - 1, LONG).await;
    latencies(&slack, &ends);

    // Nothing comes twice: two more polls, then a death, then two more. Meanwhile a run is cleared, and fails in another way.
    wait_polls(&daemon, 2).await;
    daemon.crash().await;
    airflow.clear("billing", &billing).await;
    airflow.ends(ENDS.len()).await;
    slack.wait_for(FAILING.len(), LONG).await;
    wait_polls(&daemon, 2).await;
    for failing in &FAILING {
        let Failing { dag, says, never } = failing;
        let about: Vec<Post> = slack.messages().into_iter().filter(|post| is_about(post, dag)).collect();
        let right = |post: &&Post| says.iter().all(|says| post.says(says));
        assert_eq!(about.iter().filter(right).count(), 1, "{dag}: {says:?} in {:#?}", texts(&about));
        for never in *never {
            assert!(about.iter().all(|post| !post.says(never)), "{dag}: {never:?} in {:#?}", texts(&about));
        }
    }
    for quiet in QUIET {
        let about: Vec<Post> = slack.messages().into_iter().filter(|post| is_about(post, quiet)).collect();
        assert!(about.is_empty(), "{quiet}: {:#?}", texts(&about));
    }
    slack.assert_well_formed();
    assert_eq!(slack.messages().len(), FAILING.len(), "{:#?}", texts(&slack.messages()));
    assert!(!daemon.log().contains(SECRET), "the secret is in the log");

    // A DAG file that is mended ends its problem.
    airflow.file("broken.py", None);
    slack.wait_for(FAILING.len() + 1, LONG).await;
    let last = slack.messages().pop().expect("a message");
    assert!(is_about(&last, "broken.py"), "{}", last.text());
}

/// The title names the DAG: `ledger` must not be found in `run_ledger`.
fn is_about(post: &Post, dag: &str) -> bool {
    let text = post.text();
    text.match_indices(dag).any(|(at, _)| {
        let name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let before = text[..at].chars().next_back();
        let after = text[at + dag.len()..].chars().next();
        !before.is_some_and(name) && !after.is_some_and(name)
    })
}

fn texts(posts: &[Post]) -> Vec<&str> {
    posts.iter().map(Post::text).collect()
}

/// Says how long after the end of a run its message came.
fn latencies(slack: &Slack, ends: &[(String, f64)]) {
    let now = firstred::clock::now().as_duration().as_secs_f64();
    for (end, at) in ends.iter().filter(|(end, _)| end.ends_with("=failed")) {
        let dag = end.trim_end_matches("=failed");
        let messages = slack.messages();
        let Some(post) = messages.iter().find(|post| is_about(post, dag)) else { continue };
        let told = now - Instant::now().duration_since(post.at).as_secs_f64();
        eprintln!("{dag}: told {:.1} s after its end", told - at);
    }
}

/// Waits until the source has made `more` whole polls.
async fn wait_polls(daemon: &Daemon, more: u32) {
    let polls = async || daemon.metric("firstred_polls_total", "outcome=\"ok\"").await.unwrap_or(0.0);
    let target = polls().await + f64::from(more);
    let deadline = Instant::now() + LONG;
    while polls().await < target {
        assert!(Instant::now() < deadline, "no {more} polls within {LONG:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
