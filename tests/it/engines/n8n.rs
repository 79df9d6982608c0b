//! End to end on a real n8n server: workflows that fail in ten ways, five that nobody needs to hear of, a retry by hand, and letters of the
//! error workflow. Each failure is told once.

use std::time::{Duration, Instant};

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::engines::n8n::{N8n, Outside, TOKEN};
use crate::support::setup::Setup;
use crate::support::slack::{Post, Slack};

/// A workflow of `tests/engines/n8n/workflows.json` that must be told, and what its message must say.
struct Failing {
    workflow: &'static str,
    says: &'static [&'static str],
    never: &'static [&'static str],
}

const FAILING: [Failing; 9] = [
    Failing { workflow: "lead-sync", says: &["Push contact", "stub_401", "401"], never: &["Done"] },
    Failing { workflow: "price-feed", says: &["Pull prices", "stub_503", "503"], never: &[] },
    Failing { workflow: "bank-import", says: &["Read statement", "ECONNREFUSED"], never: &[] },
    Failing { workflow: "report", says: &["Add up", "no rows for account 4711"], never: &[] },
    Failing { workflow: "billing", says: &["Charge card", "CARD_DECLINED", "the card was declined"], never: &[SECRET] },
    // Told once, for the run at the root, and at the leaf.
    Failing {
        workflow: "close-of-day",
        says: &["Call accounts › Call ledger › Post to ledger", "stub_422", "422"],
        never: &[],
    },
    Failing { workflow: "export", says: &["at the limit of its workflow, 2 s"], never: &[] },
    // n8n keeps no run of it: only its letter tells.
    Failing { workflow: "unsaved", says: &["Forget me", "n8n keeps nothing of this"], never: &[] },
    // It failed before there was a run to start, and both the list and a letter tell of it.
    Failing { workflow: "news", says: &["Feed", "500"], never: &[] },
];

/// The workflows that must not be told: they succeed, some of them although something in them failed.
const QUIET: [&str; 4] = ["healthy", "tolerant", "forgiving", "digest"];

/// It failed before firstred first looked.
const OLD: &str = "last-week";

/// What the `billing` workflow leaks into its error.
const SECRET: &str = "4eC39HqLyjWDarjtT1zdp7dc";

/// What n8n must have recorded, whatever firstred makes of it.
const ENDS: [&str; 16] = [
    "accounts=error",
    "bank-import=error",
    "billing=error",
    "close-of-day=error",
    "digest=success",
    "export=canceled",
    "forgiving=success",
    "healthy=success",
    "last-week=error",
    "lead-sync=error",
    "ledger=error",
    "ledger=error",
    "news=error",
    "price-feed=error",
    "report=error",
    "tolerant=success",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs an n8n server: run by tests/engines/run n8n"]
async fn every_failed_workflow_of_a_real_n8n_server_is_told_once_and_nothing_else_is() {
    let (slack, outside) = (Slack::start().await, Outside::start().await);
    let setup = Setup::new();
    let mut n8n = N8n::start(setup.folder()).await;
    let mut setup = setup.defaults(&["oncall"], "10m").slack("oncall", &slack, "").toml(&format!(
        "[sources.n8n]\ntype = \"n8n\"\nurl = {:?}\napi_key = {:?}\ntoken = {TOKEN:?}\ntell_timeouts = true\nevery = \"1s\"",
        n8n.url(),
        n8n.reader
    ));
    n8n.furnish(&outside.url()).await;
    n8n.run(OLD).await;
    n8n.wait_ends(&["last-week=error"]).await;
    // The clock that the server sends knows no fractions of a second.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut daemon = Daemon::start(&setup).await;
    daemon.wait_ready().await;
    outside.forward_to(daemon.base());
    wait_polls(&daemon, 1).await;

    for workflow in FAILING.iter().map(|failing| failing.workflow).filter(|name| *name != "news").chain(QUIET) {
        let began = Instant::now();
        n8n.run(workflow).await;
        if workflow == "lead-sync" {
            slack.wait_for(1, SOON).await;
            eprintln!("told {:?} after its start, by polling each second", began.elapsed());
        }
    }
    n8n.wait_ends(&ENDS).await;

    // Nothing comes twice: two more polls, then a death, then two more.
    slack.wait_for(FAILING.len(), SOON).await;
    wait_polls(&daemon, 2).await;
    daemon.crash().await;
    outside.forward_to(daemon.base());
    wait_polls(&daemon, 2).await;
    for failing in &FAILING {
        assert_once(&slack, failing);
    }
    for quiet in QUIET.into_iter().chain([OLD, "ledger", "accounts"]) {
        assert_eq!(about(&slack, quiet).len(), 0, "{quiet}");
    }
    assert_eq!(slack.messages().len(), FAILING.len());

    // What fails while nobody looks is told afterwards, and a retry by hand that succeeds proves a problem over.
    daemon.kill9();
    n8n.run("urgent").await;
    daemon.restart().await;
    outside.forward_to(daemon.base());
    slack.wait_for(FAILING.len() + 1, SOON).await;
    let failed = n8n.newest("lead-sync").await;
    n8n.retry(&failed).await;
    slack.wait_for(FAILING.len() + 2, SOON).await;
    let posts = about(&slack, "lead-sync");
    assert_eq!(posts.len(), 2, "{:?}", posts.iter().map(Post::text).collect::<Vec<_>>());
    eprintln!("after the retry: {}", posts[1].text());
    assert!(!daemon.log().contains(SECRET), "the secret is in the log");

    // Asked every ten minutes: what is told at once was heard of by a letter.
    daemon.kill9();
    setup.rewrite(|toml| *toml = toml.replace("every = \"1s\"", "every = \"10m\""));
    daemon.restart().await;
    outside.forward_to(daemon.base());
    wait_polls(&daemon, 1).await;
    let began = Instant::now();
    n8n.run("alarm").await;
    slack.wait_for(FAILING.len() + 3, SOON).await;
    eprintln!("told {:?} after its start, by a letter", began.elapsed());
    slack.assert_well_formed();
    assert_eq!(slack.messages().len(), FAILING.len() + 3);
}

/// The messages about a workflow, by their titles: `ledger` must not be found in another one's step.
fn about(slack: &Slack, workflow: &str) -> Vec<Post> {
    let titled = |text: &str| {
        text.match_indices(workflow).any(|(at, _)| {
            let name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            let before = text[..at].chars().next_back();
            let after = text[at + workflow.len()..].chars().next();
            !before.is_some_and(name) && !after.is_some_and(name)
        })
    };
    let title = |post: &Post| post.text().split(" at ").next().unwrap_or_default().to_owned();
    slack.messages().into_iter().filter(|post| titled(&title(post))).collect()
}

fn assert_once(slack: &Slack, failing: &Failing) {
    let Failing { workflow, says, never } = failing;
    let posts = about(slack, workflow);
    assert_eq!(posts.len(), 1, "{workflow}: {:?}", slack.messages().iter().map(Post::text).collect::<Vec<_>>());
    for (needles, wanted) in [(says, true), (never, false)] {
        for needle in *needles {
            assert_eq!(posts[0].says(needle), wanted, "{workflow}: {needle:?} in {:#}", posts[0].body);
        }
    }
}

/// Waits until the source has made `more` whole polls.
async fn wait_polls(daemon: &Daemon, more: u32) {
    let polls = async || daemon.metric("firstred_polls_total", "source=\"n8n\",outcome=\"ok\"").await.unwrap_or(0.0);
    let target = polls().await + f64::from(more);
    let deadline = Instant::now() + SOON;
    while polls().await < target {
        assert!(Instant::now() < deadline, "no {more} polls within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
