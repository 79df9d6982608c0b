//! A `[[test]]` of the configuration, tried out: what would become of its run, beside what is wanted. Nothing is sent or stored.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::clock;
use crate::config::{Config, TestCase};
use crate::daemon::admit;
use crate::engine::rule::Facts;
use crate::engine::{Board, Context, Kind, Policy, raise};
use crate::run::RunKey;
use crate::triage::{Card, Class, Standing, observe};

/// What came of a test.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tried {
    pub(super) name: String,
    pub(super) ok: bool,
    /// Why the daemon would not take the run at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// What is not as it is wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Miss>,
}

/// One thing that is not as it is wanted.
#[derive(Debug, PartialEq, Serialize)]
struct Miss {
    what: &'static str,
    wanted: Value,
    got: Value,
}

impl Tried {
    /// One line for each thing that is not as it is wanted.
    pub(super) fn lines(&self) -> Vec<String> {
        let name = &self.name;
        let mut lines: Vec<String> = self
            .failures
            .iter()
            .map(|Miss { what, wanted, got }| format!("test {name}: wanted {what} {wanted}, got {got}"))
            .collect();
        lines.extend(self.refused.iter().map(|reason| {
            let reason = crate::triage::redact::clean(reason);
            format!("test {name}: the daemon would refuse the run: {reason}")
        }));
        lines
    }
}

/// What became of a run.
struct Outcome {
    receivers: BTreeSet<String>,
    class: Option<Class>,
    held: bool,
    /// The rules that match and are reached.
    rules: Vec<String>,
}

/// Tries a test out.
pub(super) fn try_out(test: &TestCase, config: &Config) -> Tried {
    let got = match outcome(test, config) {
        Ok(got) => got,
        Err(reason) => {
            return Tried { name: test.name.clone(), ok: false, refused: Some(reason), failures: Vec::new() };
        }
    };
    let mut failures = Vec::new();
    let mut compare = |what, wanted: Option<Value>, got: Value| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != got) {
            failures.push(Miss { what, wanted, got });
        }
    };
    let want = &test.want;
    compare("receivers", want.receivers.as_ref().map(|names| json!(names)), json!(got.receivers));
    compare("class", want.class.map(|class| json!(class)), json!(got.class));
    compare("held", want.held.map(|held| json!(held)), json!(got.held));
    if let Some(rule) = want.rule.as_ref().filter(|rule| !got.rules.contains(rule)) {
        compare("rule", Some(json!(rule)), json!(got.rules));
    }
    Tried { name: test.name.clone(), ok: failures.is_empty(), refused: None, failures }
}

/// Asks triage and the engine, as `firstred route` does: whom a run tells that is seen for the first time, at once or at the end of
/// its hold.
fn outcome(test: &TestCase, config: &Config) -> Result<Outcome, String> {
    let policy = &*config.policy;
    let only = (config.sources.len() == 1).then(|| config.sources.keys().next().cloned()).flatten();
    let source = test.source.clone().or(only).unwrap_or_else(|| "command line".to_owned());
    let tenancy = policy.sources.get(&source).cloned().unwrap_or_default();
    let mut run = test.run.clone();
    admit(&source, &tenancy, &mut run)?;

    let now = clock::now();
    let observation = observe(&source, run, &config.classes);
    let (key, standing) = (observation.key.clone(), observation.standing);
    let card = observation.card.clone();
    let changes = Board::default().observe(now, None, observation, Context::default(), policy);
    let until = changes.known.hold_until().filter(|_| standing == Standing::Retrying);
    let rules = card.as_ref().map(|card| policy.rules.matching(Facts::of(card))).unwrap_or_default();
    Ok(Outcome {
        receivers: card.as_ref().map(|card| named(&key, card, policy)).unwrap_or_default(),
        class: card.as_ref().map(|card| card.class),
        held: until.is_some(),
        rules: rules.into_iter().map(|rule| rule.name.clone()).collect(),
    })
}

/// Whom the rules name, whatever the hour: silences, quiet hours, conditions and budgets say when, and not who.
fn named(key: &RunKey, card: &Card, policy: &Policy) -> BTreeSet<String> {
    let raised = raise(key, card, Kind::Failed, 1, policy).unwrap_or_default();
    raised.into_iter().flat_map(|raised| raised.receivers).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{ConfigFile, Inputs, load};

    const FILE: &str = r#"
[sources.events]
type = "webhook"
workspaces = ["acme"]
workspace = "acme"
[receivers.ops]
type = "console"
[receivers.oncall]
type = "console"
[defaults]
notify = "ops"
[[rules]]
name = "access"
match = { class = "authorization" }
notify = "oncall"
[[test]]
name = "it"
"#;

    fn tried(test: &str) -> Tried {
        let file = ConfigFile::Text { name: "firstred.toml".to_owned(), text: format!("{FILE}{test}") };
        let inputs = Inputs { file: Some(file), ..Inputs::of_file(None, BTreeMap::new(), |_| Ok(())) };
        let config = load(&inputs).unwrap_or_else(|mistakes| panic!("{mistakes}")).config;
        try_out(&config.tests[0], &config)
    }

    const DENIED: &str = r#"run = { id = "1", workflow = { name = "pay" }, status = "failed", steps = [
        { number = 1, title = "Charge", status = "failed", error = { code = "X", message = "no", providerStatus = 401 } },
    ] }
    "#;

    #[test]
    fn a_test_passes_when_all_that_it_wants_comes() {
        let want = r#"want = { receivers = ["oncall"], class = "authorization", held = false, rule = "access" }"#;
        let tried = tried(&format!("{DENIED}\n{want}"));
        assert!(tried.ok && tried.lines().is_empty(), "{tried:?}");
    }

    #[test]
    fn what_is_not_as_wanted_is_said_beside_what_came() {
        let want = r#"want = { receivers = [], class = "transient", held = true, rule = "rule 2" }
            [[rules]]"#;
        let tried = tried(&format!("{DENIED}\n{want}"));
        assert_eq!(
            tried.lines(),
            [
                r#"test it: wanted receivers [], got ["oncall"]"#,
                r#"test it: wanted class "transient", got "authorization""#,
                "test it: wanted held true, got false",
                r#"test it: wanted rule "rule 2", got ["access"]"#,
            ]
        );
        assert!(!tried.ok);
    }

    #[test]
    fn a_retrying_run_is_held_and_a_run_that_did_not_fail_tells_nobody() {
        let retrying = DENIED
            .replace("status = \"failed\", steps", "status = \"running\", steps")
            .replace("status = \"failed\", error", "status = \"retrying\", error");
        let held = tried(&format!("{retrying}\nwant = {{ held = true, receivers = \"oncall\" }}"));
        assert!(held.ok, "{held:?}");
        let fine = r#"run = { id = "1", workflow = { name = "pay" }, status = "completed" }
            want = { receivers = [], held = false }"#;
        assert!(tried(fine).ok);
    }

    #[test]
    fn a_run_that_the_daemon_would_refuse_fails_its_test() {
        let foreign = DENIED.replace("id = \"1\"", "id = \"1\", workspace = \"globex\"");
        let tried = tried(&format!("{foreign}\nwant = {{ held = false }}"));
        assert!(!tried.ok && tried.lines()[0].contains("would refuse the run"), "{tried:?}");
    }
}
