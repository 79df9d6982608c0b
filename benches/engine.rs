//! How fast the engine decides and how much its board weighs, by itself: no ledger, no network. `cargo bench --bench engine`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program, not the product")]
#![expect(clippy::cast_precision_loss, reason = "counts are small")]

use std::collections::BTreeMap;
use std::time::Instant;

use firstred::engine::{
    Audience, Board, Budget, Context, Known, Matcher, Pattern, Policy, Rule, RuleSet, Subject, Told,
};
use firstred::run::{Limits, read_run};
use firstred::triage::{Classes, Observation, observe};
use jiff::{SignedDuration, Timestamp};

/// Rules in force, and incidents that are open.
const RULES: usize = 1_000;
const INCIDENTS: usize = 10_000;

fn policy(budget: Option<Budget>) -> Policy {
    let rules = (0..RULES).map(|index| Rule {
        notify: vec!["oncall".to_owned()],
        ..Rule::new(
            &format!("rule {index}"),
            Matcher { workflow: vec![Pattern::parse(&format!("team{index}-*")).unwrap()], ..Matcher::default() },
        )
    });
    Policy {
        rules: RuleSet::new(rules.collect()),
        receivers: BTreeMap::from([("oncall".to_owned(), Audience { budget, ..Audience::default() })]),
        ..Policy::default()
    }
}

fn run(workflow: &str, id: &str, second: i64, failed: bool) -> Observation {
    let at = Timestamp::from_second(1_795_000_000 + second).unwrap();
    let status = if failed { "failed" } else { "completed" };
    let steps = if failed {
        r#"[{"number":1,"id":"n1","title":"Load","status":"completed"},{"number":2,"id":"n2","title":"Create contact","status":"failed",
            "error":{"code":"AUTH_MISSING","message":"No connection is attached to this action node.","providerStatus":401}}]"#
    } else {
        r#"[{"number":1,"id":"n1","title":"Load","status":"completed"},{"number":2,"id":"n2","title":"Create contact","status":"completed"}]"#
    };
    let json = format!(
        r#"{{"id":"{id}","workflow":{{"id":"{workflow}","name":"{workflow}","version":"14"}},"workspace":"acme","status":"{status}",
            "startedAt":"{at}","completedAt":"{at}","updatedAt":"{at}","steps":{steps}}}"#
    );
    observe("events", read_run(json.as_bytes(), Limits::default()).unwrap(), &Classes::default())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

fn open(board: &mut Board, policy: &Policy, count: usize) {
    for index in 0..count {
        let seen = run(&format!("team{}-wf{index}", index % RULES), &format!("first-{index}"), 0, true);
        let changes = board.observe(at(0), None, seen, Context::default(), policy);
        assert_eq!(changes.told.len(), 1);
        board.take_changed();
    }
}

/// Observations a second with `failing` of a hundred of them failures that join an incident, the rest runs that complete.
fn decide(failing: usize) -> f64 {
    let policy = policy(None);
    let mut board = Board::default();
    open(&mut board, &policy, INCIDENTS);
    let seen: Vec<Observation> = (0..200_000)
        .map(|index| {
            let fails = index % 100 < failing;
            // Those that complete are of workflows that do not fail: a recovery would end the incident.
            let number = if fails { index % INCIDENTS } else { INCIDENTS + index % INCIDENTS };
            run(&format!("team{}-wf{number}", number % RULES), &format!("r-{index}"), 1, fails)
        })
        .collect();
    let count = seen.len() as f64;
    let mut kept: Vec<Known> = Vec::with_capacity(seen.len());
    let start = Instant::now();
    for (index, seen) in seen.into_iter().enumerate() {
        kept.push(board.observe(at(2), None, seen, Context::default(), &policy).known);
        // As often as a ledger commits under load.
        if index % 64 == 0 {
            board.take_changed();
        }
    }
    let took = start.elapsed().as_secs_f64();
    board.take_changed();
    count / took
}

/// Megabytes of 100,000 open incidents.
fn weigh() -> f64 {
    let policy = policy(None);
    let mut board = Board::default();
    let before = resident();
    open(&mut board, &policy, 100_000);
    resident() - before
}

/// 50,000 failures of 200 workflows within one minute, in the engine alone: messages, and whether the counts add up.
fn storm() -> (usize, u64) {
    let budget = Budget { messages: 20, within: SignedDuration::from_mins(5) };
    let policy = policy(Some(budget));
    let mut board = Board::default();
    let mut heard = Heard::default();
    for index in 0..50_000_i64 {
        let second = index * 60 / 50_000;
        let number = usize::try_from(index).unwrap() % 200;
        let seen = run(&format!("team{number}-wf"), &format!("r-{index}"), second, true);
        heard.hear(board.observe(at(second), None, seen, Context::default(), &policy).told);
        heard.hear(board.tick(at(second), &policy));
    }
    println!("  of these {} failures were counted within the minute", heard.counted);
    for second in 60..3_600 {
        heard.hear(board.tick(at(second), &policy));
    }
    (heard.messages, heard.counted)
}

#[derive(Default)]
struct Heard {
    messages: usize,
    counted: u64,
}

impl Heard {
    fn hear(&mut self, told: Vec<Told>) {
        for told in told {
            self.messages += 1;
            self.counted += match &told.notification.subject {
                Subject::Summary(summary) => summary.failures,
                _ => told.notification.incident.as_ref().map_or(0, |incident| u64::from(incident.more)),
            };
        }
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    // First: what the others let go of would hide it.
    println!("100,000 open incidents: {:.0} MB (goal < 200)", weigh());
    println!("decided, {RULES} rules, {INCIDENTS} open incidents:");
    for failing in [1, 10, 100] {
        println!("  {failing:>3} % failures: {:>9.0} observations/s (goal ≥ 500000)", decide(failing));
    }
    let (messages, counted) = storm();
    println!(
        "storm of 50,000 failures of 200 workflows in a minute: {messages} messages in the hour, {counted} failures counted in them"
    );
}
