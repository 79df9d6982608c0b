//! What GitHub documents and was recorded to answer, learned through the API's stand-in and mapped, against the card that a person
//! should see.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::api::Api;
use super::super::learn::{Manner, learn};
use super::super::mapping;
use super::super::wire::RunRow;
use super::fake::Fake;
use super::{REPOSITORY, settings};
use crate::run::Run;
use crate::triage::{Cause, Classes, observe};

pub(super) fn fixture(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/github");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

async fn mapped(case: &str) -> Run {
    let recorded = fixture(case);
    let row: RunRow = serde_json::from_value(recorded["run"].clone()).unwrap();
    let fake = Fake::default();
    fake.with(|world| {
        world.jobs.insert((row.id, row.attempt().into()), serde_json::from_value(recorded["jobs"].clone()).unwrap());
        world.runs.insert((REPOSITORY.to_owned(), row.id), recorded["run"].clone());
        let notes = recorded["annotations"].as_object().unwrap();
        world.notes = notes
            .iter()
            .map(|(id, notes)| (id.parse().unwrap(), serde_json::from_value(notes.clone()).unwrap()))
            .collect();
        if notes.is_empty() {
            world.broken.push(("/annotations".to_owned(), 403, vec![], "{}".to_owned()));
        }
    });
    let settings = settings();
    let api = Api::new(fake, settings.url, &settings.token.unwrap(), settings.polling.timeout).unwrap();
    let mut manner = Manner { readable: &mut true, last: false, hopeless: false };
    let evidence = learn(&api, REPOSITORY, row, &mut manner).await.unwrap();
    mapping::run(&evidence)
}

/// The fields that `expected.json` has, as firstred tells them.
fn told(run: Run, expected: &Value) -> Value {
    let mut told = json!({"status": run.status, "attempt": run.attempt});
    for (name, value) in
        [("page", json!(run.url)), ("startedAt", json!(run.started_at)), ("workflow", json!(run.workflow.id))]
    {
        if !expected[name].is_null() {
            told[name] = value;
        }
    }
    if let Some(labels) = expected["labels"].as_object() {
        told["labels"] = labels.keys().map(|name| (name.clone(), json!(run.labels.get(name)))).collect();
    }
    let observed = observe("ci", run, &Classes::default());
    let Some(card) = observed.card else { return told };
    told["class"] = json!(card.class);
    let error = card.cause.error();
    match &card.cause {
        Cause::Step { title, url, .. } => {
            told["step"] = json!(title);
            told["url"] = json!(url);
        }
        Cause::Run { .. } => {
            told["runError"] = json!(true);
            told["url"] = json!(card.run.url);
        }
        Cause::Nothing => {}
    }
    // A case that names no code says that there is no error, or one without a code of its own.
    let code = error.map(|error| error.code.clone()).filter(|code| code != "UNKNOWN_ERROR");
    told["code"] = json!(code);
    // What is expected is the beginning of what is said.
    let message = error.map(|error| error.message.clone());
    let wanted = expected["message"].as_str();
    told["message"] = match (message, wanted) {
        (Some(said), Some(wanted)) if said.contains(wanted) => json!(wanted),
        (said, _) => json!(said),
    };
    told
}

#[tokio::test]
async fn every_recording_becomes_the_card_that_is_expected_of_it() {
    let expected: BTreeMap<String, Value> = serde_json::from_value(fixture("expected")).unwrap();
    let mut wrong = Vec::new();
    for (case, expected) in &expected {
        let got = told(mapped(case).await, expected);
        if got != *expected {
            wrong.push(format!("{case}\n got {got:#}\nwant {expected:#}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), expected.len(), wrong.join("\n\n"));
}
