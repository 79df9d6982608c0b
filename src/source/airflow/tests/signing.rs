//! Signing in: a token for a password, a new one when it has run out, and what a wrong one costs.

use secrecy::SecretString;

use super::super::poll::Watcher;
use super::bench::{Bench, at};
use super::settings;
use crate::config::{AirflowAuth, AirflowSource};
use crate::source::Poller;

fn with(bench: &mut Bench, auth: AirflowAuth) {
    bench.watcher = Watcher::new("prod".into(), bench.fake.clone(), AirflowSource { auth, ..settings() });
}

fn password(password: &str) -> AirflowAuth {
    AirflowAuth::Password { user: "viewer".to_owned(), password: SecretString::from(password) }
}

#[tokio::test]
async fn airflow_3_is_asked_for_a_token_once_and_again_when_it_has_run_out() {
    let mut bench = Bench::new("3.3.2", Vec::new());
    bench.fake.with(|world| world.token = Some("one".into()));
    with(&mut bench, password("secret"));
    bench.poll(0).await.unwrap();
    bench.poll(10).await.unwrap();
    assert_eq!(bench.fake.asked("POST /auth/token"), 1);
    bench.fake.with(|world| world.token = Some("two".into()));
    bench.poll(20).await.unwrap();
    assert_eq!(bench.fake.asked("POST /auth/token"), 2);
}

#[tokio::test]
async fn a_wrong_password_is_said_once_for_each_poll_and_without_it() {
    let mut bench = Bench::new("3.3.2", Vec::new());
    bench.fake.with(|world| world.token = Some("one".into()));
    with(&mut bench, password("wr0ng-password"));
    let error = bench.poll(0).await.unwrap_err();
    assert!(error.doing.contains("signing in") && error.reason.contains("401"), "{error}");
    assert!(!format!("{error:?} {:?}", bench.watcher).contains("wr0ng-password"));
    assert_eq!(bench.fake.asked("POST /auth/token"), 1);
}

#[tokio::test]
async fn a_token_that_somebody_made_is_sent_as_it_is_and_not_renewed() {
    let mut bench = Bench::new("3.1.0", Vec::new());
    bench.fake.with(|world| world.token = Some("made-by-hand".into()));
    with(&mut bench, AirflowAuth::Token(SecretString::from("made-by-hand")));
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| world.token = Some("another".into()));
    let error = bench.poll(10).await.unwrap_err();
    assert!(error.reason.contains("401"), "{error}");
    assert_eq!(bench.fake.asked("/auth/token"), 0);
}

#[tokio::test]
async fn airflow_2_is_known_by_its_answers_and_a_wrong_password_forgets_no_run() {
    let mut bench = Bench::started("2.11.2").await;
    bench.set(1, super::bench::run(1, "running", 5));
    bench.poll(10).await.unwrap();
    assert!(bench.fake.asked("/api/v1/dags/~/dagRuns") > 0);
    bench.fake.with(|world| world.token = Some("now it wants one".into()));
    let error = bench.poll(20).await.unwrap_err();
    assert!(error.reason.contains("403"), "{error}");
    assert!(bench.taken.0.lock().unwrap().forgotten.is_empty());
}

#[tokio::test]
async fn an_upgrade_to_airflow_3_is_noticed() {
    let mut bench = Bench::started("2.11.2").await;
    bench.fake.with(|world| world.version = "3.2.0".into());
    bench.poll(10).await.unwrap_err();
    bench.poll(20).await.unwrap();
    assert!(bench.fake.asked("/api/v2/dags/~/dagRuns") > 0);
}

#[tokio::test]
async fn what_answers_neither_version_is_said_to_be_no_airflow() {
    let mut bench = Bench::new("3.3.2", Vec::new());
    bench.break_all("version", 404);
    let error = bench.watcher.poll(&bench.taken, at(0)).await.unwrap_err();
    assert!(error.doing.contains("version of Airflow") && error.reason.contains("404"), "{error}");
}

#[tokio::test]
async fn a_token_is_sent_also_where_a_gateway_guards_what_airflow_tells_everybody() {
    let mut bench = Bench::new("3.3.2", Vec::new());
    bench.fake.with(|world| (world.token, world.guarded) = (Some("made-by-hand".into()), true));
    with(&mut bench, AirflowAuth::Token(SecretString::from("made-by-hand")));
    bench.poll(0).await.unwrap();
}

#[tokio::test]
async fn a_run_with_the_id_version_is_asked_for_with_the_sign_in() {
    let mut bench = Bench::new("3.3.2", Vec::new());
    bench.fake.with(|world| world.token = Some("one".into()));
    with(&mut bench, password("secret"));
    assert!(bench.watcher.api.run("lead_sync", "version").await.unwrap().is_none());
}
