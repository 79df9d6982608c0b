//! The commands, as scripts and people call them.

use std::path::Path;

use serde_json::Value;

use crate::support::SOON;
use crate::support::daemon::{Said, run};
use crate::support::runs::{failed, retrying};
use crate::support::setup::Setup;

const BAD: &str = r#"
[server]
listen = "nowhere"

[receivers.oncall]
type = "slack"
webhook_url = "not a url"
wehbook = 1

[[rules]]
name = "one"
match = { workflw = "x" }
notify = ["nobody"]
hold = "soon"
"#;

fn good() -> Setup {
    let setup = Setup::new().defaults(&["out"], "10m").toml(
        "[receivers.out]\ntype = \"console\"\n\n[receivers.pager]\ntype = \"console\"\n\n\
         [[rules]]\nname = \"access\"\nmatch = { class = \"authorization\" }\nseverity = \"critical\"\nnotify = [\"pager\"]\nhold = \"5m\"",
    );
    setup.write();
    setup
}

fn ask(folder: &Path, arguments: &[&str]) -> Said {
    run(folder, arguments, None)
}

#[test]
fn check_of_a_good_file_exits_0() {
    let setup = good();
    let said = ask(setup.folder(), &["check", "--config", "firstred.toml"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
}

#[test]
fn check_tries_the_tests_of_the_configuration_out() {
    let run = "run = { id = \"1\", workflow = { name = \"pay\" }, status = \"failed\", error = { code = \"AUTH_MISSING\", message = \"no\" } }";
    let setup = good().toml(&format!(
        "[[test]]\nname = \"access is told\"\n{run}\nwant = {{ receivers = \"pager\", rule = \"access\" }}\n\
         [[test]]\nname = \"nobody\"\n{run}\nwant = {{ receivers = [], held = true }}"
    ));
    setup.write();
    let said = ask(setup.folder(), &["check", "--config", "firstred.toml"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    let all = said.all();
    assert!(all.contains("test nobody: wanted receivers [], got [\"pager\"]"), "{all}");
    assert!(all.contains("test nobody: wanted held true, got false") && all.contains("1 of 2 tests failed"), "{all}");
    assert!(!all.contains("test access"), "{all}");
    let json = ask(setup.folder(), &["check", "--config", "firstred.toml", "--format", "json"]);
    let answer: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((json.code, answer["ok"].as_bool()), (Some(2), Some(false)), "{json:#?}");
    assert_eq!(answer["tests"][0]["ok"], true);
    assert_eq!(answer["tests"][1]["failures"][0]["got"], serde_json::json!(["pager"]));
}

#[test]
fn check_of_a_bad_file_exits_2_and_names_every_mistake_at_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("firstred.toml"), BAD).expect("the folder is writable");
    let said = ask(folder.path(), &["check", "--config", "firstred.toml"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    let all = said.all();
    for needle in ["nowhere", "webhook_url", "wehbook", "workflw", "nobody", "soon", "firstred.toml:3"] {
        assert!(all.contains(needle), "no {needle:?} in\n{all}");
    }
    assert!(all.contains("workflow"), "a hint at what was meant:\n{all}");
    let json = ask(folder.path(), &["check", "--config", "firstred.toml", "--format", "json"]);
    assert_eq!(json.code, Some(2), "{json:#?}");
    assert!(json.json().is_object() || json.json().is_array());
}

#[test]
fn check_of_a_file_that_is_not_there_exits_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = ask(folder.path(), &["check", "--config", "absent.toml"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.all().contains("absent.toml"), "{said:#?}");
}

#[test]
fn run_with_a_bad_file_exits_2() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("firstred.toml"), BAD).expect("the folder is writable");
    let said = ask(folder.path(), &["run", "--config", "firstred.toml"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
}

#[test]
fn explain_shows_the_first_failed_step_of_a_file() {
    let setup = good();
    std::fs::write(setup.folder().join("run.json"), failed("r1", "lead-sync").to_string()).expect("writable");
    let said = ask(setup.folder(), &["explain", "run.json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    for needle in ["lead-sync", "Create contact", "AUTH_MISSING", "authorization"] {
        assert!(said.out.contains(needle), "no {needle:?} in\n{}", said.out);
    }
}

#[test]
fn explain_reads_standard_input_and_answers_json() {
    let setup = good();
    let input = failed("r1", "lead-sync").to_string();
    let said = run(setup.folder(), &["explain", "-", "--format", "json"], Some(&input));
    assert_eq!(said.code, Some(0), "{said:#?}");
    let text = said.json().to_string();
    for needle in ["lead-sync", "Create contact", "AUTH_MISSING", "\"class\":\"authorization\""] {
        assert!(text.contains(needle), "no {needle:?} in\n{text}");
    }
}

#[test]
fn explain_of_what_is_no_run_exits_2_and_says_where() {
    let setup = good();
    let said = run(setup.folder(), &["explain", "-"], Some("{\"id\": \"r1\", \"status\": \"exploded\"}"));
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(!said.err.is_empty());
}

#[test]
fn route_says_which_rule_matches_who_is_told_and_when() {
    let setup = good();
    let input = failed("r1", "lead-sync").to_string();
    let said = run(setup.folder(), &["route", "-", "--config", "firstred.toml"], Some(&input));
    assert_eq!(said.code, Some(0), "{said:#?}");
    for needle in ["access", "pager"] {
        assert!(said.out.contains(needle), "no {needle:?} in\n{}", said.out);
    }
    let held = retrying("r2", "lead-sync", 1, 3, 60).to_string();
    let said = run(setup.folder(), &["route", "-", "--config", "firstred.toml", "--format", "json"], Some(&held));
    assert!(said.json().to_string().contains("out"), "{said:#?}");
}

#[test]
fn demo_shows_messages_and_ends_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = ask(folder.path(), &["demo", "--speed", "20"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.took < SOON, "{:?}", said.took);
    for needle in ["Create contact", "AUTH_MISSING"] {
        assert!(said.out.contains(needle), "no {needle:?} in\n{}", said.out);
    }
    assert!(said.out.lines().count() > 5, "{}", said.out);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("readable").collect();
    assert!(left.is_empty(), "the demo leaves nothing behind: {left:?}");
}

#[test]
fn a_command_that_is_not_known_exits_2() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(ask(folder.path(), &["explode"]).code, Some(2));
    assert_eq!(ask(folder.path(), &["--version"]).code, Some(0));
    let help = ask(folder.path(), &["--help"]);
    assert_eq!(help.code, Some(0));
    for command in ["run", "check", "explain", "route", "demo"] {
        assert!(help.out.contains(command), "{}", help.out);
    }
}

#[test]
fn check_never_prints_a_secret() {
    let secret = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXsecretXXXXXXXX";
    let setup = Setup::new()
        .defaults(&["oncall", "nobody"], "10m")
        .toml(&format!("[receivers.oncall]\ntype = \"slack\"\nwebhook_url = {secret:?}"));
    setup.write();
    for arguments in
        [&["check", "--config", "firstred.toml"][..], &["check", "--config", "firstred.toml", "--format", "json"]]
    {
        let said = ask(setup.folder(), arguments);
        assert_eq!(said.code, Some(2), "the receiver `nobody` does not exist: {said:#?}");
        assert!(!said.all().contains("XXXXXXXXsecretXXXXXXXX"), "{said:#?}");
    }
}

/// What commands answer as JSON is one value.
#[test]
fn the_json_of_a_card_is_one_value() {
    let setup = good();
    let said = run(setup.folder(), &["explain", "-", "--format", "json"], Some(&failed("r1", "wf").to_string()));
    let values: Vec<Value> = serde_json::Deserializer::from_str(&said.out).into_iter().map(Result::unwrap).collect();
    assert_eq!(values.len(), 1);
}
