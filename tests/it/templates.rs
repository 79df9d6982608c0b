//! Templates from outside: what `check` says of them, what they make of messages, and that none of them can keep one back.

use std::time::Duration;

use crate::support::SOON;
use crate::support::daemon::{Daemon, run};
use crate::support::runs::failed;
use crate::support::setup::Setup;
use crate::support::slack::Slack;
use crate::support::smtp::Smtp;

const TEMPLATE: &str = r#"
[templates.ops]
title = "{% if data.workflow %}{{ data.workflow.name }} needs you{% else %}{{ builtin.title }}{% endif %}"
text = '''
{% if data.error %}{{ data.error.code }} <!channel> said: {{ data.error.message }}{% else %}{{ builtin.text }}{% endif %}'''
advice = "Ask growth. {% if data.run and data.run.labels.broken is defined %}{{ data.run.labels.broken.of.course }}{% endif %}"
extra = "{% if data.step %}failed {{ data.step.failedAt | time('Asia/Tokyo', format='%H:%M %Z') if data.step.failedAt else '' }}{% endif %}"
"#;

fn with_template(setup: Setup) -> Setup {
    setup.toml(TEMPLATE)
}

#[tokio::test]
async fn a_template_is_what_people_read_and_its_failure_keeps_nothing_back() {
    let (slack, smtp) = (Slack::start().await, Smtp::start().await);
    let setup = Setup::new().defaults(&["oncall", "mail"], "10m").slack("oncall", &slack, "template = \"ops\"").email(
        "mail",
        &smtp,
        &["data@example.com"],
        "template = \"ops\"",
    );
    let mut daemon = Daemon::start(&with_template(setup)).await;

    daemon.ingest(&failed("r1", "lead-sync")).await;
    let mail = smtp.wait_about("lead-sync needs you", SOON).await;
    assert!(mail.says("Ask growth."), "{}", mail.text);
    assert!(mail.subject().contains("lead-sync"), "the subject stays: {}", mail.subject());
    let post = slack.wait_about("lead-sync needs you", SOON).await;
    assert!(post.says("<!channel> said"), "as text: {:?}", post.body);
    assert!(!post.text().contains("<!channel>"), "not as a mention: {}", post.text());

    let mut broken = failed("r2", "crm-export");
    broken["labels"]["broken"] = "x".into();
    daemon.ingest(&broken).await;
    let mail = smtp.wait_about("crm-export needs you", SOON).await;
    assert!(mail.says("template \"ops\" failed at advice"), "{}", mail.text);
    assert!(!mail.says("Ask growth."), "{}", mail.text);
    slack.wait_about("crm-export needs you", SOON).await;
    slack.assert_well_formed();
    daemon.wait_metric("firstred_template_failures_total", "template=\"ops\"", 2.0).await;
    daemon.wait_log("a template failed").await;
    daemon.terminate(Duration::from_secs(10)).await;
}

#[test]
fn check_names_each_mistake_at_its_line_and_column() {
    let setup = Setup::new().defaults(&["out"], "10m").toml(
        "[receivers.out]\ntype = \"console\"\ntemplate = \"ops\"\n\n[templates.ops]\ntitle = '''\nfine so far\n  {{ data.wrokflow }}'''\n\
         advice = \"{{ data.error.code }}\"\nfooter = \"{% if %}\"\n",
    );
    let file = setup.write();
    let said = run(setup.folder(), &["--config", &file.to_string_lossy(), "check", "--format", "json"], None);
    assert_eq!(said.code, Some(2), "{}", said.all());
    let text = std::fs::read_to_string(&file).expect("just written");
    let line_of = |needle: &str| text.lines().position(|line| line.contains(needle)).map(|at| at + 1);
    let answer = said.json();
    let at = |path: &str| {
        let all = answer["diagnostics"].as_array().into_iter().flatten();
        let found = all.clone().find(|it| it["path"] == path).unwrap_or_else(|| panic!("{path}: {answer:#}"));
        let number = |name: &str| found[name].as_u64().and_then(|number| usize::try_from(number).ok());
        (number("line"), number("column"), found["message"].as_str().unwrap_or_default().to_owned())
    };
    let (line, column, message) = at("templates.ops.title");
    assert_eq!((line, column), (line_of("wrokflow"), Some(6)), "{message}");
    assert!(message.starts_with("it fails for every message"), "{message}");
    let (line, _, message) = at("templates.ops.advice");
    assert_eq!(line, line_of("data.error.code"));
    assert!(message.contains("kinds of messages ("), "{message}");
    let (line, _, message) = at("templates.ops.footer");
    assert_eq!(line, line_of("{% if %}"));
    assert!(message.starts_with("syntax error"), "{message}");
}

#[test]
fn a_template_is_shown_on_every_kind_of_message() {
    let setup = with_template(
        Setup::new().defaults(&["out"], "10m").toml("[receivers.out]\ntype = \"console\"\ntemplate = \"ops\"\n"),
    );
    let file = setup.write();
    let file = file.to_string_lossy();
    let said = run(setup.folder(), &["--config", &file, "template", "ops"], None);
    assert_eq!(said.code, Some(0), "{}", said.all());
    for kind in ["failed_step", "summary_storm", "trouble", "acknowledged", "resolved_by_a_later_run"] {
        assert!(said.out.lines().any(|line| line == kind), "{kind}: {}", said.out);
    }
    let one = run(setup.folder(), &["--config", &file, "template", "ops", "failed_step"], None);
    assert!(one.out.contains("FAILED  billing-sync needs you at step charge-card (4 of 7)"), "{}", one.out);
    assert!(one.out.contains("Failed 19:14 JST"), "{}", one.out);
    let none = run(setup.folder(), &["--config", &file, "template", "opps"], None);
    assert!(none.code == Some(2) && none.err.contains("there is: ops"), "{}", none.all());
}
