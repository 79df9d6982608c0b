//! A Slack incoming webhook: takes only what Slack would take, keeps every post, and fails as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::blocks;
use super::http::{self, Answer, Asked, Server};
use super::record::Record;

/// The path of the hook: the part that has to stay secret.
pub(crate) const SECRET_PATH: &str = "/services/T0FIRSTRED/B0FIRSTRED/s3cr3tHookPartNeverShown";

/// What happens to the next post.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    /// An error status with a body; not posted.
    Status(u16, &'static str),
    /// 429 with `Retry-After` in seconds; not posted.
    RateLimited(u64),
    /// Posted, but the answer never comes: the connection is cut.
    DropAfterStoring,
    /// Nothing is answered, for ever; not posted.
    Hang,
    /// 200 with a page of somebody else (a proxy, a captive portal); not posted.
    Html200,
    /// `invalid_blocks` for whatever has blocks; a message of plain text is posted.
    NoBlocks,
    /// Sent on to another host; not posted.
    Redirect(String),
}

/// One post.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    /// When it came.
    pub(crate) at: Instant,
    /// The body.
    pub(crate) body: Value,
    /// It stands in the channel.
    pub(crate) posted: bool,
    /// What Slack would have said against it.
    pub(crate) mistakes: Vec<String>,
}

impl Post {
    /// The fallback text: what a lock screen shows.
    pub(crate) fn text(&self) -> &str {
        self.body["text"].as_str().unwrap_or_default()
    }

    /// Any text of the message holds `needle`.
    pub(crate) fn says(&self, needle: &str) -> bool {
        super::webhook::leaves(&self.body).iter().any(|leaf| leaf.contains(needle))
    }
}

/// The double.
#[derive(Debug)]
pub(crate) struct Slack {
    server: Server,
    posts: Record<Post>,
    script: Arc<Mutex<VecDeque<Next>>>,
    pace: Arc<Mutex<Pace>>,
}

#[derive(Debug, Default)]
struct Pace {
    enforced: bool,
    last: Option<Instant>,
    not_before: Option<Instant>,
    /// Posts that came before `Retry-After` had passed.
    ignored: usize,
}

impl Slack {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let posts = Record::default();
        let script = Arc::<Mutex<VecDeque<Next>>>::default();
        let pace = Arc::<Mutex<Pace>>::default();
        let state = (posts.clone(), Arc::clone(&script), Arc::clone(&pace));
        let server = http::serve(move |asked| {
            let answer = answer(&asked, &state.0, &state.1, &state.2);
            async move { answer }
        })
        .await;
        Self { server, posts, script, pace }
    }

    /// The hook's URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{SECRET_PATH}", self.server.address)
    }

    /// Scripts what happens to the next posts, in order; afterwards everything works again.
    pub(crate) fn script(&self, faults: impl IntoIterator<Item = Next>) {
        self.script.lock().expect("no panic in the double").extend(faults);
    }

    /// From now on more than one post a second is answered 429.
    pub(crate) fn enforce_pace(&self) {
        self.pace.lock().expect("no panic in the double").enforced = true;
    }

    /// How many posts came although `Retry-After` had not passed.
    pub(crate) fn ignored_retry_after(&self) -> usize {
        self.pace.lock().expect("no panic in the double").ignored
    }

    /// Every post that came, refused ones included.
    pub(crate) fn attempts(&self) -> Vec<Post> {
        self.posts.all()
    }

    /// What stands in the channel.
    pub(crate) fn messages(&self) -> Vec<Post> {
        self.posts.all().into_iter().filter(|post| post.posted).collect()
    }

    /// The messages of the channel that hold `needle`.
    pub(crate) fn about(&self, needle: &str) -> Vec<Post> {
        self.messages().into_iter().filter(|post| post.says(needle)).collect()
    }

    /// Waits for `count` messages in the channel.
    pub(crate) async fn wait_for(&self, count: usize, deadline: Duration) -> Vec<Post> {
        let found = self.comes(count, deadline).await;
        assert!(found, "expected {count} Slack messages within {deadline:?}, got {}", self.summary());
        self.messages()
    }

    /// Whether so many messages are there within the deadline.
    pub(crate) async fn comes(&self, count: usize, deadline: Duration) -> bool {
        let enough = |posts: &[Post]| posts.iter().filter(|post| post.posted).count() >= count;
        self.posts.wait(deadline, enough).await.is_some()
    }

    /// Waits for a message that holds `needle`.
    pub(crate) async fn wait_about(&self, needle: &str, deadline: Duration) -> Post {
        let enough = |posts: &[Post]| posts.iter().any(|post| post.posted && post.says(needle));
        let found = self.posts.wait(deadline, enough).await.is_some();
        assert!(found, "no Slack message about {needle:?} within {deadline:?}, got {}", self.summary());
        self.about(needle).remove(0)
    }

    /// Waits for `count` posts, refused ones included.
    pub(crate) async fn wait_attempts(&self, count: usize, deadline: Duration) -> Vec<Post> {
        let Some(posts) = self.posts.wait_for(count, deadline).await else {
            panic!("expected {count} posts to Slack within {deadline:?}, got {}", self.summary());
        };
        posts
    }

    /// Every post was one that Slack would have taken.
    pub(crate) fn assert_well_formed(&self) {
        for post in self.attempts() {
            assert!(post.mistakes.is_empty(), "Slack would refuse this: {:#?}\n{:#}", post.mistakes, post.body);
        }
    }

    fn summary(&self) -> String {
        let line = |post: &Post| format!("\n  posted={} {:?} {:?}", post.posted, post.text(), post.mistakes);
        self.attempts().iter().map(line).collect()
    }
}

fn answer(asked: &Asked, posts: &Record<Post>, script: &Mutex<VecDeque<Next>>, pace: &Mutex<Pace>) -> Answer {
    let now = Instant::now();
    let keep = |body: Value, posted: bool, mistakes: Vec<String>| posts.push(Post { at: now, body, posted, mistakes });
    if asked.method != "POST" || asked.uri.path() != SECRET_PATH {
        return Answer::text(404, "no_service");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
        keep(Value::Null, false, vec!["not JSON".to_owned()]);
        return Answer::text(400, "invalid_payload");
    };
    let mut mistakes = blocks::mistakes(&body);
    if !asked.header("content-type").starts_with("application/json") {
        mistakes.push("content-type is not application/json".to_owned());
    }
    let next = script.lock().expect("no panic in the double").pop_front();
    {
        let mut pace = pace.lock().expect("no panic in the double");
        if pace.not_before.is_some_and(|until| now < until) {
            pace.ignored += 1;
        }
        let too_fast = pace.enforced && pace.last.is_some_and(|last| now - last < Duration::from_millis(950));
        if too_fast {
            pace.not_before = Some(now + Duration::from_secs(1));
            keep(body, false, mistakes);
            return rate_limited(1);
        }
        if let Some(Next::RateLimited(seconds)) = next {
            pace.not_before = Some(now + Duration::from_secs(seconds));
        } else {
            pace.last = Some(now);
        }
    }
    let has_blocks = body.get("blocks").is_some() || body.get("attachments").is_some();
    let fine = mistakes.is_empty();
    let posted = fine
        && match next {
            None | Some(Next::DropAfterStoring) => true,
            Some(Next::NoBlocks) => !has_blocks,
            Some(_) => false,
        };
    keep(body, posted, mistakes);
    match next {
        Some(Next::Status(status, body)) => Answer::text(status, body),
        Some(Next::RateLimited(seconds)) => rate_limited(seconds),
        Some(Next::DropAfterStoring) => Answer::Drop,
        Some(Next::Hang) => Answer::Hang,
        Some(Next::Html200) => Answer::text(200, "<!doctype html><title>Sign in</title>"),
        Some(Next::Redirect(to)) => Answer::make(307, &[("location", &to)], axum::body::Body::empty()),
        Some(Next::NoBlocks) | None if posted => Answer::text(200, "ok"),
        Some(Next::NoBlocks) | None => Answer::text(400, "invalid_blocks"),
    }
}

fn rate_limited(seconds: u64) -> Answer {
    Answer::make(429, &[("retry-after", &seconds.to_string())], axum::body::Body::from("rate_limited"))
}
