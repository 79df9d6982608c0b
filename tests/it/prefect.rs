//! End to end on a real Prefect server: eight flows that fail, three that don't, one message and one mail for each failure.

use crate::support::SOON;
use crate::support::daemon::Daemon;
use crate::support::prefect::{Prefect, outside_service};
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use crate::support::smtp::Smtp;

/// A flow that must be told: its function in `tests/prefect/flows.py`, its name, and what its message must say.
struct Failing {
    function: &'static str,
    flow: &'static str,
    says: &'static [&'static str],
    never: &'static [&'static str],
}

const FAILING: [Failing; 8] = [
    Failing {
        function: "unauthorized",
        flow: "lead-sync",
        says: &["push_contact", "HTTPStatusError", "401"],
        never: &[],
    },
    Failing { function: "exhausted", flow: "price-feed", says: &["pull_prices", "HTTPStatusError", "503"], never: &[] },
    // Defined second, failed first: the cause. The other one's error is a consequence of time, not of reason.
    Failing { function: "parallel", flow: "fan-out", says: &["quick_branch", "ValueError", "broke first"], never: &[] },
    // Told once, for the parent, and at the leaf.
    Failing {
        function: "nested",
        flow: "close-of-day",
        says: &["load_ledger", "KeyError", "account 4711"],
        never: &[],
    },
    Failing {
        function: "before_any_task",
        flow: "no-input",
        says: &["LookupError", "no customer was given"],
        never: &["fetch"],
    },
    Failing { function: "crash", flow: "hard-stop", says: &["Crashed"], never: &[] },
    Failing { function: "timeout", flow: "export-wait", says: &["wait_for_export", "TimedOut"], never: &[] },
    Failing { function: "custom", flow: "billing", says: &["charge_card", "CardDeclined"], never: &[SECRET] },
];

/// The flows that must not be told: completed, completed although a task failed, cancelled.
const QUIET: [(&str, &str); 3] = [("success", "healthy"), ("swallowed", "tolerant"), ("cancelled", "called-off")];

/// What the `billing` flow leaks into its error.
const SECRET: &str = "4eC39HqLyjWDarjtT1zdp7dc";

/// What the server must have recorded, whatever firstred makes of it.
const ENDS: [&str; 11] = [
    "billing=FAILED",
    "called-off=CANCELLED",
    "close-of-day=FAILED",
    "export-wait=FAILED",
    "fan-out=FAILED",
    "hard-stop=CRASHED",
    "healthy=COMPLETED",
    "lead-sync=FAILED",
    "no-input=FAILED",
    "price-feed=FAILED",
    "tolerant=COMPLETED",
];

/// The title of a message about a flow: `close-of-day` must not be found in `close-of-day-ledger`.
fn is_about(text: &str, flow: &str) -> bool {
    text.match_indices(flow).any(|(at, _)| {
        let name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let before = text[..at].chars().next_back();
        let after = text[at + flow.len()..].chars().next();
        !before.is_some_and(name) && !after.is_some_and(name)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Prefect server: run by .ci/run"]
async fn the_flows_of_a_real_prefect_server_end_as_they_are_meant_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (prefect, outside) = (Prefect::start(folder.path()).await, outside_service().await);
    let functions: Vec<&str> =
        FAILING.iter().map(|failing| failing.function).chain(QUIET.map(|quiet| quiet.0)).collect();
    prefect.run(&functions, &format!("http://{}", outside.address)).await;
    assert_eq!(prefect.ends().await, ENDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Prefect server: run by .ci/run"]
async fn every_failed_flow_of_a_real_prefect_server_is_told_once_and_nothing_else_is() {
    let (slack, smtp, outside) = (Slack::start().await, Smtp::start().await, outside_service().await);
    let setup = Setup::new();
    let prefect = Prefect::start(setup.folder()).await;
    let api = prefect.api();
    let setup = setup
        .defaults(&["oncall", "mail"], "10m")
        .slack("oncall", &slack, "")
        .email("mail", &smtp, &["data@example.com"], "")
        .toml(&format!("[sources.prefect]\ntype = \"prefect\"\nurl = {api:?}\nevery = \"1s\""));
    let mut daemon = Daemon::start(&setup).await;
    daemon.wait_ready().await;

    let functions: Vec<&str> =
        FAILING.iter().map(|failing| failing.function).chain(QUIET.map(|quiet| quiet.0)).collect();
    prefect.run(&functions, &format!("http://{}", outside.address)).await;
    assert_eq!(prefect.ends().await, ENDS, "the flows themselves");

    slack.wait_for(FAILING.len(), SOON).await;
    smtp.wait_for(FAILING.len(), SOON).await;
    // Nothing comes twice: two more polls, then a death, then two more.
    wait_polls(&daemon, 2).await;
    daemon.crash().await;
    wait_polls(&daemon, 2).await;

    slack.assert_well_formed();
    assert_eq!(smtp.offences(), Vec::<String>::new());
    let posts = slack.messages();
    let mails = smtp.mails();
    for Failing { flow, says, never, .. } in &FAILING {
        let about: Vec<_> = posts.iter().filter(|post| is_about(post.text(), flow)).collect();
        assert_eq!(about.len(), 1, "{flow}: {:?}", about.iter().map(|post| post.text()).collect::<Vec<_>>());
        let mailed: Vec<_> = mails.iter().filter(|mail| is_about(mail.subject(), flow)).collect();
        assert_eq!(mailed.len(), 1, "{flow}: {:?}", mailed.iter().map(|mail| mail.subject()).collect::<Vec<_>>());
        for needle in *says {
            assert!(about[0].says(needle), "{flow}: no {needle:?} in {:#}", about[0].body);
            assert!(mailed[0].says(needle), "{flow}: no {needle:?} in\n{}", mailed[0].text);
        }
        for needle in *never {
            assert!(!about[0].says(needle), "{flow}: {needle:?} in {:#}", about[0].body);
            assert!(!mailed[0].says(needle), "{flow}: {needle:?} in\n{}", mailed[0].text);
        }
    }
    for (_, flow) in QUIET {
        assert!(posts.iter().all(|post| !is_about(post.text(), flow)), "{flow} was told");
        assert!(mails.iter().all(|mail| !is_about(mail.subject(), flow)), "{flow} was mailed");
    }
    assert_eq!((posts.len(), mails.len()), (FAILING.len(), FAILING.len()));
    assert!(!daemon.log().contains(SECRET), "the secret is in the log");
}

/// Waits until the source has made `more` whole polls.
async fn wait_polls(daemon: &Daemon, more: u32) {
    let polls = async || daemon.metric("firstred_polls_total", "outcome=\"ok\"").await.unwrap_or(0.0);
    let target = polls().await + f64::from(more);
    let deadline = std::time::Instant::now() + SOON;
    while polls().await < target {
        assert!(std::time::Instant::now() < deadline, "no {more} polls within {SOON:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
