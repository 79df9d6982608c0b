//! Tests of the mails about one incident: they are one thread, and nothing in them is live.

use super::tests::{check, decoded, render};
use crate::receiver::test_hostile::hostile;
use crate::receiver::test_support::{HOSTILE, delivery, samples};

#[test]
fn hostile_incidents_stay_texts() {
    for text in HOSTILE.into_iter().map(str::to_owned).chain(["x".repeat(5_000)]) {
        for notification in hostile(&text) {
            let mail = render(&delivery(notification));
            check(&mail);
            let html = decoded(&mail);
            let html = html.split_once("<!doctype html>").expect("HTML").1;
            for live in ["<script", "<img", "javascript:alert(document.cookie)\"", "onclick=\"", "\u{202e}", "\u{1b}"] {
                assert!(!html.contains(live), "{live} of {text:?}");
            }
        }
    }
}

fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn all_mails_of_an_incident_are_one_thread_and_no_two_have_the_same_id() {
    let billing = crate::engine::IncidentId::of_parts(&["billing"]);
    let of_it = samples().into_iter().filter(|(_, said)| said.incident.as_ref().is_some_and(|note| note.id == billing));
    let mails: Vec<(&str, String)> = of_it
        .map(|(name, mut said)| {
            said.id = crate::engine::NotificationId::of_parts(&[name]);
            (name, render(&delivery(said)))
        })
        .collect();
    let root = header(&mails[0].1, "References").expect("a root");
    let subject = header(&mails[0].1, "Subject").expect("a subject");
    let mut ids = Vec::new();
    for (name, mail) in &mails {
        assert_eq!(header(mail, "References"), Some(root), "{name}");
        let opens = name.starts_with("opened");
        assert_eq!(header(mail, "In-Reply-To"), (!opens).then_some(root), "{name}");
        let said = header(mail, "Subject").expect("a subject");
        assert_eq!(said.strip_prefix("Re: ").unwrap_or(said), subject, "{name}");
        assert_eq!(said.starts_with("Re: "), !opens, "{name}");
        ids.extend(header(mail, "Message-ID"));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), mails.len());

    let mut elsewhere = delivery(samples().into_iter().find(|(name, _)| *name == "updated").expect("it").1);
    elsewhere.address = Some("data@example.com".to_owned());
    assert_ne!(header(&render(&elsewhere), "References"), Some(root), "each recipient has a thread of its own");
}
