//! Kinds of errors and records that few recordings show, made from what the recordings show of them.

use serde_json::{Value, json};

use super::super::error::{of, swallowed};
use super::recorded::{first_failed, mapped};
use crate::run::{RunStatus, UNKNOWN_ERROR};

#[test]
fn what_somebody_wrote_into_a_stop_and_error_node_comes_first() {
    let error = of(&json!({
        "name": "NodeOperationError", "message": "card declined", "description": "ask for another card",
        "context": {"metadata": {"code": "CARD_DECLINED", "message": "card declined", "retryable": true}},
    }));
    assert_eq!((error.code.as_str(), error.retryable), ("CARD_DECLINED", Some(true)));
    assert_eq!((error.message.as_str(), error.detail.as_deref()), ("card declined", Some("ask for another card")));
    assert_eq!(of(&json!({"message": "m", "context": {"metadata": {"code": 402}}})).code, "402");
}

#[test]
fn the_code_of_a_provider_stands_in_its_body() {
    let said = |body: &str| {
        of(&json!({"name": "NodeApiError", "httpCode": "400", "messages": [format!("400 - {body}")]})).code
    };
    assert_eq!(said(r#""{\"error\": {\"code\": \"stub\"}}""#), "stub");
    assert_eq!(said(r#"{"error": {"code": 190}}"#), "190");
    assert_eq!(said(r#""{\"error\": \"invalid_grant\"}""#), "invalid_grant");
    assert_eq!(said(r#""{\"error\": \"this is a sentence\"}""#), "NodeApiError");
    assert_eq!(said(r#""plain text""#), "NodeApiError");
    assert_eq!(said("\"{"), "NodeApiError");
}

#[test]
fn a_system_s_word_stands_where_the_status_would() {
    for (word, retryable) in
        [("ECONNRESET", Some(true)), ("ETIMEDOUT", Some(true)), ("ENOTFOUND", Some(false)), ("EPROTO", None)]
    {
        let error = of(&json!({"name": "NodeApiError", "httpCode": word, "message": "m"}));
        assert_eq!((error.code.as_str(), error.provider_status, error.retryable), (word, None, retryable));
    }
    assert_eq!(of(&json!({"httpCode": 502, "message": "m"})).provider_status, Some(502));
    assert_eq!(of(&json!({"httpCode": "0", "message": "m"})).provider_status, None);
}

#[test]
fn a_status_is_retryable_as_its_kind_is() {
    for (status, retryable) in [
        ("408", Some(true)),
        ("425", Some(true)),
        ("429", Some(true)),
        ("500", Some(true)),
        ("404", Some(false)),
        ("304", None),
    ] {
        assert_eq!(of(&json!({"httpCode": status})).retryable, retryable, "{status}");
    }
}

#[test]
fn strange_errors_say_what_they_can() {
    for strange in [json!(null), json!(7), json!([]), json!({"message": 7, "context": "x", "messages": {}})] {
        let error = of(&strange);
        assert_eq!((error.code.as_str(), error.message.as_str()), ("Error", ""), "{strange}");
    }
    assert_eq!(of(&json!("text")).message, "text");
    let error = of(&json!({"name": "X", "description": {"a": 1}}));
    assert_eq!(error.detail.as_deref(), Some("{\"a\":1}"));
    assert_eq!(swallowed(&json!("sorry")).code, UNKNOWN_ERROR);
}

fn run(status: &str, run_data: &Value) -> Value {
    json!({
        "id": "7", "status": status, "mode": "webhook", "workflowId": "wf", "startedAt": "2026-11-22T12:00:00Z",
        "stoppedAt": "2026-11-22T12:00:09Z",
        "workflowData": {"name": "w", "nodes": [
            {"id": "a", "name": "A", "type": "x.a"}, {"id": "b", "name": "B", "type": "x.b"},
            {"id": "s", "name": "Note", "type": "n8n-nodes-base.stickyNote"}, {"id": "d", "name": "Off", "type": "x.d", "disabled": true},
        ]},
        "data": {"resultData": {"runData": run_data}},
    })
}

#[test]
fn first_is_who_failed_first_by_time_and_not_by_index_or_name() {
    let error = |text: &str| json!({"name": "E", "message": text});
    let data = json!({
        "A": [{"startTime": 1_795_348_804_000_u64, "executionTime": 900, "executionIndex": 0, "executionStatus": "error", "error": error("late")}],
        "B": [{"startTime": 1_795_348_804_100_u64, "executionTime": 100, "executionIndex": 7, "executionStatus": "error", "error": error("early")}],
    });
    let run = mapped(&run("error", &data));
    let step = first_failed(&run).unwrap();
    assert_eq!((step.title.as_str(), step.number), ("B", Some(2)));
    assert_eq!(run.progress.unwrap().total, Some(2), "neither notes nor what is switched off");
}

#[test]
fn a_node_whose_first_pass_can_not_be_read_is_a_step_all_the_same() {
    let failed = json!({"startTime": 1_795_348_804_000_u64, "executionTime": 9, "executionStatus": "error", "error": {"message": "boom"}});
    let run = mapped(&run("error", &json!({"A": [null, failed]})));
    assert_eq!((run.steps.len(), first_failed(&run).unwrap().title.as_str()), (1, "A"));
}

#[test]
fn a_node_that_failed_counts_before_one_that_crashed() {
    let data = json!({
        "A": [{"startTime": 1_795_348_804_u64, "executionTime": 0, "executionIndex": 0, "executionStatus": "crashed"}],
        "B": [{"startTime": 1_795_348_804_500_u64, "executionTime": 5, "executionIndex": 0, "executionStatus": "error", "error": {"message": "x"}}],
    });
    assert_eq!(first_failed(&mapped(&run("crashed", &data))).unwrap().title, "B");
}

#[test]
fn a_crashed_run_without_any_record_is_told_as_crashed_and_names_no_step() {
    for recorded in
        [run("crashed", &json!({})), json!({"id": "7", "status": "crashed", "mode": "trigger", "workflowId": "wf"})]
    {
        let run = mapped(&recorded);
        assert_eq!((run.status, first_failed(&run)), (RunStatus::Failed, None));
        assert_eq!(run.error.unwrap().code, "WorkflowCrashedError");
    }
}

#[test]
fn a_failed_run_without_any_record_says_nothing_of_its_own() {
    let run = mapped(&run("error", &json!({})));
    assert_eq!((run.status, run.error, run.steps), (RunStatus::Failed, None, vec![]));
}

#[test]
fn data_that_are_too_large_are_said_to_be() {
    let mut recorded = run("error", &json!({}));
    recorded["dataTooLargeToDisplay"] = json!(true);
    assert!(mapped(&recorded).error.unwrap().message.contains("too large"));
}

#[test]
fn one_strange_field_does_not_hide_the_others() {
    let mut recorded = run(
        "error",
        &json!({
            "A": [{"startTime": "soon", "executionTime": null, "error": {"message": "boom"}, "metadata": 7, "data": "x"}, null],
            "B": "nothing",
        }),
    );
    recorded["stoppedAt"] = json!("yesterday");
    recorded["workflowData"]["settings"] = json!([]);
    recorded["workflowData"]["nodes"][0]["disabled"] = json!("no");
    let run = mapped(&recorded);
    assert_eq!(first_failed(&run).unwrap().error.as_ref().unwrap().message, "boom");
    assert_eq!(run.completed_at, None);
}

#[test]
fn a_schedule_is_told_from_other_triggers() {
    let mut recorded = run("success", &json!({"A": [{"startTime": 1, "executionStatus": "success"}]}));
    recorded["mode"] = json!("trigger");
    assert_eq!(mapped(&recorded).trigger.as_deref(), Some("trigger"));
    recorded["workflowData"]["nodes"][0]["type"] = json!("n8n-nodes-base.scheduleTrigger");
    assert_eq!(mapped(&recorded).trigger.as_deref(), Some("schedule"));
    recorded["mode"] = json!("manual");
    assert_eq!(mapped(&recorded).trigger.as_deref(), Some("manual"));
}
