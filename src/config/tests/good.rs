//! Configurations without a mistake: the layers, the defaults, what each kind of source and receiver becomes.

use std::time::Duration;

use jiff::SignedDuration;
use secrecy::ExposeSecret;

use super::{good, warned};
use crate::config::{
    AirflowAuth, Pagination, PrefectAuth, PushFormat, ReceiverKind, SmtpSecurity, SourceKind, WebhookAuth,
};
use crate::engine::Severity;
use crate::run::RunStatus;

const MINIMAL: &str = r#"
[sources.events]
type = "webhook"

[receivers.console]
type = "console"

[defaults]
notify = "console"
"#;

#[test]
fn the_smallest_useful_file_has_no_warnings_and_all_defaults() {
    let loaded = good(MINIMAL, &[]);
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8686");
    assert_eq!((config.server.max_body, config.server.max_connections, config.server.queue), (1 << 20, 512, 10_000));
    assert_eq!(config.ledger.path.to_str(), Some("firstred.db"));
    assert_eq!(config.ledger.retention, Duration::from_hours(30 * 24));
    assert_eq!((config.log.json, config.log.filter.as_str()), (false, "info"));
    assert_eq!(config.policy.default_notify, ["console"]);
    assert_eq!(config.policy.default_hold, SignedDuration::from_mins(15));
    assert_eq!(config.policy.receivers["console"].patience.give_up_after, SignedDuration::from_hours(24));
    assert!(
        matches!(&config.sources["events"].kind, SourceKind::Webhook(hook) if matches!(hook.auth, WebhookAuth::Open))
    );
}

#[test]
fn the_environment_lies_over_the_file_and_the_file_over_the_defaults() {
    let text = format!("[server]\nqueue = 5\nmax_connections = 7\n{MINIMAL}");
    let env = [
        ("FIRSTRED__SERVER__QUEUE", "9"),
        ("FIRSTRED__SERVER__LISTEN", "127.0.0.1:9000"),
        ("FIRSTRED__LOG__FORMAT", "json"),
        ("FIRSTRED__DEFAULTS__HOLD", "1m"),
        ("FIRSTRED_CONFIG", "this one is the command line's"),
        ("PATH", "/bin"),
    ];
    let config = good(&text, &env).config;
    assert_eq!((config.server.queue, config.server.max_connections), (9, 7));
    assert_eq!(config.server.listen.port(), 9000);
    assert!(config.log.json);
    assert_eq!(config.policy.default_hold, SignedDuration::from_mins(1));
}

#[test]
fn the_environment_lies_over_the_scalars_of_named_sources_and_receivers() {
    let text = "[sources.prod-eu]\ntype = \"http\"\nurl = \"https://a.example.com/runs\"\nevery = \"10s\"\n\
                token = { env = \"NOT_SET\" }\n\
                [receivers.\"On Call\"]\ntype = \"slack\"\nwebhook_url = \"https://hooks.slack.com/services/T/B/x\"\n\
                [receivers.on]\ntype = \"console\"\n\
                [defaults]\nnotify = [\"On Call\", \"on\"]\n";
    let env = [
        ("FIRSTRED__SOURCES__PROD_EU__URL", "https://b.example.com/runs"),
        ("FIRSTRED__SOURCES__PROD_EU__EVERY", "30s"),
        ("FIRSTRED__SOURCES__PROD_EU__MAX_PAGES", "7"),
        ("FIRSTRED__SOURCES__PROD_EU__TOKEN", "t0ken"),
        ("FIRSTRED__RECEIVERS__ON_CALL__PARALLEL", "3"),
        ("FIRSTRED__RECEIVERS__ON__FORMAT", "json"),
    ];
    let config = good(text, &env).config;
    let SourceKind::Http(http) = &config.sources["prod-eu"].kind else { panic!("http") };
    assert_eq!(http.url.as_str(), "https://b.example.com/runs");
    assert_eq!((http.polling.every, http.max_pages), (Duration::from_secs(30), 7));
    assert!(http.token.is_some());
    assert_eq!(config.receivers["On Call"].parallel, 3);
    assert!(matches!(&config.receivers["on"].kind, crate::config::ReceiverKind::Console(console) if console.json));
}

#[test]
fn no_file_is_the_defaults_with_a_word_about_what_is_missing() {
    let warnings = warned("", &[]);
    assert!(warnings.contains("there is no source") && warnings.contains("told to nobody"), "{warnings}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_mistake() {
    assert_eq!(good(&format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n")), &[]).warnings, []);
}

#[test]
fn sources_are_read_with_their_defaults() {
    let config = good(
        r#"
[sources.a]
type = "http"
url = "https://a.example.com/runs?since={since}"
headers = { X-Key = "k" }
pagination = "link"
detail = { url = "https://a.example.com/runs/{id}" }
workspace = "acme"
[sources.b]
type = "http"
url = "https://b.example.com/runs"
pagination = { type = "page", size_param = "per_page", size = 50 }
every = "1m30s"
[sources.c]
type = "prefect"
url = "http://127.0.0.1:4200/api/"
auth_string = { env = "AUTH" }
[sources.d]
type = "n8n"
url = "https://n8n.example.com/flows/api/v1/"
api_key = "k"
[sources.e]
type = "n8n"
url = "http://127.0.0.1:5678"
ui_url = "https://n8n.example.com"
api_key = "k"
tell_timeouts = true
token = "t"
token_header = "X-Token"
[defaults]
notify = "c"
[receivers.c]
type = "console"
"#,
        &[("AUTH", "admin:pass")],
    )
    .config;
    let SourceKind::Http(a) = &config.sources["a"].kind else { panic!("not http") };
    assert_eq!(a.pagination, Pagination::Link);
    assert_eq!(
        (a.max_pages, a.polling.every, a.polling.overlap),
        (50, Duration::from_secs(10), Duration::from_mins(10))
    );
    assert_eq!(
        a.detail.as_ref().map(|detail| detail.statuses.clone()),
        Some(vec![RunStatus::Failed, RunStatus::Running])
    );
    assert_eq!(config.policy.sources["a"].workspace.as_deref(), Some("acme"));
    let SourceKind::Http(b) = &config.sources["b"].kind else { panic!("not http") };
    let size = Some(("per_page".to_owned(), 50));
    assert_eq!(b.pagination, Pagination::Page { param: "page".to_owned(), first: 1, size });
    assert_eq!(b.polling.every, Duration::from_secs(90));
    let SourceKind::Prefect(c) = &config.sources["c"].kind else { panic!("not prefect") };
    assert_eq!((c.url.as_str(), c.ui_url.as_str()), ("http://127.0.0.1:4200/api", "http://127.0.0.1:4200/"));
    assert!(matches!(&c.auth, PrefectAuth::Basic(auth) if auth.expose_secret() == "admin:pass"));
    let SourceKind::N8n(named_by_api) = &config.sources["d"].kind else { panic!("not n8n") };
    assert_eq!(
        (named_by_api.url.as_str(), named_by_api.ui_url.as_str()),
        ("https://n8n.example.com/flows", "https://n8n.example.com/flows")
    );
    assert!(named_by_api.push.is_none() && !named_by_api.tell_timeouts);
    let SourceKind::N8n(pushed_to) = &config.sources["e"].kind else { panic!("not n8n") };
    assert_eq!((pushed_to.ui_url.as_str(), pushed_to.tell_timeouts), ("https://n8n.example.com/", true));
    assert!(matches!(&pushed_to.push, Some(WebhookAuth::Header { name, .. }) if name == "x-token"));
}

#[test]
fn airflow_is_named_by_its_root_and_signed_in_to_by_password_or_token() {
    let config = good(
        r#"
[sources.a]
type = "airflow"
url = "http://127.0.0.1:8080/"
username = "viewer"
password = { env = "PASSWORD" }
[sources.b]
type = "airflow"
url = "https://airflow.example.com/team/api/v1"
ui_url = "https://ui.example.com"
token = "t"
import_errors = false
[defaults]
notify = "c"
[receivers.c]
type = "console"
"#,
        &[("PASSWORD", "secret")],
    )
    .config;
    let SourceKind::Airflow(a) = &config.sources["a"].kind else { panic!("not airflow") };
    assert_eq!((a.url.as_str(), a.ui_url.as_str()), ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"));
    assert!(
        matches!(&a.auth, AirflowAuth::Password { user, password } if user == "viewer" && password.expose_secret() == "secret")
    );
    assert!(a.import_errors);
    let SourceKind::Airflow(b) = &config.sources["b"].kind else { panic!("not airflow") };
    assert_eq!((b.url.as_str(), b.ui_url.as_str()), ("https://airflow.example.com/team", "https://ui.example.com/"));
    assert!(matches!(&b.auth, AirflowAuth::Token(_)) && !b.import_errors);
}

#[test]
fn receivers_are_read_with_the_pace_of_their_kind() {
    let config = good(
        r#"
[defaults]
notify = ["slack", "mail", "hook"]
[sources.events]
type = "webhook"
[receivers.slack]
type = "slack"
webhook_url = "https://hooks.slack.com/services/T/B/x"
fallback = "mail"
[receivers.mail]
type = "email"
smtp_url = "smtp://mail.example.com"
username = "u"
password = { file = "/run/secrets/smtp" }
from = "firstred <firstred@example.com>"
to = "data@example.com"
give_up_after = "1h"
[receivers.hook]
type = "webhook"
url = { env = "HOOK" }
"#,
        &[("HOOK", "https://hook.example.com/in/s3cr3t")],
    )
    .config;
    assert_eq!((config.receivers["slack"].pace, config.receivers["slack"].parallel), (Duration::from_secs(1), 1));
    assert_eq!((config.receivers["hook"].pace, config.receivers["hook"].parallel), (Duration::ZERO, 32));
    assert_eq!(config.policy.receivers["slack"].fallback.as_deref(), Some("mail"));
    assert_eq!(config.policy.receivers["mail"].patience.give_up_after, SignedDuration::from_hours(1));
    let ReceiverKind::Email(mail) = &config.receivers["mail"].kind else { panic!("not email") };
    assert_eq!((mail.server.port, mail.server.security), (587, SmtpSecurity::StartTls));
    let (user, password) = mail.server.credentials.as_ref().expect("credentials");
    assert_eq!((user.as_str(), password.expose_secret()), ("u", "hunter2"));
}

#[test]
fn a_rule_takes_names_patterns_and_lists_of_both() {
    let config = good(
        &format!(
            r#"{MINIMAL}
[[rules]]
match = {{ step_title = "x", providerStatus = ["5xx", 401], class = "engine", labels = {{ "owner.team" = "a*" }} }}
severity = "critical"
hold = "0s"
continue = true
"#
        ),
        &[],
    )
    .config;
    let rule = &config.policy.rules.rules()[0];
    assert_eq!((rule.name.as_str(), rule.severity, rule.keep_going), ("rule 1", Severity::Critical, true));
    assert_eq!(rule.notify, ["console"], "those of [defaults]");
    assert_eq!((rule.when.status.len(), rule.when.step.len(), rule.when.class.len()), (2, 1, 1));
    assert!(rule.when.labels.contains_key("owner.team"));
    assert_eq!(rule.hold, Some(SignedDuration::ZERO));
}

#[test]
fn the_example_of_the_design_loads_without_a_warning() {
    let env = [
        ("FIRSTRED_INGEST_TOKEN", "t"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x"),
        ("SMTP_URL", "smtps://user:pass@mail.example.com"),
    ];
    assert_eq!(warned(include_str!("design.toml"), &env), "");
}

#[test]
fn a_receiver_has_a_template_by_its_name() {
    let text = "[sources.events]\ntype = \"webhook\"\n[defaults]\nnotify = [\"ops\", \"hook\"]\n[receivers.ops]\ntype = \"console\"\ntemplate = \"short\"\n\
                [receivers.hook]\ntype = \"webhook\"\nurl = \"https://example.com/\"\ntemplate = \"short\"\n[templates.short]\ntitle = \"x\"\n";
    let loaded = good(text, &[]);
    let template = loaded.config.receivers["ops"].template.as_ref().expect("a template");
    assert_eq!(
        (template.name.as_str(), template.blocks.as_slice()),
        ("short", &[(crate::config::Block::Title, "x".to_owned())][..])
    );
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("no template changes what a machine reads"), "{warnings:?}");
}

#[test]
fn a_source_that_is_pushed_to_may_prove_itself_in_three_more_ways_and_speak_another_form() {
    let loaded = good(
        "[sources.a]\ntype = \"webhook\"\ntoken = \"0123456789abcdef\"\ntoken_header = \"X-Gitlab-Token\"\nfilter = \".runs[]\"\n\
         [sources.b]\ntype = \"webhook\"\nhmac_secret = \"0123456789abcdef\"\nhmac_header = \"X-Hub-Signature-256\"\nhmac_prefix = \"sha256=\"\n\
         [sources.c]\ntype = \"webhook\"\nformat = \"openlineage\"\n",
        &[],
    );
    let webhook = |name: &str| match &loaded.config.sources[name].kind {
        SourceKind::Webhook(webhook) => webhook.clone(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(webhook("a").auth, WebhookAuth::Header { name, .. } if name == "x-gitlab-token"));
    assert!(
        matches!(webhook("b").auth, WebhookAuth::Hmac { name, prefix, .. } if name == "x-hub-signature-256" && prefix == "sha256=")
    );
    assert_eq!(webhook("c").format, PushFormat::OpenLineage);
    assert_eq!(webhook("a").filter.as_deref(), Some(".runs[]"));
}
