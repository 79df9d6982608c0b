//! The on-call receivers as they are written: where they post to, and what is said of mistakes.

use secrecy::ExposeSecret;

use super::{good, refused, warned};
use crate::config::{AlertmanagerAuth, ReceiverKind};
use crate::engine::Manner;

const HEAD: &str = "[sources.events]\ntype = \"webhook\"\n[defaults]\nnotify = \"x\"\n[receivers.x]\n";
const KEY: &str = "R0UT1NGK3YR0UT1NGK3YR0UT1NGK3YAB";

fn with(more: &str) -> String {
    format!("{HEAD}{more}\n")
}

/// Where it posts to.
fn posts_to(more: &str) -> Vec<String> {
    let mut receivers = good(&with(more), &[]).config.receivers;
    let settings = receivers.remove("x").expect("a receiver");
    assert_eq!(settings.manner(), Manner::Alert);
    match settings.kind {
        ReceiverKind::Pagerduty(settings) => vec![settings.api_url.to_string()],
        ReceiverKind::Opsgenie(settings) => vec![settings.api_url.to_string()],
        ReceiverKind::Alertmanager(settings) => settings.urls.iter().map(ToString::to_string).collect(),
        ReceiverKind::Goalert(settings) => vec![settings.url.to_string()],
        ReceiverKind::Incidentio(settings) => vec![settings.api_url.to_string()],
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_posts_to_its_vendor_unless_it_is_told_otherwise() {
    let pagerduty = format!("type = \"pagerduty\"\nrouting_key = \"{KEY}\"\n");
    assert_eq!(posts_to(&pagerduty), ["https://events.pagerduty.com/v2/enqueue"]);
    let eu = format!("{pagerduty}api_url = \"https://events.eu.pagerduty.com/\"");
    assert_eq!(posts_to(&eu), ["https://events.eu.pagerduty.com/v2/enqueue"]);
    let whole = format!("{pagerduty}api_url = \"http://127.0.0.1:8732/v2/enqueue\"");
    assert_eq!(posts_to(&whole), ["http://127.0.0.1:8732/v2/enqueue"]);

    let opsgenie = "type = \"opsgenie\"\napi_key = \"k\"\n";
    assert_eq!(posts_to(opsgenie), ["https://api.opsgenie.com/v2/alerts"]);
    let jsm = format!("{opsgenie}api = \"jsm\"");
    assert_eq!(posts_to(&jsm), ["https://api.atlassian.com/jsm/ops/integration/v2/alerts"]);
    let eu = format!("{opsgenie}api_url = \"https://api.eu.opsgenie.com\"");
    assert_eq!(posts_to(&eu), ["https://api.eu.opsgenie.com/v2/alerts"]);

    let goalert = "type = \"goalert\"\ntoken = \"t\"\nurl = \"https://goalert.example.com\"";
    assert_eq!(posts_to(goalert), ["https://goalert.example.com/api/v2/generic/incoming"]);
    let incidentio = "type = \"incidentio\"\ntoken = \"t\"\nalert_source = \"01GW\"";
    assert_eq!(posts_to(incidentio), ["https://api.incident.io/v2/alert_events/http/01GW"]);

    let one = "type = \"alertmanager\"\nurl = \"http://am:9093/prefix\"";
    assert_eq!(posts_to(one), ["http://am:9093/prefix/api/v2/alerts"]);
    let two = "type = \"alertmanager\"\nurls = [\"http://am-0:9093\", \"http://am-1:9093/api/v2/alerts\"]";
    assert_eq!(posts_to(two), ["http://am-0:9093/api/v2/alerts", "http://am-1:9093/api/v2/alerts"]);
}

#[test]
fn alertmanager_is_signed_in_to_in_either_way() {
    let auth = |more: &str| {
        let text = with(&format!("type = \"alertmanager\"\nurl = \"http://am:9093\"\n{more}"));
        match good(&text, &[]).config.receivers.remove("x").expect("a receiver").kind {
            ReceiverKind::Alertmanager(settings) => settings.auth,
            other => panic!("{other:?}"),
        }
    };
    assert!(auth("").is_none());
    assert!(matches!(auth("token = \"t0k\""), Some(AlertmanagerAuth::Bearer(token)) if token.expose_secret() == "t0k"));
    let basic = auth("username = \"me\"\npassword = \"p:w\"");
    assert!(
        matches!(basic, Some(AlertmanagerAuth::Basic { user, password }) if user == "me" && password.expose_secret() == "p:w")
    );
}

macro_rules! mistakes {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let text = with($text);
            insta::with_settings!({ description => text.clone(), omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(stringify!($name), refused(&text, &[]));
            });
        }
    )*};
}

mistakes! {
    pagerduty_mistaken: "type = \"pagerduty\"\nrouting_key = \"short\"\napi_url = \"http://events.example.com\"";
    opsgenie_mistaken: "type = \"opsgenie\"\napi = \"jira\"\napi_url = \"https://api.example.com/?key=s3cr3t\"";
    goalert_with_a_token_in_its_url: "type = \"goalert\"\nurl = \"https://goalert.example.com/api/v2/generic/incoming?token=s3cr3t\"";
    incidentio_mistaken: "type = \"incidentio\"\nalert_source = \"../x\"\ntoken = \"two\\nlines\"";
    alertmanager_mistaken: "type = \"alertmanager\"\nurls = []\nusername = \"a:b\"\ntoken = \"t\"\nlifetime = \"1m\"";
    alertmanager_named_twice: "type = \"alertmanager\"\nurls = [\"http://am:9093\", \"https://am:9093/api/v2/alerts\"]";
    oncall_without_anything: "type = \"goalert\"\n[receivers.a]\ntype = \"alertmanager\"\n[receivers.i]\ntype = \"incidentio\"\n[receivers.o]\ntype = \"opsgenie\"\n[receivers.p]\ntype = \"pagerduty\"";
}

#[test]
fn a_secret_that_would_go_in_clear_text_is_a_warning() {
    let said = warned(&with("type = \"goalert\"\nurl = \"http://goalert.example.com\"\ntoken = \"t\""), &[]);
    assert!(said.contains("in clear text"), "{said}");
}
