//! Tests of the Alertmanager receiver: what is posted, how long it stands, and what answers mean.

use secrecy::SecretString;

use super::*;
use crate::config::ReceiverKind;
use crate::receiver::test_oncall::{
    Answers, all, assert_clean, attempt, delivered, hostile_ones, reason, receiver, sample, word,
};
use crate::receiver::test_support::{answer, at, delivery, http_server};

const NOW: &str = "2026-11-22T10:45:00Z";
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

fn settings(urls: &[&str], auth: Option<AlertmanagerAuth>) -> AlertmanagerReceiver {
    let urls = urls.iter().map(|base| Url::parse(&format!("{base}/api/v2/alerts")).expect("a URL")).collect();
    AlertmanagerReceiver { urls, auth, lifetime: WEEK }
}

fn kind(base: &str) -> ReceiverKind {
    ReceiverKind::Alertmanager(settings(&[base], None))
}

/// A receiver, built once: it reads the system's certificates.
fn any_receiver() -> &'static Alertmanager {
    static RECEIVER: std::sync::LazyLock<Alertmanager> = std::sync::LazyLock::new(|| {
        Alertmanager::build(&settings(&["http://127.0.0.1:1"], None), &Common::default()).expect("a receiver")
    });
    &RECEIVER
}

fn posted(delivery: &Delivery) -> [Value; 2] {
    let composer = Composer::default();
    let draft = composer.draft(delivery);
    let said = Alert::of(&draft, Budget::FULL);
    let known = delivery.post.as_deref().and_then(Labels::read);
    let labels = Labels::of(draft.notification(), &said, known.as_ref());
    [said, Alert::plain(&draft)].map(|said| any_receiver().alerts(delivery, &said, &labels, known.as_ref(), at(NOW)))
}

fn after(name: &str, post: &str) -> Delivery {
    Delivery { post: Some(post.to_owned()), ..delivered(name) }
}

#[test]
fn what_is_posted_is_as_it_was() {
    for (name, notification) in all() {
        insta::assert_json_snapshot!(format!("alertmanager_{name}"), posted(&delivery(notification))[0]);
    }
    insta::assert_json_snapshot!("alertmanager_plainly", posted(&delivered("opened"))[1]);
}

#[test]
fn hostile_texts_stay_texts_and_names_of_labels_are_plain() {
    for notification in hostile_ones() {
        for alerts in posted(&delivery(notification)) {
            assert_clean(&alerts);
            for alert in alerts.as_array().expect("alerts") {
                let labels = alert["labels"].as_object().expect("labels");
                for (name, said) in labels {
                    assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{name}");
                    assert!(!name.starts_with(|c: char| c.is_ascii_digit()) && !name.starts_with("__"), "{name}");
                    assert!(said.as_str().is_some_and(|said| !said.is_empty() && !said.contains('\n')), "{said}");
                }
                assert!(labels.contains_key("alertname") && alert["annotations"]["summary"].is_string());
                assert!(moment(&alert["startsAt"]) <= moment(&alert["endsAt"]), "{alert}");
                assert!(
                    alert.get("generatorURL").is_none_or(|url| url.as_str().is_some_and(|url| url.starts_with("http")))
                );
            }
        }
    }
}

fn moment(value: &Value) -> Timestamp {
    at(value.as_str().expect("a time"))
}

/// Opens an incident and gives what the ledger keeps of it.
async fn opened() -> String {
    let (outcome, _) = attempt(vec![answer(200, "", "")], kind, &delivered("opened"), at(NOW)).await;
    let Outcome::Delivered { post: Some(post), .. } = outcome else { panic!("{outcome:?}") };
    post
}

#[tokio::test]
async fn an_incident_keeps_its_labels_whatever_its_later_failures_say() {
    let post = opened().await;
    let first = posted(&delivered("opened"))[0][0]["labels"].clone();
    let mut renamed = sample("resolved");
    if let crate::engine::Subject::Run(card) = &mut renamed.subject {
        card.run.workflow.name = Some("billing-sync-2".to_owned());
        card.run.labels.clear();
    }
    let resolved = Delivery { post: Some(post.clone()), ..delivery(renamed) };
    for delivery in [after("updated", &post), after("still_open", &post), after("acknowledged", &post), resolved] {
        let alerts = &posted(&delivery)[0];
        assert_eq!((alerts.as_array().map(Vec::len), &alerts[0]["labels"]), (Some(1), &first));
    }
    assert_eq!(posted(&after("acknowledged", &post))[0][0]["annotations"]["acknowledged_by"], "anna");
}

#[tokio::test]
async fn an_escalated_alert_takes_the_place_of_the_milder_one() {
    let mut mild = sample("opened");
    mild.severity = crate::engine::Severity::Warning;
    let (outcome, _) = attempt(vec![answer(200, "", "")], kind, &delivery(mild), at(NOW)).await;
    let Outcome::Delivered { post: Some(post), .. } = outcome else { panic!("{outcome:?}") };
    let alerts = &posted(&after("escalated", &post))[0];
    let said = |index: usize| (alerts[index]["labels"]["severity"].clone(), moment(&alerts[index]["endsAt"]) > at(NOW));
    assert_eq!((said(0), said(1)), (("warning".into(), false), ("critical".into(), true)));
    // It does not become milder again, and is closed as what it became.
    let (outcome, _) = attempt(vec![answer(200, "", "")], kind, &after("escalated", &post), at(NOW)).await;
    let Outcome::Delivered { post: Some(post), .. } = outcome else { panic!("{outcome:?}") };
    let mut over = after("resolved", &post);
    over.notification.severity = crate::engine::Severity::Warning;
    let alerts = &posted(&over)[0];
    assert_eq!((alerts.as_array().map(Vec::len), &alerts[0]["labels"]["severity"]), (Some(1), &"critical".into()));
}

#[test]
fn an_alert_stays_a_week_unless_it_is_over_or_nobody_ever_closes_it() {
    let stays = |name: &str| moment(&posted(&delivered(name))[0][0]["endsAt"]).duration_since(at(NOW));
    assert_eq!(stays("opened"), WEEK);
    assert_eq!(stays("reopened"), WEEK);
    assert_eq!(stays("test"), TEST);
    assert_eq!((stays("summary_storm"), stays("trouble")), (LEFT_OPEN, LEFT_OPEN));
    // In the past also by a clock that is behind ours.
    let decided = sample("resolved").decided_at;
    assert_eq!(moment(&posted(&delivered("resolved"))[0][0]["endsAt"]), decided - SKEW);
}

#[tokio::test]
async fn each_instance_is_an_address_of_its_own() {
    let urls = ["http://am-0.example.com:9093", "https://am.example.com/second"];
    let kind = ReceiverKind::Alertmanager(settings(&urls, None));
    let settings = crate::config::ReceiverSettings {
        kind,
        way: crate::config::Way::default(),
        timeout: std::time::Duration::from_secs(1),
        pace: std::time::Duration::ZERO,
        parallel: 1,
        template: None,
    };
    assert_eq!(settings.addresses(), ["am-0.example.com:9093", "am.example.com/second"]);

    let mut delivery = delivered("opened");
    let two = |base: &str| ReceiverKind::Alertmanager(self::settings(&["http://127.0.0.1:1", base], None));
    let (url, mut asked, server) = http_server(vec![answer(200, "", "")]).await;
    let base = url.trim_end_matches("/hook/SECRET");
    delivery.address = Some(base.trim_start_matches("http://").to_owned());
    let outcome = receiver(two(base)).expect("a receiver").send(&delivery, at(NOW)).await;
    server.abort();
    assert!(asked.try_recv().is_ok() && word(&outcome) == "delivered", "{outcome:?}");

    delivery.address = Some("am-9.example.com".to_owned());
    let (outcome, asked) = attempt(Vec::new(), self::kind, &delivery, at(NOW)).await;
    assert_eq!((word(&outcome).as_str(), asked.len()), ("permanent", 0));
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let rows: &[(Answers<'_>, &str)] = &[
        (&[(200, "", "")], "delivered"),
        (&[(200, "", "{}")], "delivered"),
        (&[(200, "", "<html>Sign in</html>")], "again"),
        (&[(400, "", r#"{"code":602,"message":"invalid"}"#), (200, "", "")], "plain"),
        (&[(400, "", "x"), (400, "", "x")], "permanent"),
        (&[(401, "", "Unauthorized")], "again"),
        (&[(404, "", "404 page not found")], "permanent"),
        (&[(429, "retry-after: 7\r\n", "")], "wait 7"),
        (&[(500, "", "")], "again"),
        (&[(301, "location: https://x.example/\r\n", "")], "again"),
    ];
    for (answers, expected) in rows {
        let count = answers.len();
        let answers = answers.iter().map(|(status, head, body)| answer(*status, head, body)).collect();
        let (outcome, asked) = attempt(answers, kind, &delivered("opened"), at(NOW)).await;
        assert_eq!((word(&outcome).as_str(), asked.len()), (*expected, count), "{outcome:?}");
    }
}

#[tokio::test]
async fn it_signs_in_and_no_reason_repeats_how() {
    let password = || SecretString::from("correct-horse-battery");
    let basic = AlertmanagerAuth::Basic { user: "firstred".to_owned(), password: password() };
    for (auth, header) in [
        (basic, "authorization: Basic Zmlyc3RyZWQ6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5"),
        (AlertmanagerAuth::Bearer(password()), "authorization: Bearer correct-horse-battery"),
    ] {
        let kind = |base: &str| ReceiverKind::Alertmanager(settings(&[base], Some(auth)));
        let echo = answer(403, "", &format!("no access by {header} or correct-horse-battery"));
        let (outcome, asked) = attempt(vec![echo], kind, &delivered("opened"), at(NOW)).await;
        assert!(asked[0].head.contains(header), "{}", asked[0].head);
        let said = reason(&outcome);
        assert!(!said.contains("correct-horse") && !said.contains("Zmlyc3RyZWQ6Y29y"), "{said}");
    }
}
