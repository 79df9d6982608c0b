//! `firstred redact`: a text without its secrets, and the self-test, which passes, and which can fail.

use serde_json::Value;

use crate::support::daemon::command;
use crate::support::setup::Setup;

/// Text that no rule can know for a secret.
const UNKNOWN: &str = "correct horse battery staple";

fn selftest(arguments: &[&str]) -> (Option<i32>, Value) {
    let mut setup = Setup::new().toml(
        "[receivers.hook]\ntype = \"webhook\"\nurl = { file = \"URL\" }\n\n[receivers.terminal]\ntype = \"console\"",
    );
    let url = setup.folder().join("url");
    std::fs::write(&url, "https://example.com/hooks/5f0d3b8a61c2e947aa07").expect("the folder is writable");
    setup.rewrite(|toml| *toml = toml.replace("URL", &url.to_string_lossy()));
    let mut all = vec!["redact", "--selftest", "--format", "json"];
    all.extend(arguments);
    let output = command().arg("--config").arg(setup.file()).args(all).output().expect("it runs");
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), answer)
}

#[test]
fn no_secret_planted_in_any_field_shows_anywhere() {
    let (code, answer) = selftest(&[]);
    assert_eq!((code, &answer["ok"], &answer["leaks"]), (Some(0), &Value::Bool(true), &Value::Array(Vec::new())));
    assert_eq!(answer["kinds"], 84);
    assert!(answer["secrets"].as_u64() > Some(3_000), "{}", answer["secrets"]);
    assert!(answer["configured"].as_u64() >= Some(2), "the token of the source and the URL of the hook");
    let places: Vec<&str> =
        answer["places"].as_array().into_iter().flatten().filter_map(|it| it["place"].as_str()).collect();
    for place in ["slack, blocks", "email, mail", "webhook, payload", "the log", "the ledger's files, open"] {
        assert!(places.contains(&place), "{places:?}");
    }
    assert!(places.iter().any(|place| place.starts_with("receiver hook of the configuration")), "{places:?}");
    for looked in answer["places"].as_array().into_iter().flatten() {
        assert!(looked["bytes"].as_u64() > Some(0), "{looked}");
    }
    for kind in ["failed", "resolved", "still-retrying", "summary"] {
        assert!(answer["notifications"].as_array().is_some_and(|kinds| kinds.contains(&kind.into())), "{kind}");
    }
}

#[test]
fn a_secret_that_no_rule_knows_fails_the_self_test_by_field_and_place() {
    let (code, answer) = selftest(&["--plant", UNKNOWN]);
    assert_eq!((code, &answer["ok"]), (Some(1), &Value::Bool(false)));
    let leaks: Vec<(&str, &str, &str)> = answer["leaks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|leak| Some((leak["field"].as_str()?, leak["kind"].as_str()?, leak["place"].as_str()?)))
        .collect();
    for place in ["slack, blocks", "email, mail", "webhook, payload", "console, text", "the ledger's files"] {
        assert!(leaks.contains(&("steps[].error.message", "planted", place)), "{place}: {leaks:?}");
    }
    // Input and output of steps are not read at all.
    let unread = ["input", "output", "parameters", "steps[].input", "steps[].output", "steps[].logs", "error.stack"];
    assert!(!leaks.iter().any(|(field, ..)| unread.contains(field)), "{leaks:?}");
    assert!(leaks.iter().all(|(_, kind, _)| *kind == "planted"), "{leaks:?}");
}

#[test]
fn a_text_is_printed_without_its_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("log.txt");
    let token = format!("gh{}_{}", "p", "a7Kq2Zx9Bv4Lm8Rt3Wp6a7Kq2Zx9Bv4Lm8Rt");
    std::fs::write(&file, format!("clone failed with {token}\nsecond line \u{1b}[2J\n")).expect("writable");
    let output = command().args(["redact", &file.to_string_lossy()]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "clone failed with [REDACTED:github-token]\nsecond line \\x1b[2J\n");
}
