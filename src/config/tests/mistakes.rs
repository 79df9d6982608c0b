//! Configurations that are wrong, and what is said about each: the snapshots are the text that somebody reads at night.

use super::{load_text, refused, warned};

/// A source and a receiver, so that only the mistake at hand is told.
const HEAD: &str = "[sources.events]\ntype = \"webhook\"\n[receivers.ops]\ntype = \"console\"\n";
const RECEIVER: &str = "[receivers.ops]\ntype = \"console\"\n[defaults]\nnotify = \"ops\"\n";
const DEFAULTS: &str = "[defaults]\nnotify = \"ops\"\n";

macro_rules! refused {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let text = $text;
            insta::with_settings!({ description => text.clone(), omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), refused(&text, &[("SLACK_WEBHOOK_URL", "https://hooks.slack.com/x"), ("EMPTY", "")]));
            });
        }
    )*};
}

macro_rules! warned {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let text = $text;
            insta::with_settings!({ description => text.clone(), omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), warned(&text, &[]));
            });
        }
    )*};
}

fn with(more: &str) -> String {
    format!("{HEAD}{DEFAULTS}{more}")
}

fn slack(more: &str) -> String {
    with(&format!("[receivers.slack]\ntype = \"slack\"\n{more}\n"))
}

fn mail(more: &str) -> String {
    with(&format!("[receivers.mail]\ntype = \"email\"\nfrom = \"a@example.com\"\nto = \"b@example.com\"\n{more}\n"))
}

fn http(more: &str) -> String {
    with(&format!("[sources.prod]\ntype = \"http\"\n{more}\n"))
}

fn rule(more: &str) -> String {
    with(&format!("[[rules]]\n{more}\n"))
}

refused! {
    hmac_without_its_header: "[sources.a]\ntype = \"webhook\"\nhmac_secret = \"0123456789abcdef\"\n".to_owned() + RECEIVER;
    token_header_without_a_token: "[sources.a]\ntype = \"webhook\"\ntoken_header = \"X-Gitlab-Token\"\n".to_owned() + RECEIVER;
    filter_over_a_mapped_format: "[sources.a]\ntype = \"webhook\"\nformat = \"openlineage\"\nfilter = \".\"\n".to_owned() + RECEIVER;
    unknown_section: with("[source.prod]\ntype = \"http\"\n");
    unknown_key: with("[server]\nlissen = \"127.0.0.1:1\"\n");
    unknown_type: with("[receivers.slack]\ntype = \"slak\"\nwebhook = \"https://hooks.slack.com/services/T/B/x\"\n");
    missing_type: with("[receivers.slack]\nwebhook_url = \"https://hooks.slack.com/services/T/B/x\"\n");
    missing_keys: mail("").replace("from", "form");
    wrong_types: with("[server]\nlisten = 8686\nqueue = \"10\"\nmax_body = true\n[ledger]\npath = 1979-05-27\nretention = 30\n[log]\nlevel = 3\n");
    section_is_no_table: "server = 3\nsources = []\nrules = { name = \"x\" }\n".to_owned();
    wrong_values: with("[server]\nlisten = \":8686\"\nmax_body = \"1 parsec\"\nqueue = 0\npublic_url = \"firstred.example.com\"\n[log]\nformat = \"yaml\"\nlevel = \"inof\"\n");
    syntax_errors: "[server\nlisten = \"127.0.0.1:8686\"\nqueue = \n[defaults]\nhold = 10m\nhold = \"1s\"\nnotfy = \"ops\"\n".to_owned();
    syntax_error_in_a_secret: slack("webhook_url = \"https://hooks.slack.com/services/T/B/x");
    duplicate_table: with("[receivers.ops]\ntype = \"console\"\n");
    unknown_receivers: format!("{HEAD}[defaults]\nnotify = [\"opps\"]\n[[rules]]\nnotify = [\"ops\", \"data\"]\n[receivers.b]\ntype = \"console\"\nfallback = \"op\"\n");
    no_receiver_at_all: "[sources.a]\ntype = \"webhook\"\n[[rules]]\nnotify = \"ops\"\n".to_owned();
    duplicate_rule_names: rule("name = \"a\"\nmatch = { code = \"X\" }\n[[rules]]\nname = \"a\"");
    bad_patterns: rule("match = { workflow = \"/(/\", code = \"\", status = [99, \"6xx\", true], class = [\"transiant\"], labels = { a = 3 }, step = [] }");
    unknown_match_key: rule("match = { wrokflow = \"x\" }");
    match_key_twice: rule("match = { step = \"x\", step_title = \"y\" }");
    bad_rule_values: rule("name = \"a\\u0007b\"\nseverity = \"fatal\"\nhold = \"soon\"\nrunbook = \"javascript:alert(1)\"\ncontinue = \"yes\"");
    bad_names: with("[sources.\"a b\"]\ntype = \"webhook\"\n[receivers.\"a/b\"]\ntype = \"console\"\n[[rules]]\nname = \"ä\"\n");
    empty_secrets: slack("webhook_url = \"\"") + "[sources.b]\ntype = \"webhook\"\ntoken = { env = \"EMPTY\" }\n[sources.c]\ntype = \"webhook\"\ntoken = [{ file = \"/empty\" }, { file = \"/binary\" }]\n";
    unset_variable: slack("webhook_url = { env = \"SLACK_WEBHOKK_URL\" }");
    unreadable_file: mail("smtp_url = { file = \"smtp.secret\" }\nca_file = \"/not.pem\"");
    secret_of_two_minds: slack("webhook_url = { env = \"SLACK_WEBHOOK_URL\", file = \"/empty\" }") + "[sources.b]\ntype = \"webhook\"\ntoken = {}\n";
    bad_filter: http("url = \"https://a.example.com\"\nfilter = \".runs[] | (\"\npagination = { type = \"cursor\", next = \"(\" }");
    every_too_short: http("url = \"https://a.example.com\"\nevery = \"200ms\"\ntimeout = \"10\"");
    bad_urls: http("url = \"ftp://user:pass@a.example.com\"\nheaders = { \"a b\" = \"x\" }") + "[sources.b]\ntype = \"http\"\nurl = \"https://user:pass@b.example.com/{sinse}\"\n";
    bad_placeholders: http("url = \"https://a.example.com/?since={sinse}\"\ndetail = { url = \"https://evil.example.com/{id}\", statuses = [\"faild\"] }") + "[sources.b]\ntype = \"http\"\nurl = \"https://b.example.com/{since}\"\ndetail = { url = \"https://b.example.com/one\" }\n";
    detail_on_another_host: http("url = \"https://a.example.com/\"\ndetail = { url = \"https://evil.example.com/{id}\" }");
    secret_words_in_names_hide_nothing: with("[classes]\nAUTH_MISSING = \"transitory\"\n[receivers.token]\ntype = \"slak\"\n");
    bad_pagination: http("url = \"https://a.example.com\"\npagination = { type = \"page\", size = 10 }\nmax_pages = 0") + "[sources.b]\ntype = \"http\"\nurl = \"https://b.example.com\"\npagination = \"cursor\"\n[sources.c]\ntype = \"http\"\nurl = \"https://b.example.com\"\npagination = { cursor = \".next\" }\n";
    two_ways_to_sign_in: with("[sources.p]\ntype = \"prefect\"\nurl = \"http://127.0.0.1:4200/api\"\napi_key = \"k\"\nauth_string = \"nocolon\"\n[sources.w]\ntype = \"webhook\"\ntoken = \"t\"\nsecret = \"0123456789abcdef\"\n");
    airflow_signed_in_twice_and_by_half: with("[sources.p]\ntype = \"airflow\"\nurl = \"http://127.0.0.1:8080/api/v2\"\ntoken = \"k\"\nusername = \"a:b\"\n[sources.q]\ntype = \"airflow\"\nurl = \"http://127.0.0.1:8080\"\npassword = \"p\"\n");
    workspace_not_among_its_own: with("[sources.w]\ntype = \"webhook\"\nworkspace = \"a\"\nworkspaces = [\"b\"]\n");
    bad_signing_secret: with("[sources.w]\ntype = \"webhook\"\nsecret = [\"short\", \"whsec_***\"]\n");
    open_to_the_world: with("[server]\nlisten = \"0.0.0.0:8686\"\n");
    fallback_circle: with("[receivers.a]\ntype = \"console\"\nfallback = \"b\"\n[receivers.b]\ntype = \"console\"\nfallback = \"a\"\n[receivers.c]\ntype = \"console\"\nfallback = \"c\"\n");
    smtp_password_in_clear: mail("smtp_url = \"smtp://user:pass@mail.example.com:25?tls=none\"");
    smtp_half_signed_in: mail("smtp_url = \"smtps://mail.example.com\"\nusername = \"me\"");
    bad_addresses: mail("smtp_url = \"mail.example.com\"").replace("a@example.com", "a at example").replace("\"b@example.com\"", "[]");
    slack_not_https: slack("webhook_url = \"http://hooks.slack.com/services/T/B/x\"\nparallel = 0");
    slack_by_no_way: slack("channel = \"#alerts\"");
    slack_by_two_ways: slack("webhook_url = \"https://hooks.slack.com/services/T/B/x\"\nbot_token = \"xoxb-1\"\nchannel = \"#alerts\"");
    slack_bot_without_a_channel: slack("bot_token = \"xoxb-1\"");
    slack_tokens_mixed_up: slack("bot_token = \"xapp-hunter2\"\napp_token = \"xoxb-hunter2\"\nchannel = \"my channel\"\napi_url = \"http://slack.com/api\"\nsigning_secret = \"\"");
    slack_webhook_with_an_apps_keys: slack("webhook_url = \"https://hooks.slack.com/services/T/B/x\"\nchannel = \"#alerts\"\nsigning_secret = \"hunter2\"");
    office_connector: slack("webhook_url = \"https://acme.webhook.office.com/webhookb2/x\"");
    bad_classes: with("[classes]\nX = \"transitory\"\n\"\" = \"engine\"\nY = [\"engine\"]\n");
    line_with_wide_characters: with("# Grüße, 世界\n\"ключ\" = 1 # ütf\n");
}

warned! {
    shadowed_rules: format!("{HEAD}[[rules]]\nname = \"auth\"\nmatch = {{ class = [\"authorization\", \"engine\"], status = \"4xx\" }}\nnotify = \"ops\"\n[[rules]]\nmatch = {{ class = \"engine\", status = 404, workflow = \"x\" }}\nnotify = \"ops\"\n[[rules]]\nname = \"rest\"\nnotify = \"ops\"\n[[rules]]\nname = \"late\"\nmatch = {{ code = \"X\" }}\nnotify = \"ops\"\n");
    not_shadowed: with("[[rules]]\nmatch = { code = \"A*\" }\nunless = { trigger = \"manual\" }\n[[rules]]\nmatch = { code = \"AB\" }\n[[rules]]\nmatch = { workflow = \"x\" }\ncontinue = true\n[[rules]]\nmatch = { workflow = \"x\" }\n");
    told_to_nobody: format!("{HEAD}[[rules]]\nname = \"quiet\"\nmatch = {{ code = \"X\" }}\nnotify = []\n");
    unused_receiver: with("[receivers.old]\ntype = \"console\"\n");
    unknown_source_in_a_rule: rule("match = { source = \"event\" }");
    looks_like_a_shell_variable: with("[sources.b]\ntype = \"webhook\"\ntoken = \"$TOKEN\"\n");
    token_in_clear: http("url = \"http://a.example.com/runs\"\ntoken = \"t\"");
    fallback_that_may_not_be_told: with("[receivers.a]\ntype = \"console\"\nworkspaces = \"acme\"\n").replace("type = \"console\"\n[defaults]", "type = \"console\"\nfallback = \"a\"\n[defaults]");
}

#[test]
fn wrong_overrides_name_the_variable() {
    let env = [
        ("FIRSTRED__SERVER__LISTEN", "nowhere"),
        ("FIRSTRED__SERVER__QUEUE", "many"),
        ("FIRSTRED__SERVER__QUEU", "1"),
        ("FIRSTRED__RULES__0__NOTIFY", "ops"),
        ("FIRSTRED__RECEIVERS__OSP__FORMAT", "json"),
        ("FIRSTRED__RECEIVERS__OPS__FROMAT", "json"),
        ("FIRSTRED__RECEIVERS__OPS__FORMAT", "yaml"),
        ("FIRSTRED__RECEIVERS__OPS__PARALLEL", "many"),
        ("FIRSTRED__RECEIVERS__OPS__PACE", "5"),
        ("FIRSTRED__RECEIVERS__OPS", "x"),
        ("FIRSTRED__SOURCES__EVENTS__DETAIL__URL", "x"),
        ("FIRSTRED__LEGDER__PATH", "x"),
    ];
    insta::assert_snapshot!(refused(&with(""), &env));
}

#[test]
fn a_variable_that_may_mean_two_names_or_says_what_another_says_is_refused() {
    let two = with("[receivers.a-b]\ntype = \"console\"\n[receivers.a_b]\ntype = \"console\"\n");
    let said = refused(&two, &[("FIRSTRED__RECEIVERS__A_B__FORMAT", "json")]);
    assert!(said.contains("this could be any of `a-b`, `a_b`"), "{said}");
    let env = [("FIRSTRED__RECEIVERS__OPS__FORMAT", "json"), ("FIRSTRED__RECEIVERS__ops__FORMAT", "text")];
    let said = refused(&with(""), &env);
    assert!(said.contains("FIRSTRED__RECEIVERS__OPS__FORMAT says the same key"), "{said}");
}

#[test]
fn beside_a_syntax_error_no_name_is_said_to_be_missing() {
    let said = refused("[receivers.ops\ntype = \"console\"\n", &[("FIRSTRED__RECEIVERS__OPS__FORMAT", "json")]);
    assert!(!said.contains("called so"), "{said}");
}

#[test]
fn as_json_each_has_its_place() {
    let diagnostics = load_text(&rule("match = { code = 3 }\nseverty = \"info\""), &[]).expect_err("refused");
    insta::assert_json_snapshot!(diagnostics);
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_named() {
    let mut inputs = super::inputs("", &[]);
    inputs.file = Some(crate::config::ConfigFile::Path("nowhere.toml".into()));
    insta::assert_snapshot!(crate::config::load(&inputs).expect_err("refused").to_string());
    inputs.file = Some(crate::config::ConfigFile::Path("/binary".into()));
    insta::assert_snapshot!(crate::config::load(&inputs).expect_err("refused").to_string());
}

#[test]
fn ten_thousand_rules_are_checked_in_no_time() {
    let rules: Vec<String> = (0..10_000)
        .map(|n| format!("[[rules]]\nmatch = {{ workflow = \"flow-{n}\", class = \"engine\" }}\n"))
        .collect();
    let rules = rules.concat();
    assert_eq!(warned(&with(&rules), &[]), "");
}

refused! {
    templates_mistaken: with(
        "[receivers.a]\ntype = \"console\"\ntemplate = \"opps\"\n[templates.ops]\ntitle = \"\"\"\none\n  \\u00e4 wrong\"\"\"\ntext = \" \"\ntitel = \"x\"\n\
         [templates.empty]\n[templates.other]\nfooter = 7\n"
    );
}

warned! {
    template_unused: with("[templates.ops]\ntitle = \"x\"\n");
}
