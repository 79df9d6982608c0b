//! Tests of templates as a whole: what they replace, what they can't break, what is said when they fail.

use super::*;
use crate::engine::Delivery;
use crate::receiver::draft::Composer;
use crate::receiver::message::plain;
use crate::receiver::samples::{self, card, of_card};
use crate::receiver::test_support::{HOSTILE, delivery, hostile_with};

fn settings(blocks: &[(Block, &str)]) -> TemplateSettings {
    let blocks = blocks.iter().map(|(block, text)| (*block, (*text).to_owned())).collect();
    TemplateSettings { name: "ops".to_owned(), blocks }
}

fn composer(blocks: &[(Block, &str)]) -> Composer {
    Composer { template: Some(Template::build(&settings(blocks)).expect("a template")) }
}

fn said(blocks: &[(Block, &str)], delivery: &Delivery, budget: Budget) -> Message {
    composer(blocks).draft(delivery).message(budget)
}

/// What `block` says of the card of the mock-ups.
fn one(block: Block, text: &str) -> Message {
    said(&[(block, text)], &delivery(of_card(card())), Budget::FULL)
}

#[test]
fn each_block_replaces_its_part_and_nothing_else() {
    let plain = Message::new(&of_card(card()), Budget::FULL);
    let changed = |block, change: fn(&mut Message)| {
        let mut expected = plain.clone();
        change(&mut expected);
        assert_eq!(one(block, "{{ data.workflow.name }} <b>\n"), expected, "{block:?}");
    };
    changed(Block::Title, |message| message.title = "billing-sync <b>".to_owned());
    changed(Block::Headline, |message| message.headline = "billing-sync <b>".to_owned());
    changed(Block::Text, |message| message.said = Some("billing-sync <b>".to_owned()));
    changed(Block::Advice, |message| message.advice = Some("billing-sync <b>".to_owned()));
    changed(Block::Footer, |message| message.footer = "billing-sync <b>".to_owned());
    let extra = one(Block::Extra, "one\n\n  two\n");
    let lines: Vec<String> = extra.context.iter().map(plain::sentence).collect();
    assert_eq!(lines, ["One", "Two"]);
}

#[test]
fn a_message_without_such_a_part_gets_none_by_a_template() {
    for (name, notification) in samples::all() {
        let plain = Message::new(&notification, Budget::FULL);
        let message = said(&[(Block::Text, "words"), (Block::Advice, "act")], &delivery(notification), Budget::FULL);
        assert_eq!(plain.said.map(|_| "words"), message.said.as_deref(), "{name}");
        assert_eq!(plain.advice.map(|_| "act"), message.advice.as_deref(), "{name}");
    }
}

#[test]
fn whatever_fails_is_said_as_it_is_built_in_and_the_footer_says_so() {
    let plain = Message::new(&of_card(card()), Budget::FULL);
    for (text, reason) in [
        ("{{ data.nothing }}", "undefined value"),
        ("{{ data.trouble }}", "it is nothing here"),
        ("{{ data.trouble.what }}", "undefined value"),
        ("{% if data.nothing %}x{% endif %}", "undefined value"),
        ("{% for n in range(100000) %}{% for m in range(100000) %}.{% endfor %}{% endfor %}", "it takes too long"),
        ("{{ 'x' * 99000000 }}", "it takes too long"),
        ("{% set x = 'abcdefgh' * 9000 %}{{ x }}", "longer than"),
        ("  \n ", "it says nothing"),
        ("{{ data.workflow.name | duration }}", "duration takes seconds"),
        ("{{ 1 // 0 }}", "invalid operation"),
    ] {
        let message = one(Block::Title, text);
        assert_eq!(message.title, plain.title, "{text}");
        let note = message.footer.strip_prefix(&plain.footer).expect("the footer stays");
        assert!(note.starts_with("; template \"ops\" failed at title: ") && note.contains(reason), "{text}: {note}");
        assert!(text::length(note) < 180, "{note}");
    }
}

#[test]
fn one_block_that_fails_does_not_spoil_the_others() {
    let blocks = [(Block::Title, "{{ oh_no }}"), (Block::Headline, "fine"), (Block::Footer, "{{ oh_no }}")];
    let message = said(&blocks, &delivery(of_card(card())), Budget::FULL);
    assert_eq!(message.headline, "fine");
    assert_eq!(message.footer.matches("failed at").count(), 1, "{}", message.footer);
}

#[test]
fn what_a_template_says_is_clean_and_as_short_as_what_is_built_in() {
    for hostile in HOSTILE {
        let everything = "{{ data.error.message }}{{ data.error.message * 40 }}";
        let blocks = Block::ALL.map(|block| (block, everything));
        let delivery = delivery(hostile_with(&format!("{hostile} x")));
        for share in [100, 10, 0] {
            let message = said(&blocks, &delivery, Budget::percent(share));
            let lines: Vec<String> = message.context.iter().map(plain::sentence).collect();
            for line in
                [&message.title, &message.headline, &message.footer].into_iter().chain(&message.advice).chain(&lines)
            {
                assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
                assert!(text::length(line) <= 300, "{line}");
            }
            assert!(text::length(&message.headline) <= 120);
            let said = message.said.unwrap_or_default();
            assert!(text::length(&said) <= Budget::percent(share).message.max(50), "{share}: {}", text::length(&said));
            assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
            assert!(lines.len() <= 8 && (share > 0 || lines.is_empty()));
        }
    }
}

#[test]
fn the_plain_message_has_nothing_of_a_template() {
    let composer = composer(&[(Block::Title, "other")]);
    let delivery = delivery(of_card(card()));
    assert_eq!(composer.draft(&delivery).plain(Budget::FULL), Message::new(&delivery.notification, Budget::FULL));
}

#[test]
fn there_is_no_way_out_of_a_template() {
    for text in [
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% extends 'x' %}",
        "{{ debug() }}",
        "{{ env('HOME') }}",
        "{{ '<b>' | safe }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    ] {
        assert!(!check(Block::Title, text).is_empty(), "{text}");
    }
}

#[test]
fn the_filters_say_durations_times_and_less() {
    for (text, shown) in [
        ("{{ 200 | duration }}", "3 min 20 s"),
        ("{{ 'PT25H' | duration }}", "1 d 1 h"),
        ("{{ data.run.startedAt | until(data.run.completedAt) }}", "12.4 s"),
        ("{{ timestamp | time }}", "2026-11-22 10:14 UTC"),
        ("{{ timestamp | time('Europe/Berlin') }}", "2026-11-22 11:14 CET"),
        ("{{ timestamp | time('Asia/Tokyo', format='%H:%M') }}", "19:14"),
        ("{{ data.error.message | truncate(9) }}", "Your car…"),
        ("{{ data.trouble | default('no trouble') }}", "no trouble"),
        ("{{ data.run.labels.team | default('nobody') }}", "nobody"),
        ("{{ data.run.labels.owner | upper }} {{ kind }} {{ type }}", "GROWTH failed run.failed"),
        ("{{ builtin.state }}: {{ builtin.title }}", "FAILED: billing-sync failed"),
    ] {
        assert_eq!(one(Block::Title, text).title, shown, "{text}");
    }
}

#[test]
fn mistakes_are_found_before_any_message_needs_the_template() {
    let fine = "{% if data.workflow %}{{ data.workflow.name }}{% else %}{{ builtin.title }}{% endif %}";
    assert_eq!(check(Block::Title, fine), []);
    assert_eq!(check(Block::Text, "{{ builtin.text }}"), []);
    assert_eq!(check(Block::Extra, "{% if data.trouble %}x{% endif %}"), []);

    let mistyped = check(Block::Title, "a {{ data.wrokflow }}");
    assert_eq!(mistyped[0].at, Some(5..18));
    assert!(mistyped[0].message.starts_with("it fails for every message: undefined value"), "{mistyped:?}");

    let unguarded = check(Block::Title, "{{ data.error.code }}");
    assert!(unguarded[0].message.contains("kinds of messages (nothing_recorded, trouble, test, "), "{unguarded:?}");
    let help = unguarded[0].help.as_deref().expect("a way out");
    assert!(help.contains("{% if data.error %}…{% else %}{{ builtin.title }}{% endif %}"), "{help}");

    let broken = check(Block::Title, "{{ data.error.code");
    assert!(broken[0].message.starts_with("syntax error"), "{broken:?}");
}

#[test]
fn a_failure_is_counted_for_each_attempt_and_logged_once_an_hour() {
    let (metrics, _) = Metrics::new();
    let template = Template::build(&settings(&[(Block::Title, "{{ oh_no }}")])).expect("a template");
    template.count_in(&metrics);
    let composer = Composer { template: Some(Arc::clone(&template)) };
    let delivery = delivery(of_card(card()));
    for _ in 0..3 {
        let draft = composer.draft(&delivery);
        let _ = (draft.message(Budget::FULL), draft.message(Budget::percent(10)));
    }
    let label = TemplateLabel { template: "ops".to_owned() };
    assert_eq!(metrics.template_failures.get_or_create(&label).get(), 3);

    let later = |minutes| clock::now() + SignedDuration::from_mins(minutes);
    assert!(!template.is_time_to_warn(later(58)));
    assert!(template.is_time_to_warn(later(61)));
    assert!(!template.is_time_to_warn(later(62)));
}
