//! No secret of a configuration is ever shown: not by `Debug`, not in a message, not in an excerpt, however wrong the file is.

use super::{good, load_text, refused, warned};

const HEAD: &str = "[sources.events]\ntype = \"webhook\"\n[defaults]\nnotify = \"r\"\n";

#[test]
fn debug_prints_no_secret() {
    let text = format!(
        r#"{HEAD}
[sources.a]
type = "http"
url = "https://a.example.com/runs?api_key=hunter2"
token = "hunter2"
headers = {{ X-Key = "hunter2" }}
[sources.b]
type = "prefect"
url = "http://127.0.0.1:4200/api"
api_key = "hunter2"
[sources.c]
type = "airflow"
url = "http://127.0.0.1:8080"
username = "viewer"
password = "hunter2"
[sources.d]
type = "airflow"
url = "http://127.0.0.1:8080"
token = "hunter2"
[sources.e]
type = "n8n"
url = "http://127.0.0.1:5678"
api_key = "hunter2"
token = "hunter2-hunter2"
[receivers.r]
type = "email"
smtp_url = "smtps://user:hunter2@mail.example.com"
from = "a@example.com"
to = "b@example.com"
fallback = "s"
[receivers.s]
type = "slack"
webhook_url = "https://hooks.slack.com/services/T/B/hunter2"
fallback = "w"
[receivers.w]
type = "webhook"
url = {{ env = "URL" }}
token = "hunter2"
secret = "hunter2-hunter2-hunter2"
"#
    );
    let shown = format!("{:?}", good(&text, &[("URL", "https://w.example.com/hunter2?x=hunter2")]));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn no_diagnostic_shows_a_secret() {
    for line in [
        "webhook_url = \"http://hooks.slack.com/services/T/B/hunter2\"",
        "webhook_url = \"hunter2\"",
        "webhook_url = 'ftp://hunter2'",
        "webhook_url = \"\"\"\nhttp://x/hunter2\"\"\"",
        "webhook_url = [\"hunter2\"]",
        "bot_token = \"hunter2\"",
        "bot_token = \"xapp-hunter2\"\nchannel = \"x\"",
        "bot_token = \"xoxb-1\"\nchannel = \"x\"\napp_token = \"hunter2\"",
        "webhook_url = \"https://hooks.slack.com/services/T/B/x\"\nsigning_secret = \"hunter2\"",
        "webhok_url = \"https://hooks.slack.com/services/T/B/hunter2\"",
        "webhook_url = { value = \"hunter2\" }",
        "webhook_url = { env = \"URL\" }",
        "webhook_url = \"https://user:hunter2@hooks.slack.com/\"",
        "webhook_url = \"hunter2",
        "webhook_url = hunter2",
        "webhook_url = \"hunter2\" oops",
        "pasword = \"hunter2\"",
        "thing = \"hunter2\"",
        "runbook = \"https://x.example.com?token=hunter2\"",
    ] {
        let text = format!("{HEAD}[receivers.r]\ntype = \"slack\"\n{line}\n");
        let diagnostics = load_text(&text, &[("URL", "http://hunter2.example.com")]).expect_err(line);
        let json = serde_json::to_string(&diagnostics).expect("JSON");
        let all = format!("{diagnostics} {diagnostics:?} {json}");
        assert!(!all.contains("hunter2"), "{line}\n{all}");
    }
    // All on one line, of an unknown type: nothing of it was read.
    let text = format!("{HEAD}receivers.r = {{ type = \"slak\", webhook_url = \"hunter2\", token = \"hunter2\" }}\n");
    let shown = refused(&text, &[]);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_secret_file_that_everybody_can_read_is_a_warning() {
    let text = format!(
        "{HEAD}[receivers.r]\ntype = \"webhook\"\nurl = \"https://w.example.com\"\ntoken = {{ file = \"/home/me/open\" }}\n"
    );
    insta::assert_snapshot!(warned(&text, &[]));
}
