//! Tests of the message that all receivers share.

use super::*;
use crate::receiver::test_support::{HOSTILE, card, hostile_with, of_card, samples};
use crate::triage::{Class, ClassReason};

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
