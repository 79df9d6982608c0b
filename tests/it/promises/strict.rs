//! The stand-ins themselves: each takes a good request, and none that is wrong in one thing. What lets everything pass would prove nothing.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::service::{Door, Service};
use super::services::{
    alertmanager, discord, goalert, incidentio, mattermost, ntfy, opsgenie, pagerduty, rocketchat, slack_bot, teams,
    telegram,
};
use crate::support::http::Asked;

/// A request that is right, and what makes it wrong: a place in the body, and what is put there. Null takes it away.
struct Case {
    service: &'static Service,
    to: &'static str,
    authorization: &'static str,
    body: Value,
    wrong: Vec<(&'static str, Value)>,
}

fn mistakes(case: &Case, body: &Value) -> Vec<String> {
    let Door::Http(http) = case.service.door else { panic!("{} speaks HTTP", case.service.name) };
    let mut headers = HeaderMap::new();
    for (name, value) in [("content-type", "application/json"), ("authorization", case.authorization)] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let uri = case.to.parse().expect("a path");
    (http.judge)(&Asked { method: Method::POST, uri, headers, body: body.to_string().into() }, &[]).mistakes
}

fn changed(body: &Value, place: &str, value: &Value) -> Value {
    let mut body = body.clone();
    let (parent, key) = place.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {place}"));
    match (parent, value) {
        (Value::Object(fields), Value::Null) => drop(fields.remove(key)),
        (Value::Object(fields), value) => drop(fields.insert(key.to_owned(), value.clone())),
        (Value::Array(items), value) => items[key.parse::<usize>().expect("an index")] = value.clone(),
        (other, _) => panic!("{other} has no {key}"),
    }
    body
}

#[test]
fn a_stand_in_takes_what_is_right_and_nothing_that_is_wrong_in_one_thing() {
    for case in alerts().into_iter().chain(hooks()).chain(bots()) {
        let name = case.service.name;
        assert_eq!(mistakes(&case, &case.body), Vec::<String>::new(), "{name}: {:#}", case.body);
        for (place, value) in &case.wrong {
            let found = mistakes(&case, &changed(&case.body, place, value));
            assert!(!found.is_empty(), "{name} takes {place} = {value:.80}");
        }
    }
}

fn long(length: usize) -> Value {
    json!("x".repeat(length))
}

const EVIL: &str = "[Open run](https://evil.example/login)";

fn alerts() -> Vec<Case> {
    let (since, until) = ("2026-11-22T10:14:01Z", "2036-11-22T10:14:01Z");
    vec![
        Case {
            service: &pagerduty::SERVICE,
            to: "/v2/enqueue",
            authorization: "",
            body: json!({"routing_key": pagerduty::KEY, "event_action": "trigger", "dedup_key": "k", "links": [
                {"href": "https://flows.example.com/r", "text": "Run"}],
                "payload": {"summary": "s", "source": "f", "severity": "error", "timestamp": since}}),
            wrong: vec![
                ("/dedup_key", Value::Null),
                ("/dedup_key", long(256)),
                ("/routing_key", json!("x")),
                ("/event_action", json!("close")),
                ("/other", json!(1)),
                ("/payload/summary", Value::Null),
                ("/payload/summary", long(1_025)),
                ("/payload/summary", json!("\u{202e}txt")),
                ("/payload/severity", json!("high")),
                ("/payload/timestamp", json!("yesterday")),
                ("/payload/custom_details", json!("text")),
                ("/links/0/href", json!("https://evil.example")),
            ],
        },
        Case {
            service: &opsgenie::SERVICE,
            to: "/v2/alerts",
            authorization: opsgenie::AUTHORIZATION,
            body: json!({"message": "m", "alias": "a", "priority": "P2", "tags": ["t"], "details": {"k": "v"}}),
            wrong: vec![
                ("/alias", Value::Null),
                ("/message", long(131)),
                ("/message", json!("\u{1b}[2J")),
                ("/description", long(15_001)),
                ("/priority", json!("P6")),
                ("/tags/0", long(51)),
                ("/tags", json!(vec!["t"; 21])),
                ("/details/k", json!(1)),
                ("/details/k", long(8_000)),
                ("/other", json!(1)),
            ],
        },
        Case {
            service: &alertmanager::SERVICE,
            to: "/api/v2/alerts",
            authorization: alertmanager::AUTHORIZATION,
            body: json!([{"labels": {"alertname": "a"}, "annotations": {"summary": "s"}, "startsAt": since, "endsAt": until}]),
            wrong: vec![
                ("/0/labels/alertname", Value::Null),
                ("/0/labels/run", json!("r1")),
                ("/0/labels/of-what", json!("x")),
                ("/0/labels/count", json!(3)),
                ("/0/annotations/summary", json!(3)),
                ("/0/endsAt", Value::Null),
                ("/0/endsAt", json!("2016-11-22T10:14:01Z")),
                ("/0/generatorURL", json!("javascript:alert(1)")),
                ("/0", json!({})),
            ],
        },
        Case {
            service: &goalert::SERVICE,
            to: goalert::TO,
            authorization: "",
            body: json!({"summary": "s", "details": "d", "dedup": "k"}),
            wrong: vec![
                ("/summary", Value::Null),
                ("/summary", long(1_025)),
                ("/details", long(6_145)),
                ("/details", json!(EVIL)),
                ("/dedup", Value::Null),
                ("/action", json!("resolve")),
            ],
        },
        Case {
            service: &incidentio::SERVICE,
            to: incidentio::TO,
            authorization: incidentio::AUTHORIZATION,
            body: json!({"title": "t", "status": "firing", "deduplication_key": "k"}),
            wrong: vec![
                ("/title", Value::Null),
                ("/status", json!("open")),
                ("/deduplication_key", Value::Null),
                ("/source_url", json!("https://evil.example")),
                ("/description", json!(EVIL)),
            ],
        },
    ]
}

fn hooks() -> Vec<Case> {
    let card = json!({"type": "AdaptiveCard", "version": "1.4", "fallbackText": "f", "body": [
        {"type": "TextBlock", "text": "t", "wrap": true}], "actions": [
        {"type": "Action.OpenUrl", "title": "Run", "url": "https://flows.example.com/r"}]});
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "content": card});
    let marks = |place: &'static str| {
        [EVIL, "![](https://evil.example/p.png)", "@channel", "<!here>", "```", "<https://evil.example|Run>"]
            .map(|text| (place, json!(text)))
    };
    vec![
        Case {
            service: &teams::SERVICE,
            to: teams::TO,
            authorization: "",
            body: json!({"type": "message", "attachments": [attachment]}),
            wrong: vec![
                ("/type", json!("card")),
                ("/attachments/0/contentType", json!("text/plain")),
                ("/attachments/0/content/fallbackText", Value::Null),
                ("/attachments/0/content/version", json!("2.0")),
                ("/attachments/0/content/body/0/text", json!(EVIL)),
                ("/attachments/0/content/body/0/text", long(24_000)),
                ("/attachments/0/content/body/0/wrap", Value::Null),
                ("/attachments/0/content/body/0/type", json!("Marquee")),
                ("/attachments/0/content/actions/0/type", json!("Action.Submit")),
                ("/attachments/0/content/actions/0/url", json!("javascript:alert(1)")),
            ],
        },
        Case {
            service: &discord::SERVICE,
            to: discord::TO,
            authorization: "",
            body: json!({"content": "", "allowed_mentions": {"parse": []}, "embeds": [
                {"title": "t", "description": "d", "footer": {"text": "f"}}]}),
            wrong: vec![
                ("/allowed_mentions", Value::Null),
                ("/allowed_mentions/parse", json!(["everyone"])),
                ("/content", long(2_001)),
                ("/content", json!(EVIL)),
                ("/embeds/0/title", long(257)),
                ("/embeds/0/description", long(4_097)),
                ("/embeds/0/description", json!("``` and on")),
                ("/embeds/0/footer/text", long(2_049)),
                ("/embeds/0/url", json!("https://evil.example")),
                ("/embeds", json!([{"description": "x".repeat(4_000)}, {"description": "x".repeat(4_000)}])),
                ("/embeds", json!([])),
            ],
        },
        Case {
            service: &mattermost::SERVICE,
            to: mattermost::HOOK,
            authorization: "",
            body: json!({"text": "t", "attachments": [{"text": "t"}]}),
            wrong: [
                &marks("/text")[..],
                &marks("/attachments/0/text"),
                &[("/text", long(16_384)), ("/text", Value::Null)],
            ]
            .concat(),
        },
        Case {
            service: &rocketchat::SERVICE,
            to: rocketchat::HOOK,
            authorization: "",
            body: json!({"text": "t", "attachments": [{"text": "t"}]}),
            wrong: [&marks("/text")[..], &[("/text", long(5_001)), ("/attachments/0/image_url", json!("https://x"))]]
                .concat(),
        },
    ]
}

fn bots() -> Vec<Case> {
    vec![
        Case {
            service: &telegram::SERVICE,
            to: telegram::TO,
            authorization: "",
            body: json!({"chat_id": telegram::CHAT, "text": "<b>t</b>", "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": true}}),
            wrong: vec![
                ("/text", json!("<b>t")),
                ("/text", json!("a < b")),
                ("/text", json!("<a href=\"https://evil.example\">Run</a>")),
                ("/text", long(4_097)),
                ("/text", json!("🟥".repeat(2_049))),
                ("/parse_mode", json!("MarkdownV2")),
                ("/link_preview_options", Value::Null),
                ("/chat_id", json!(1)),
                ("/reply_parameters", json!({"message_id": 7})),
            ],
        },
        Case {
            service: &ntfy::SERVICE,
            to: "/",
            authorization: ntfy::AUTHORIZATION,
            body: json!({"topic": ntfy::TOPIC, "message": "m", "priority": 4, "sequence_id": "i_1"}),
            wrong: vec![
                ("/message", Value::Null),
                ("/message", json!("漢".repeat(1_366))),
                ("/topic", json!("another")),
                ("/priority", json!(6)),
                ("/click", json!("https://evil.example")),
                ("/sequence_id", json!("a b")),
                ("/actions", json!([{"action": "http", "label": "x", "url": "https://flows.example.com"}])),
            ],
        },
        Case {
            service: &slack_bot::SERVICE,
            to: "/api/chat.postMessage",
            authorization: slack_bot::AUTHORIZATION,
            body: json!({"channel": slack_bot::CHANNEL, "text": "t", "unfurl_links": false, "unfurl_media": false,
                "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "t", "verbatim": true}}]}),
            wrong: vec![
                ("/channel", json!("C0ANOTHER")),
                ("/text", Value::Null),
                ("/thread_ts", json!("1.2")),
                ("/unfurl_links", Value::Null),
                ("/blocks/0/text/text", json!("<!channel>")),
                ("/blocks/0/text/text", json!("<https://evil.example|Run>")),
                ("/blocks/0/text/text", long(3_001)),
                ("/blocks/0/type", json!("alert")),
                ("/blocks", json!([])),
            ],
        },
    ]
}
