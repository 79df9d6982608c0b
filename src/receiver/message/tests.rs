//! Tests of the message that all receivers share.

use super::*;
use crate::engine::{IncidentId, IncidentNote, Kind, Proof, Resolution};
use crate::receiver::samples::incidents::{grown, misses, of_missed, proofs, resolved, said};
use crate::receiver::test_hostile::hostile;
use crate::receiver::test_support::{HOSTILE, at, card, hostile_with, of_card, samples};
use crate::triage::{Card, Cause, Class, ClassReason};

fn headline_of(card: Card) -> String {
    Message::new(&of_card(card), Budget::FULL).headline
}

fn error_of(card: &mut Card) -> &mut StepError {
    match &mut card.cause {
        Cause::Step { error: Some(error), .. } => error,
        _ => panic!("the sample has a step"),
    }
}

#[test]
fn headlines_say_what_failed_where_and_whether_a_retry_helps() {
    let lines: Vec<String> = samples()
        .iter()
        .map(|(name, notification)| {
            let message = Message::new(notification, Budget::FULL);
            format!("{name}\n  {}\n  {}", message.headline, message.subject)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn each_proof_has_its_honest_words() {
    let said: Vec<String> = proofs()
        .into_iter()
        .map(|proof| {
            let message = Message::new(&resolved(proof, 0), Budget::FULL);
            let lead: Vec<String> = message.lead.iter().map(plain::sentence).collect();
            format!("{} | {}\n  {}", message.state, message.headline, lead.join("\n  "))
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn each_miss_has_its_words_while_it_goes_on_and_when_it_is_over() {
    let said: Vec<String> = misses()
        .into_iter()
        .map(|missed| {
            let message = Message::new(&of_missed(Kind::Missed, missed.clone(), None), Budget::FULL);
            let reminder = Message::new(&of_missed(Kind::StillOpen, missed.clone(), None), Budget::FULL);
            let (proof, at) = (Proof::Happened, at("2026-11-22T10:30:00Z"));
            let over = Resolution { at, proof, not_again: Vec::new(), not_again_count: 0 };
            let over = Message::new(&of_missed(Kind::Resolved, missed, Some(over)), Budget::FULL);
            assert_eq!((&message.subject, &reminder.subject), (&over.subject, &over.subject));
            let expected: Vec<String> = message.lead.iter().map(plain::sentence).collect();
            format!(
                "{}\n  {}\n  {}\n  {}\n  {}",
                message.headline,
                expected.join(" "),
                message.advice.unwrap_or_default(),
                reminder.headline,
                over.headline
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_subject_of_an_incident_never_changes() {
    let about = |incident: &str| -> Vec<String> {
        let mut subjects: Vec<String> = samples()
            .iter()
            .filter(|(_, said)| said.incident.as_ref().is_some_and(|note| note.id == IncidentId::of_parts(&[incident])))
            .map(|(_, said)| Message::new(said, Budget::FULL).subject)
            .collect();
        subjects.dedup();
        subjects
    };
    assert_eq!(about("billing"), ["billing-sync failed at charge-card: CARD_DECLINED"]);
    assert_eq!(about("nightly-export"), ["nightly-export has not succeeded"]);
    assert_eq!(about("api.example.com"), ["api.example.com fails several workflows"]);
}

#[test]
fn what_groups_failures_names_the_incident_and_what_differs_among_them_does_not() {
    let subject = |group: &[(&str, &str)], kind| {
        let mut card = card();
        if let Cause::Step { title, .. } = &mut card.cause {
            *title = "load[17]".to_owned();
        }
        let group = group.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let note = IncidentNote { group, ..grown() };
        let message = Message::new(&said(kind, card, note, "2026-11-22T10:31:45Z"), Budget::FULL);
        (message.subject, message.headline)
    };
    let subject_of = |group: &[(&str, &str)]| subject(group, Kind::Updated).0;
    assert_eq!(
        subject_of(&[("workflow", "wf_12"), ("step", "load[#]"), ("code", "X")]),
        "billing-sync failed at load[#]: X"
    );
    assert_eq!(subject_of(&[("workflow", "wf_12")]), "billing-sync failed");
    assert_eq!(subject_of(&[("fingerprint", "v1:00")]), "billing-sync failed at load[#]: CARD_DECLINED");
    assert_eq!(subject_of(&[("labels.team", "data"), ("code", "X")]), "team=data failed: X");
    assert_eq!(subject_of(&[]), "rule billing failed");
    assert!(
        subject(&[("labels.team", "data")], Kind::StillOpen).1.starts_with("🔴 team=data is still open after 17 min")
    );
}

#[test]
fn one_is_one_and_two_are_two() {
    let updated = |failures, runs, workflows, more| {
        let note = IncidentNote { failures, runs, workflows, more, ..grown() };
        let message = Message::new(&said(Kind::Updated, card(), note, "2026-11-22T10:31:45Z"), Budget::FULL);
        format!("{} | {}", message.title, message.lead.first().map(plain::sentence).unwrap_or_default())
    };
    let rows = [updated(1, 1, 1, 1), updated(2, 1, 1, 1), updated(2, 2, 1, 2), updated(15, 14, 3, 0)];
    insta::assert_snapshot!(rows.join("\n"), @r"
    billing-sync: 1 more failure | 1 run failed at 10:31 UTC
    billing-sync: 1 more failure | 2 attempts of 1 run failed since 10:14 UTC, last 10:31 UTC
    billing-sync: 2 more failures | 2 runs failed since 10:14 UTC, last 10:31 UTC
    billing-sync: more of it | 15 attempts of 14 runs of 3 workflows failed since 10:14 UTC, last 10:31 UTC
    ");
}

#[test]
fn nothing_said_of_an_incident_holds_a_control_character_or_is_too_long() {
    for text in HOSTILE.map(str::to_owned).into_iter().chain(["x".repeat(5_000), "é\n".repeat(1_000)]) {
        for notification in hostile(&text) {
            let message = Message::new(&notification, Budget::FULL);
            let said = plain::card(&message);
            assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
            assert!(text::length(&message.headline) <= 120, "{}", message.headline);
            assert!(text::length(&message.subject) <= 120, "{}", message.subject);
            assert!(text::length(&message.title) <= 200, "{}", message.title);
            assert!(message.links.iter().all(|(_, url)| url.starts_with("http")), "{:?}", message.links);
            let lines = message.lead.iter().chain(&message.context);
            assert!(lines.map(|line| text::length(&line.plain())).all(|length| length < 500), "{said}");
        }
    }
}

#[test]
fn who_owns_it_is_called_by_what_is_news_and_only_named_by_the_rest() {
    let calls = |kind| {
        let message = Message::new(&said(kind, card(), grown(), "2026-11-22T10:31:45Z"), Budget::FULL);
        assert!(plain::card(&message).contains("Owner growth\n"), "{}", plain::card(&message));
        message.mentions().count()
    };
    assert_eq!([Kind::Failed, Kind::Escalated, Kind::StillOpen, Kind::Reopened].map(calls), [1; 4]);
    assert_eq!([Kind::Updated, Kind::Resolved].map(calls), [0; 2]);
}

#[test]
fn a_headline_gives_up_verdict_then_provider_then_names_and_never_the_code() {
    let with_names = |workflow: usize, step: usize| {
        let mut card = card();
        card.run.workflow.name = Some(format!("w{}W", "x".repeat(workflow)));
        if let Cause::Step { title, .. } = &mut card.cause {
            *title = format!("s{}S", "y".repeat(step));
        }
        headline_of(card)
    };
    assert!(with_names(10, 10).ends_with(": CARD_DECLINED (HTTP 402), retry will not help"));
    assert!(with_names(40, 30).ends_with(": CARD_DECLINED (HTTP 402)"), "{}", with_names(40, 30));
    assert!(with_names(50, 35).ends_with("S: CARD_DECLINED"), "{}", with_names(50, 35));
    let step_cut = with_names(50, 80);
    assert!(
        step_cut.contains("xW failed at sy") && step_cut.contains("…yy") && step_cut.ends_with("yS: CARD_DECLINED"),
        "{step_cut}"
    );
    let both_cut = with_names(300, 300);
    assert!(both_cut.starts_with("🔴 wxxx") && both_cut.ends_with("S: CARD_DECLINED"), "{both_cut}");
    assert!(both_cut.matches('…').count() == 2 && text::length(&both_cut) <= 120, "{both_cut}");

    let mut long_code = card();
    error_of(&mut long_code).code = "E".repeat(300);
    let line = headline_of(long_code);
    assert!(line.starts_with("🔴 EEE") && line.ends_with("E…") && text::length(&line) == 120, "{line}");
    let mut rather_long_code = card();
    error_of(&mut rather_long_code).code = "E".repeat(110);
    assert!(headline_of(rather_long_code).ends_with(&"E".repeat(110)));
}

#[test]
fn a_verdict_follows_from_what_the_engine_and_the_class_say() {
    let verdict = |retryable, status, class, attempt| {
        let mut card = card();
        let error = error_of(&mut card);
        (error.retryable, error.provider_status) = (retryable, status);
        (card.class, card.decided_by) = (class, ClassReason::Nothing);
        if let Cause::Step { attempt: tries, .. } = &mut card.cause {
            *tries = Some(attempt);
        }
        Message::new(&of_card(card), Budget::FULL)
            .verdict
            .map(|verdict| format!("{}: {}", verdict.word, verdict.meaning))
    };
    let rows = [
        verdict(Some(false), Some(402), Class::Configuration, 1),
        verdict(Some(false), Some(503), Class::Transient, 1),
        verdict(Some(false), None, Class::Transient, 1),
        verdict(Some(true), Some(504), Class::Transient, 3),
        verdict(Some(true), Some(504), Class::Transient, 1),
        verdict(None, Some(429), Class::Transient, 1),
        verdict(None, Some(401), Class::Authorization, 1),
        verdict(None, None, Class::Unknown, 1),
    ];
    insta::assert_debug_snapshot!(rows);
}

#[test]
fn a_code_that_says_nothing_gives_way_to_the_sentence() {
    let mut unknown = card();
    let error = error_of(&mut unknown);
    (error.code, error.provider_status, error.retryable) = (UNKNOWN_ERROR.to_owned(), None, None);
    unknown.class = Class::Unknown;
    assert_eq!(headline_of(unknown.clone()), "🔴 billing-sync failed at charge-card: Your card was declined.");
    error_of(&mut unknown).message.clear();
    assert_eq!(headline_of(unknown.clone()), "🔴 billing-sync failed at charge-card: UNKNOWN_ERROR");
    let error = error_of(&mut unknown);
    (error.code, error.message) = ("Failed".to_owned(), "the numbers are wrong".to_owned());
    assert_eq!(headline_of(unknown), "🔴 billing-sync failed at charge-card: the numbers are wrong");
}

#[test]
fn a_step_that_failed_without_a_word_is_still_named() {
    let mut silent = card();
    if let Cause::Step { error, .. } = &mut silent.cause {
        *error = None;
    }
    silent.class = Class::Unknown;
    assert_eq!(headline_of(silent), "🔴 billing-sync failed at charge-card");
}

#[test]
fn a_megabyte_is_cut_and_counted() {
    let mut card = card();
    error_of(&mut card).message = "x".repeat(1_000_000);
    let message = Message::new(&of_card(card), Budget::FULL).said.expect("a message");
    assert!(text::length(&message) <= 600 && message.ends_with("… 999,450 characters more in the run"), "{message}");
}

#[test]
fn no_text_of_a_hostile_card_holds_a_control_character() {
    for hostile in HOSTILE {
        let message = Message::new(&hostile_with(hostile), Budget::FULL);
        let said = plain::card(&message);
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
        for line in [&message.headline, &message.subject, &message.title, &message.footer] {
            assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
            assert!(text::length(line) <= 200, "{line:?}");
        }
        assert!(message.links.iter().all(|(_, url)| url.starts_with("http")), "{:?}", message.links);
    }
}

#[test]
fn a_run_that_vanished_while_it_was_retried_says_so_in_one_line() {
    let said = crate::engine::Notification { kind: Kind::Vanished, ..of_card(card()) };
    let message = Message::new(&said, Budget::FULL);
    assert!(message.headline.contains(" vanished while it was retrying charge-card"), "{}", message.headline);
    assert!(message.headline.chars().count() <= 120);
}
