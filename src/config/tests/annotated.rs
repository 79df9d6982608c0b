//! `config/firstred.toml` is complete and right: as it stands, with every setting switched on, and against what is known.

use crate::config::load::trace;
use crate::config::render;

use super::{good, inputs};

const ANNOTATED: &str = include_str!("../../../config/firstred.toml");

const ENV: &[(&str, &str)] = &[
    ("FIRSTRED_API_TOKEN", "an-api-token-of-some-length"),
    ("FIRSTRED_INGEST_TOKEN", "an-ingest-token"),
    ("FIRSTRED_SIGNING_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("AUTOMATION_KEY", "k"),
    ("AIRFLOW_PASSWORD", "p"),
    ("AIRFLOW_TOKEN", "t"),
    ("DAGSTER_CLOUD_API_TOKEN", "user:1"),
    ("DAGSTER_PROXY_AUTH", "Basic Zjpy"),
    ("GITHUB_READ_TOKEN", "github_pat_1"),
    ("GITHUB_WEBHOOK_SECRET", "a-github-secret"),
    ("PREFECT_API_KEY", "pnu_1"),
    ("PREFECT_SERVER_API_AUTH_STRING", "admin:pass"),
    ("N8N_API_KEY", "n8n_api_1"),
    ("FIRSTRED_N8N_TOKEN", "an-n8n-token"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
    ("SLACK_BOT_TOKEN", "xoxb-1"),
    ("SLACK_APP_TOKEN", "xapp-1"),
    ("SLACK_SIGNING_SECRET", "0123456789abcdef0123456789abcdef"),
    ("PAGER_URL", "https://pager.example.com/in"),
    ("PAGER_TOKEN", "p"),
    ("PAGERDUTY_ROUTING_KEY", "R0UT1NGK3YR0UT1NGK3YR0UT1NGK3YAB"),
    ("OPSGENIE_API_KEY", "0f3c1b2a-9d8e-4f70-a1b2-c3d4e5f60718"),
    ("ALERTMANAGER_PASSWORD", "p"),
    ("GOALERT_TOKEN", "5f60718a-0f3c-4b2a-9d8e-a1b2c3d4e5f6"),
    ("INCIDENTIO_TOKEN", "t"),
    ("TEAMS_WEBHOOK_URL", "https://x.environment.api.powerplatform.com/workflows/1/triggers/manual/paths/invoke?sig=s"),
    ("DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/123/token"),
    ("TELEGRAM_BOT_TOKEN", "123456:ABC-DEF_1"),
    ("MATTERMOST_WEBHOOK_URL", "https://mattermost.example.com/hooks/id"),
    ("ROCKETCHAT_WEBHOOK_URL", "https://chat.example.com/hooks/id/token"),
    ("NTFY_TOPIC", "ops"),
    ("NTFY_TOKEN", "tk_1"),
    ("HEARTBEAT_URL", "https://hc-ping.com/0b7e3c1a"),
    ("FIRSTRED_PROXY", "http://me:hunter2@proxy.example.com:3128"),
    ("FIRSTRED_LINEAGE_TOKEN", "a-lineage-token"),
    ("GITLAB_WEBHOOK_TOKEN", "a-gitlab-token"),
    ("DBT_WEBHOOK_SECRET", "a-dbt-secret"),
    ("LAB_USER_AND_PASSWORD", "admin:a-password"),
];

/// Other names of keys, told in the prose of the file.
const ALIASES: &[&str] = &[
    "match.step_title",
    "match.stepTitle",
    "match.step_kind",
    "match.stepKind",
    "match.provider_status",
    "match.providerStatus",
    "sources.n8n.secret",
    "sources.n8n.hmac_secret",
    "sources.n8n.hmac_header",
    "sources.n8n.hmac_prefix",
    "receivers.webhook.secret",
    "receivers.alertmanager.url",
    "receivers.alertmanager.api_url",
    "receivers.alertmanager.token",
    "receivers.goalert.api_url",
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
    let (result, known) = trace(&inputs(&switched_on(), ENV));
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
        assert!(known.contains_key(*alias), "{alias} is unknown by now");
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
