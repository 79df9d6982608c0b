//! `--format json`: one value on standard output whatever happens, with the exit code of the same command for people.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Said, run};
use crate::support::runs::failed;
use crate::support::setup::Setup;

fn ask(folder: &Path, arguments: &[&str], input: Option<&str>) -> Said {
    run(folder, &[arguments, &["--format", "json"]].concat(), input)
}

fn setup() -> Setup {
    let setup = Setup::new().defaults(&["out"], "10m").toml("[receivers.out]\ntype = \"console\"");
    setup.write();
    setup
}

#[test]
fn one_run_is_explained_as_an_object_and_several_as_an_array() {
    let setup = setup();
    let (one, two) = (failed("r1", "wf"), failed("r2", "wf"));
    let said = ask(setup.folder(), &["explain", "-"], Some(&one.to_string()));
    assert_eq!(said.json()["run"], "r1", "{said:#?}");
    for several in [json!([one, two]).to_string(), format!("{one}\n{two}\n")] {
        let said = ask(setup.folder(), &["explain", "-"], Some(&several));
        let runs: Vec<Value> = said.json().as_array().expect("an array").iter().map(|run| run["run"].clone()).collect();
        assert_eq!(runs, ["r1", "r2"]);
    }
    let said = ask(setup.folder(), &["route", "-"], Some(&one.to_string()));
    assert!(said.json().is_array(), "{said:#?}");
}

#[tokio::test]
async fn a_run_that_nobody_knows_exits_1_by_explain_and_by_why() {
    let setup = setup();
    let mut daemon = Daemon::start(&setup).await;
    daemon.ingest(&failed("known", "wf")).await;
    daemon.kill9();
    for command in ["explain", "why"] {
        let said = ask(setup.folder(), &[command, "known"], None);
        assert_eq!(said.code, Some(0), "{said:#?}");
        let said = ask(setup.folder(), &[command, "unknown"], None);
        assert_eq!(said.code, Some(1), "{said:#?}");
        said.json();
        let text = run(setup.folder(), &[command, "unknown"], None);
        assert_eq!(text.code, Some(1), "{text:#?}");
        assert!(text.all().contains("unknown"), "{text:#?}");
    }
}

#[test]
fn a_configuration_that_can_not_be_used_is_a_list_of_diagnostics_for_every_command() {
    let setup = setup();
    std::fs::write(setup.file(), "[server]\nlisten = \"nowhere\"\n").expect("writable");
    let input = failed("r1", "wf").to_string();
    for arguments in [
        &["check"][..],
        &["run"],
        &["explain", "-"],
        &["route", "-"],
        &["why", "r1"],
        &["test-receiver", "out"],
        &["source", "test", "events"],
        &["healthcheck"],
        &["incidents"],
        &["incidents", "i_1"],
        &["pending"],
        &["coverage"],
        &["ack", "i_1"],
        &["silence", "list"],
        &["silence", "add", "workflow=x", "--for", "1h"],
        &["silence", "end", "s_1"],
    ] {
        let said = ask(setup.folder(), arguments, Some(&input));
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:#?}");
        let answer = said.json();
        assert_eq!(answer["ok"], false, "{arguments:?}: {said:#?}");
        assert_eq!(answer["diagnostics"][0]["line"], 2, "{arguments:?}: {said:#?}");
    }
}

#[test]
fn what_could_not_be_asked_is_an_error_with_exit_code_2() {
    let setup = setup();
    for arguments in [
        &["explain", "-"][..],
        &["test-receiver", "nobody"],
        &["source", "test", "nobody"],
        &["why", "r1"],
        &["demo", "--speed", "0"],
    ] {
        let said = ask(setup.folder(), arguments, Some("{"));
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:#?}");
        assert!(said.json()["error"].is_string(), "{arguments:?}: {said:#?}");
    }
}

#[tokio::test]
async fn healthcheck_answers_status_and_body() {
    let setup = setup();
    let mut daemon = Daemon::start(&setup).await;
    let said = ask(setup.folder(), &["healthcheck", daemon.base()], None);
    assert_eq!((said.code, &said.json()["status"]), (Some(0), &json!(200)), "{said:#?}");
    let ready = ask(setup.folder(), &["healthcheck", "--ready", daemon.base()], None).json();
    assert_eq!(ready["body"]["ready"], ready["status"] == 200, "{ready:#}");
    daemon.kill9();
    let said = ask(setup.folder(), &["healthcheck", daemon.base()], None);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.json()["error"].is_string(), "{said:#?}");
}

#[test]
fn without_a_configuration_run_names_the_ways_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(folder.path(), &["run"], None);
    assert_eq!(said.code, Some(2), "{said:#?}");
    for way in ["firstred demo", "config/firstred.toml"] {
        assert!(said.err.contains(way), "{said:#?}");
    }
}

#[test]
fn route_says_that_a_run_of_a_foreign_workspace_would_be_refused() {
    let setup = setup();
    let toml = std::fs::read_to_string(setup.file()).expect("written");
    std::fs::write(setup.file(), toml.replace("type = \"webhook\"", "type = \"webhook\"\nworkspaces = [\"acme\"]"))
        .expect("writable");
    let of = |workspace: &str| {
        let mut run = failed("r1", "wf");
        run["workspace"] = json!(workspace);
        run.to_string()
    };
    let said = run(setup.folder(), &["route", "-"], Some(&of("globex")));
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.out.contains("refuse") && said.out.contains("globex"), "{said:#?}");
    let said = ask(setup.folder(), &["route", "-"], Some(&of("globex")));
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.json()[0]["refused"].as_str().is_some_and(|reason| reason.contains("globex")), "{said:#?}");
    let said = run(setup.folder(), &["route", "-"], Some(&of("acme")));
    assert_eq!(said.code, Some(0), "{said:#?}");
}
