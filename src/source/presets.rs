//! Every preset against documented samples of its engine: the real configuration, the real jq, the real triage. It knows nothing of the
//! engines; what is right is written in `tests/fixtures/presets`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::http::poller;
use super::http::tests::{Book, Engine, NOW, Reply, at, ok, status};
use super::{Poller, check_filter, push};
use crate::config::{ConfigFile, Inputs, Loaded, PRESETS, Preset, SourceKind, load, render};
use crate::metrics::Metrics;
use crate::run::{Limits, Run};
use crate::triage::{Classes, observe};

fn fixtures(preset: &Preset) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/presets").join(preset.name);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.display().to_string();
        (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// The text of a preset as it lies in the folder: a mistake is repaired without building anything.
fn text(preset: &Preset) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/presets");
    std::fs::read_to_string(folder.join(format!("{}.toml", preset.name))).unwrap()
}

/// A preset in a configuration, every secret set.
fn configured(text: &str) -> Loaded {
    let named = text.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
    let env: BTreeMap<String, String> =
        named.map(|name| (name.to_owned(), "user:a-long-enough-token".to_owned())).collect();
    let text = format!("{text}\n[receivers.console]\ntype = \"console\"\n[defaults]\nnotify = [\"console\"]\n");
    let file = ConfigFile::Text { name: "preset.toml".to_owned(), text };
    let inputs = Inputs { file: Some(file), ..Inputs::of_file(None, env, check_filter) };
    load(&inputs).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)))
}

fn kind(loaded: Loaded, preset: &Preset) -> SourceKind {
    let mut sources = loaded.config.sources;
    sources.remove(preset.name).unwrap_or_else(|| panic!("its source is not called {}", preset.name)).kind
}

/// The scheme and host that a preset has in it.
fn host(text: &str) -> String {
    let url = text.split("url = \"").nth(1).unwrap();
    let host = url.find("://").unwrap() + 3;
    url[..host + url[host..].find('/').unwrap()].to_owned()
}

/// What a fixture answers: that of the longest beginning of the address.
fn answer(answers: &Value, target: &str) -> Reply {
    let fits = answers.as_object().unwrap().iter().filter(|(begins, _)| target.starts_with(begins.as_str()));
    match fits.max_by_key(|(begins, _)| begins.len()).map(|(_, said)| said) {
        None => status(500, &format!("the fixture has no answer to {target}")),
        Some(Value::Number(code)) => status(u16::try_from(code.as_u64().unwrap()).unwrap(), "{}"),
        Some(said) if said["text"].is_string() => ok(said["text"].as_str().unwrap()),
        Some(said) => ok(said.to_string()),
    }
}

/// What a person would be told of a run.
fn told(run: &Run) -> Value {
    let seen = observe("preset", run.clone(), &Classes::default());
    let mut told = json!({
        "id": run.id, "standing": seen.standing, "status": run.status, "workflow": run.workflow, "trigger": run.trigger, "url": run.url,
        "attempt": run.attempt, "replayOf": run.replay_of, "parent": run.parent, "startedAt": run.started_at,
        "completedAt": run.completed_at, "labels": run.labels,
    });
    if let Some(card) = seen.card {
        told["cause"] = json!(card.cause);
        told["class"] = json!(card.class);
        told["retrying"] = json!(card.retrying);
        told["consequences"] = json!(card.consequences);
    }
    told
}

/// Where `right` says something else than `told`.
fn differs(path: &str, right: &Value, told: &Value, all: &mut Vec<String>) {
    match (right, told) {
        (Value::Object(right), Value::Object(_)) => {
            for (key, value) in right {
                differs(&format!("{path}/{key}"), value, &told[key.as_str()], all);
            }
        }
        _ if right == told => {}
        _ => all.push(format!("{path}: {told} instead of {right}")),
    }
}

fn judge(name: &str, right: &Value, told: &BTreeMap<String, Value>) -> Vec<String> {
    let mut all = Vec::new();
    let right = right.as_array().unwrap();
    for one in right {
        let id = one["id"].as_str().unwrap();
        match told.get(id) {
            Some(told) => differs(id, one, told, &mut all),
            None => all.push(format!("{id}: nothing was told")),
        }
    }
    if right.len() != told.len() {
        all.push(format!("{} runs instead of {}: {:?}", told.len(), right.len(), told.keys()));
    }
    all.into_iter().map(|line| format!("{name}: {line}")).collect()
}

/// The runs of one fixture, polled or pushed.
async fn runs(preset: &Preset, fixture: &Value) -> (BTreeMap<String, Value>, usize) {
    let (mut all, mut requests) = (BTreeMap::new(), 0);
    if let Some(bodies) = fixture["bodies"].as_array() {
        let SourceKind::Webhook(settings) = kind(configured(&text(preset)), preset) else { panic!("not pushed to") };
        let reader = push::Reader::new(&settings).unwrap().unwrap();
        for body in bodies {
            let read = reader.read(&HeaderMap::new(), body.to_string().as_bytes(), Limits::default()).unwrap();
            all.extend(read.into_iter().map(Result::unwrap).map(|run| (run.id.clone(), told(&run))));
        }
        return (all, requests);
    }
    let answers = fixture["answers"].clone();
    let engine = Engine::new(move |target| answer(&answers, target)).await;
    let host = host(&text(preset));
    let SourceKind::Http(settings) = kind(configured(&text(preset).replace(&host, &engine.url)), preset) else {
        panic!("not polled")
    };
    // Whatever the samples' age, it is news.
    let mut http = poller(preset.name, *settings, Metrics::default(), at("1970-01-03T00:00:00Z")).unwrap();
    let book = Book::default();
    http.poll(&book, at(NOW)).await.unwrap_or_else(|error| panic!("{}: {error}", preset.name));
    requests += engine.heads().len();
    for run in book.runs() {
        let text = told(&run).to_string().replace(&engine.url, &host);
        all.insert(run.id, serde_json::from_str(&text).unwrap());
    }
    (all, requests)
}

#[tokio::test]
async fn every_preset_makes_of_the_documented_samples_what_a_person_needs() {
    let mut wrong = Vec::new();
    for preset in &PRESETS {
        let fixtures = fixtures(preset);
        assert!(!fixtures.is_empty(), "{} has no sample", preset.name);
        for (name, fixture) in fixtures {
            assert!(
                fixture["source"].as_str().is_some_and(|source| source.len() > 40),
                "{name} does not say where it is from"
            );
            let (told, requests) = runs(preset, &fixture).await;
            wrong.extend(judge(&name, &fixture["expected"], &told));
            if fixture["requests"].as_u64().is_some_and(|right| right != requests as u64) {
                wrong.push(format!("{name}: {requests} requests instead of {}", fixture["requests"]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_preset_is_a_configuration_that_check_takes_without_a_word() {
    for preset in &PRESETS {
        assert_eq!(render(&configured(&text(preset)).warnings, false), "", "{}", preset.name);
    }
}

#[test]
fn every_preset_says_what_it_needs_shows_and_cannot_see_and_has_two_places_to_fill_in() {
    for preset in &PRESETS {
        assert!(preset.title().contains(": "), "{}", preset.name);
        assert!(!preset.needs().is_empty(), "{}", preset.name);
        for part in ["# Shows: ", "# Can't see: ", "# Costs: ", "# 1. ", "# 2. "] {
            assert_eq!(preset.text.matches(part).count(), 1, "{}: {part}", preset.name);
        }
        assert!(preset.text.contains(&format!("\n[sources.{}]\n", preset.name)), "{}", preset.name);
    }
}
