//! End to end on a real Prefect server: flows that fail in eight ways, one that retries for long, four that nobody needs to
//! hear of, and what people do to runs by hand. Each failure is told once, by message and by mail.

use std::time::{Duration, Instant};

use crate::support::SOON;
use crate::support::daemon::{self, Daemon};
use crate::support::engines::prefect::{Prefect, outside_service};
use crate::support::setup::Setup;
use crate::support::slack::{Post, Slack};
use crate::support::smtp::{Mail, Smtp};

/// A flow that must be told: its function in `tests/engines/prefect/flows.py`, its name, and what its message must say.
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

/// The flows that must not be told: completed, completed although a task failed, completed after a retry, cancelled.
const QUIET: [(&str, &str); 4] =
    [("success", "healthy"), ("swallowed", "tolerant"), ("recovering", "digest"), ("cancelled", "called-off")];

/// The flow that retries for longer than its hold.
const PERSISTENT: (&str, &str) = ("persistent", "bank-import");

/// It failed before firstred first looked.
const OLD: &str = "last-week";

/// What the `billing` flow leaks into its error.
const SECRET: &str = "4eC39HqLyjWDarjtT1zdp7dc";

/// What the server must have recorded, whatever firstred makes of it.
const ENDS: [&str; 14] = [
    "bank-import=FAILED",
    "billing=FAILED",
    "called-off=CANCELLED",
    "close-of-day=FAILED",
    "digest=COMPLETED",
    "export-wait=FAILED",
    "fan-out=FAILED",
    "hard-stop=CRASHED",
    "healthy=COMPLETED",
    "last-week=FAILED",
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
async fn every_failed_flow_of_a_real_prefect_server_is_told_once_and_nothing_else_is() {
    let (slack, smtp, outside) = (Slack::start().await, Smtp::start().await, outside_service().await);
    let setup = Setup::new();
    let prefect = Prefect::start(setup.folder()).await;
    let api = prefect.api();
    let mut setup = setup
        .defaults(&["oncall", "mail"], "10m")
        .slack("oncall", &slack, "")
        .email("mail", &smtp, &["data@example.com"], "")
        .toml(&format!("[sources.prefect]\ntype = \"prefect\"\nurl = {api:?}\nevery = \"1s\""))
        .toml(&format!(
            "[[rules]]\nname = \"impatient\"\nmatch = {{ workflow = {:?} }}\nhold = \"5s\"\nnotify = [\"oncall\", \"mail\"]",
            PERSISTENT.1
        ));
    prefect.fail(OLD, "nobody may be woken for this").await;
    prefect.let_age().await;
    let mut daemon = Daemon::start(&setup).await;
    daemon.wait_ready().await;
    wait_polls(&daemon, 1).await;
    let told = Told { slack: &slack, smtp: &smtp };

    let stub = format!("http://{}", outside.address);
    let functions: Vec<&str> =
        FAILING.iter().map(|failing| failing.function).chain(QUIET.map(|quiet| quiet.0)).collect();
    tokio::join!(prefect.run(&[PERSISTENT.0], &stub), prefect.run(&functions, &stub));
    assert_eq!(prefect.ends().await, ENDS, "the flows themselves");

    // Nothing comes twice: two more polls, then a death, then two more.
    told.wait(FAILING.len() + 2).await;
    wait_polls(&daemon, 2).await;
    daemon.crash().await;
    wait_polls(&daemon, 2).await;
    for failing in &FAILING {
        told.assert_once(failing);
    }
    told.assert_persistent();
    for quiet in QUIET.map(|quiet| quiet.1).into_iter().chain([OLD]) {
        told.assert_about(quiet, 0);
    }
    let digest = prefect.run_of("digest").await;
    let config = setup.file();
    let why = daemon::run(setup.folder(), &["why", &digest, "--config", &config.to_string_lossy()], None);
    assert!(why.out.contains("recovered"), "{}", why.all());

    // What happens while nobody looks is told afterwards: a failure, a re-run that fails again under its old id, and a run that
    // had completed and that a person declares failed.
    daemon.kill9();
    prefect.fail("night-shift", "Flow run encountered an exception: ValueError: no rows").await;
    let again = prefect.run_of("lead-sync").await;
    prefect.force(&again, "SCHEDULED", Some("AwaitingRetry"), None).await;
    prefect.force(&again, "RUNNING", None, None).await;
    prefect.force(&again, "FAILED", None, Some("Flow run encountered an exception: ValueError: worse")).await;
    prefect.force(&prefect.run_of("healthy").await, "FAILED", None, Some("the numbers are wrong")).await;
    daemon.restart().await;
    told.wait(FAILING.len() + 5).await;
    wait_polls(&daemon, 2).await;
    for (flow, count, says) in [
        ("night-shift", 1, "ValueError: no rows"),
        ("lead-sync", 2, "ValueError: worse"),
        ("healthy", 1, "the numbers are wrong"),
    ] {
        let (posts, mails) = told.assert_about(flow, count);
        assert!(posts[count - 1].text().contains(says), "{flow}: {}", posts[count - 1].text());
        let sentence = says.rsplit(": ").next().expect("a sentence");
        assert!(mails[count - 1].says(sentence), "{flow}: {}", mails[count - 1].text);
    }
    told.assert_all(FAILING.len() + 5);
    assert!(!daemon.log().contains(SECRET), "the secret is in the log");

    // Asked every ten minutes: what is told at once was heard of by the events.
    daemon.kill9();
    setup.rewrite(|toml| *toml = toml.replace("every = \"1s\"", "every = \"10m\""));
    daemon.restart().await;
    wait_polls(&daemon, 1).await;
    told.wait_heard(&prefect, FAILING.len() + 6).await;
}

/// What the channel and the mailbox hold.
struct Told<'a> {
    slack: &'a Slack,
    smtp: &'a Smtp,
}

impl Told<'_> {
    async fn wait(&self, count: usize) {
        self.slack.wait_for(count, SOON).await;
        self.smtp.wait_for(count, SOON).await;
    }

    /// Waits until a failure is told that no poll can have found. Whether the server has taken our wish to hear of them it doesn't say: one
    /// run after another fails until one is heard of.
    async fn wait_heard(&self, prefect: &Prefect, count: usize) {
        for number in 0..6 {
            let began = Instant::now();
            prefect.fail(&format!("urgent-{number}"), "Flow run encountered an exception: ValueError: now").await;
            if self.slack.comes(count, Duration::from_secs(10)).await {
                eprintln!("told {:?} after the failure, by the events", began.elapsed());
                return;
            }
        }
        panic!("none of six failures was heard of by the events");
    }

    /// The messages and the mails about a flow, of which there must be `count` each.
    fn assert_about(&self, flow: &str, count: usize) -> (Vec<Post>, Vec<Mail>) {
        let posts: Vec<_> = self.slack.messages().into_iter().filter(|post| is_about(post.text(), flow)).collect();
        let mails: Vec<_> = self.smtp.mails().into_iter().filter(|mail| is_about(mail.subject(), flow)).collect();
        assert_eq!(posts.len(), count, "{flow}: {:?}", posts.iter().map(Post::text).collect::<Vec<_>>());
        assert_eq!(mails.len(), count, "{flow}: {:?}", mails.iter().map(Mail::subject).collect::<Vec<_>>());
        (posts, mails)
    }

    fn assert_once(&self, failing: &Failing) {
        let Failing { flow, says, never, .. } = failing;
        let (posts, mails) = self.assert_about(flow, 1);
        for (needles, wanted) in [(says, true), (never, false)] {
            for needle in *needles {
                assert_eq!(posts[0].says(needle), wanted, "{flow}: {needle:?} in {:#}", posts[0].body);
                assert_eq!(mails[0].says(needle), wanted, "{flow}: {needle:?} in\n{}", mails[0].text);
            }
        }
    }

    /// Once while it retried, and once when it had given up.
    fn assert_persistent(&self) {
        let (posts, mails) = self.assert_about(PERSISTENT.1, 2);
        for (post, mail, headline) in [(&posts[0], &mails[0], "is still retrying"), (&posts[1], &mails[1], "failed at")]
        {
            assert!(post.text().contains(headline), "{headline}: {}", post.text());
            // One problem is one thread: its subject stays what it is.
            let thread = "bank-import failed at read_statement";
            assert!(
                mail.subject().contains(thread) && mail.says(headline),
                "{headline}: {}\n{}",
                mail.subject(),
                mail.text
            );
            assert!(post.says("the bank does not answer"), "{:#}", post.body);
        }
        for part in ["attempt 1 of 3", "next try "] {
            assert!(posts[0].text().contains(part), "{part}: {}", posts[0].text());
        }
    }

    /// Nothing else arrived, and all of it was as Slack and a mail server want it.
    fn assert_all(&self, count: usize) {
        self.slack.assert_well_formed();
        assert_eq!(self.smtp.offences(), Vec::<String>::new());
        assert_eq!((self.slack.messages().len(), self.smtp.mails().len()), (count, count));
    }
}

/// Waits until the source has made `more` whole polls.
async fn wait_polls(daemon: &Daemon, more: u32) {
    let polls = async || daemon.metric("firstred_polls_total", "outcome=\"ok\"").await.unwrap_or(0.0);
    let target = polls().await + f64::from(more);
    let deadline = Instant::now() + SOON;
    while polls().await < target {
        assert!(Instant::now() < deadline, "no {more} polls within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
