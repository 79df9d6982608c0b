//! `config/firstred.toml` is complete and right: as it stands, with every setting switched on, and against what is known.

use crate::config::load::trace;
use crate::config::render;

use super::{good, inputs};

const ANNOTATED: &str = include_str!("../../../config/firstred.toml");

const ENV: [(&str, &str); 12] = [
    ("FIRSTRED_API_TOKEN", "an-api-token-of-some-length"),
    ("FIRSTRED_INGEST_TOKEN", "an-ingest-token"),
    ("FIRSTRED_SIGNING_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("AUTOMATION_KEY", "k"),
    ("PREFECT_API_KEY", "pnu_1"),
    ("PREFECT_SERVER_API_AUTH_STRING", "admin:pass"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
    ("PAGER_URL", "https://pager.example.com/in"),
    ("PAGER_TOKEN", "p"),
    ("FIRSTRED_LINEAGE_TOKEN", "a-lineage-token"),
    ("GITLAB_WEBHOOK_TOKEN", "a-gitlab-token"),
    ("DBT_WEBHOOK_SECRET", "a-dbt-secret"),
];

/// Other names of keys, told in the prose of the file.
const ALIASES: [&str; 7] = [
    "match.step_title",
    "match.stepTitle",
    "match.step_kind",
    "match.stepKind",
    "match.provider_status",
    "match.providerStatus",
    "receivers.webhook.secret",
];

fn switched_on() -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    ANNOTATED.lines().map(on).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_annotated_file_loads_as_it_stands() {
    let loaded = good(ANNOTATED, &[]);
    assert_eq!(render(&loaded.warnings, false), "");
}

#[test]
fn the_annotated_file_loads_with_every_setting_switched_on() {
    let (result, known) = trace(&inputs(&switched_on(), &ENV));
    let loaded = result.unwrap_or_else(|diagnostics| panic!("refused:\n{diagnostics}"));
    assert_eq!(render(&loaded.warnings, false), "");

    // What all receivers share is shown once, at the first of them.
    let elsewhere = |key: &str| {
        let last = key.rsplit('.').next().unwrap_or(key);
        key.starts_with("receivers.")
            && known.iter().any(|(other, used)| *used && *other == format!("receivers.slack.{last}"))
    };
    let absent: Vec<_> = known.iter().filter(|(_, used)| !**used).map(|(key, _)| key.as_str()).collect();
    let unexplained: Vec<_> = absent.iter().filter(|key| !ALIASES.contains(key) && !elsewhere(key)).collect();
    assert!(unexplained.is_empty(), "not in config/firstred.toml: {unexplained:?}");
    for alias in ALIASES {
        assert!(known.contains_key(alias), "{alias} is unknown by now");
        let word = alias.rsplit('.').next().unwrap_or(alias);
        assert!(ANNOTATED.contains(word), "{alias} is not told");
    }
}

#[test]
fn what_is_switched_off_shows_the_defaults() {
    let sections = |text: &str| -> String {
        text.lines()
            .take_while(|line| !line.starts_with("# The class of"))
            .fold(String::new(), |all, line| all + line + "\n")
    };
    let rest = "[sources.events]\ntype = \"webhook\"\n[receivers.console]\ntype = \"console\"\n";
    let shown =
        good(&(sections(&switched_on()).replace("public_url", "#").replace("\napi_token", "\n#") + rest), &[]).config;
    let bare = good(&format!("[defaults]\nnotify = \"console\"\n{rest}"), &[]).config;
    let say = |config: &crate::config::Config| {
        format!("{:?} {:?} {:?} {:?}", config.server, config.ledger, config.log, config.policy)
    };
    assert_eq!(say(&shown), say(&bare));
}
