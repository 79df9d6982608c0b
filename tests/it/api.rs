//! The API from outside: who gets in, and that commands find their way in by the file beside the ledger.

use serde_json::json;

use crate::support::daemon::Daemon;
use crate::support::runs::failed;
use crate::support::setup::Setup;

const API_TOKEN: &str = "api-token-b7c1f5a4907e";

fn setup() -> Setup {
    Setup::new().defaults(&["out"], "10m").toml("[receivers.out]\ntype = \"console\"")
}

#[tokio::test]
async fn nothing_is_read_or_changed_without_a_token() {
    let daemon = Daemon::start(&setup()).await;
    daemon.ingest(&failed("r1", "lead-sync")).await;
    for (method, path) in [
        ("GET", "incidents"),
        ("GET", "runs/r1/why"),
        ("GET", "silences"),
        ("GET", "pending"),
        ("POST", "silences"),
        ("DELETE", "silences/s_1"),
        ("GET", "no-such-page"),
    ] {
        for token in ["", "wrong", crate::support::setup::TOKEN] {
            let answer = daemon.api_with(token, method, path, None).await;
            assert_eq!(answer.status, 401, "{method} {path} with {token:?}: {}", answer.text);
            assert!(!answer.text.contains("lead-sync"), "{}", answer.text);
        }
    }
    let answer = daemon.api("GET", "incidents", None).await;
    assert_eq!((answer.status, &answer.json()[0]["workflow"]), (200, &json!("lead-sync")), "{}", answer.text);
    assert!(!daemon.log().contains(&daemon.token()), "the token is never logged");
}

#[tokio::test]
async fn the_daemons_own_token_is_for_its_own_user_and_for_one_life() {
    let mut daemon = Daemon::start(&setup()).await;
    let first = daemon.token();
    assert_eq!(first.len(), 64, "{first}");
    assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(daemon.token_file()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    daemon.crash().await;
    assert_ne!(daemon.token(), first);
    assert_eq!(daemon.api_with(&first, "GET", "incidents", None).await.status, 401);
    assert_eq!(daemon.api("GET", "incidents", None).await.status, 200);
}

#[tokio::test]
async fn a_token_of_the_configuration_opens_the_api_beside_the_daemons_own() {
    let setup = setup();
    let file = setup.write();
    let text = std::fs::read_to_string(&file).expect("written");
    let with = |token: &str| text.replace("[server]\n", &format!("[server]\napi_token = {token:?}\n"));
    let daemon = Daemon::start(&setup).await;
    assert_eq!(daemon.api_with(API_TOKEN, "GET", "pending", None).await.status, 401);
    std::fs::write(&file, with(API_TOKEN)).expect("writable");
    daemon.signal("HUP");
    let opens = async |daemon: &Daemon| daemon.api_with(API_TOKEN, "GET", "pending", None).await.status == 200;
    daemon.poll("the token in force", opens).await;
    assert_eq!(daemon.api("GET", "pending", None).await.status, 200);
    // A command that may not read the file is let in by the configuration's token.
    std::fs::remove_file(daemon.token_file()).expect("it is there");
    let said = daemon.tell(&["silence", "end", "s_00000000"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.err.contains("no silence is called"), "{said:#?}");
    assert!(!daemon.log().contains(API_TOKEN) && !said.all().contains(API_TOKEN));
}

#[test]
fn a_short_token_is_refused() {
    let setup = setup();
    let file = setup.write();
    let text =
        std::fs::read_to_string(&file).expect("written").replace("[server]\n", "[server]\napi_token = \"short-one\"\n");
    std::fs::write(&file, text).expect("writable");
    let said = crate::support::daemon::run(setup.folder(), &["check"], None);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.all().contains("too short") && !said.all().contains("short-one"), "{said:#?}");
}

#[tokio::test]
async fn without_a_daemon_a_command_that_changes_something_says_how_to_start_one() {
    let setup = setup();
    let mut daemon = Daemon::start(&setup).await;
    daemon.kill9();
    let said = daemon.tell(&["ack", "i_1"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("no daemon answers at") && said.err.contains("firstred run"), "{said:#?}");
    let said = daemon.command(&["ack", "i_1"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("--url"), "port 0 is no address: {said:#?}");
    std::fs::remove_file(daemon.token_file()).expect("it is there");
    let said = daemon.tell(&["silence", "end", "s_1"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.err.contains("firstred.db.token") && said.err.contains("api_token"), "{said:#?}");
}
