//! The checker's own tests: what Slack takes is no mistake, what Slack refuses is one.

use serde_json::{Value, json};

use super::mistakes;

fn message(block: &Value) -> Value {
    json!({"text": "one sentence", "unfurl_links": false, "unfurl_media": false, "blocks": [block]})
}

#[test]
fn the_blocks_of_a_good_card_are_taken() {
    for block in [
        json!({"type": "section", "text": {"type": "mrkdwn", "verbatim": true, "text": "*<https://x.example/1|a>* failed"}}),
        json!({"type": "rich_text", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "E", "style": {"bold": true}}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!channel> & <b>"}]}]}),
        json!({"type": "context", "elements": [{"type": "mrkdwn", "text": "ran 12 s"}]}),
        json!({"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open run"},
            "url": "https://x.example/1"}]}),
        json!({"type": "header", "text": {"type": "plain_text", "text": "Title"}}),
    ] {
        assert_eq!(mistakes(&message(&block)), Vec::<String>::new(), "{block}");
    }
}

#[test]
fn what_slack_refuses_is_a_mistake() {
    for block in [
        json!({"type": "section", "text": {"type": "mrkdwn", "text": ""}}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": "a"}, "colour": "red"}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3_001)}}),
        json!({"type": "section", "text": {"type": "plain_text", "text": "a", "verbatim": true}}),
        json!({"type": "section"}),
        json!({"type": "header", "text": {"type": "mrkdwn", "text": "a"}}),
        json!({"type": "context", "elements": []}),
        json!({"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "a"}, "url": ""}]}),
        json!({"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "a"}, "url": null}]}),
        json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]}),
        json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "here"}]}]}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": "<!here> look"}}),
        json!({"type": "section", "text": {"type": "mrkdwn", "text": "a\u{202e}b"}}),
        json!({"type": "alert", "text": "a"}),
    ] {
        assert!(!mistakes(&message(&block)).is_empty(), "{block}");
    }
    let no_text = json!({"blocks": [], "unfurl_links": false, "unfurl_media": false});
    assert!(!mistakes(&no_text).is_empty());
}
