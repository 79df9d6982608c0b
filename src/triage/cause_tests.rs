//! Tests of the cause.

use proptest::prelude::*;

use super::*;

fn run(json: serde_json::Value) -> Run {
    let mut run = serde_json::json!({"id": "r", "workflow": {"id": "w"}, "status": "failed"});
    run.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
    serde_json::from_value(run).unwrap()
}

fn title(run: &Run) -> &str {
    match find(run) {
        Found::Step(step, _) => &step.title,
        Found::Run { .. } => "(run)",
        Found::Nothing => "(nothing)",
    }
}

fn at(second: u32) -> String {
    format!("2026-11-22T02:00:{second:02}Z")
}

#[test]
fn the_first_failure_by_time_is_the_cause_and_the_others_follow() {
    let run = run(serde_json::json!({"steps": [
        {"number": 1, "title": "late", "status": "failed", "completedAt": at(9)},
        {"number": 2, "title": "tolerated", "status": "failed", "tolerated": true, "completedAt": at(1)},
        {"number": 3, "title": "first", "status": "failed", "startedAt": at(2), "completedAt": at(3)},
        {"number": 4, "title": "retried", "status": "completed", "attempt": 3, "completedAt": at(2)},
        {"number": 5, "title": "s", "status": "skipped"}, {"number": 6, "title": "p", "status": "pending"},
        {"number": 7, "title": "c", "status": "cancelled"}
    ]}));
    assert_eq!(title(&run), "first");
    assert_eq!(consequences(&run, find(&run)), Consequences { tolerated: 1, skipped: 3, later: 1 });
}

#[test]
fn ties_and_missing_times_go_by_number_and_then_by_order() {
    let steps = |steps: serde_json::Value| run(serde_json::json!({ "steps": steps }));
    let same = steps(serde_json::json!([
        {"number": 2, "title": "b", "status": "failed", "completedAt": at(1)},
        {"number": 1, "title": "a", "status": "failed", "completedAt": at(1)}]));
    assert_eq!(title(&same), "a");
    let untimed = steps(serde_json::json!([
        {"title": "x", "status": "failed"}, {"number": 2, "title": "b", "status": "failed"},
        {"number": 1, "title": "a", "status": "failed"}]));
    assert_eq!(title(&untimed), "a");
    let unnumbered = steps(serde_json::json!([{"title": "x", "status": "failed"}, {"title": "y", "status": "failed"}]));
    assert_eq!(title(&unnumbered), "x");
}

#[test]
fn a_failure_without_a_time_comes_first_only_by_a_smaller_number() {
    for (number, expected) in [(Some(1), "untimed"), (Some(3), "timed"), (None, "timed")] {
        let run = run(serde_json::json!({"steps": [
            {"number": number, "title": "untimed", "status": "failed"},
            {"number": 2, "title": "timed", "status": "failed", "completedAt": at(5)}]}));
        assert_eq!(title(&run), expected, "{number:?}");
    }
}

#[test]
fn without_a_failed_step_the_run_speaks_or_nobody() {
    let error = serde_json::json!({"code": "X", "message": "no worker"});
    let none = run(serde_json::json!({"error": error, "steps": [{"title": "a", "status": "pending"}]}));
    assert!(matches!(find(&none), Found::Run { before_any_step: true, .. }));
    let some = run(serde_json::json!({"error": error, "steps": [
        {"title": "a", "status": "completed"}, {"title": "b", "status": "failed", "tolerated": true}]}));
    assert!(matches!(find(&some), Found::Run { before_any_step: false, .. }));
    let silent = run(serde_json::json!({"steps": [{"title": "b", "status": "failed", "tolerated": true}]}));
    assert_eq!(find(&silent), Found::Nothing);
    assert_eq!(find(&run(serde_json::json!({"error": {"message": " "}}))), Found::Nothing);
}

#[test]
fn the_runs_error_is_kept_only_where_it_says_something_else() {
    let kept = |run_message: &str| {
        let run = run(serde_json::json!({"error": {"message": run_message}, "steps": [
            {"title": "a", "status": "failed", "error": {"code": "E", "message": "Connection refused"}}]}));
        matches!(find(&run), Found::Step(_, Some(_)))
    };
    assert!(!kept("Connection refused"));
    assert!(!kept(" Flow run failed: 'connection  refused.' "));
    assert!(kept("Timed out after 60 s"));
}

#[test]
fn while_a_run_lives_the_cause_is_what_is_tried_again() {
    let run = run(serde_json::json!({"status": "running", "steps": [
        {"number": 1, "title": "given up", "status": "failed", "completedAt": at(1), "attempt": 3, "maxAttempts": 3},
        {"number": 2, "title": "again", "status": "retrying", "completedAt": at(2)},
        {"number": 3, "title": "later", "status": "failed", "completedAt": at(3), "attempt": 1, "maxAttempts": 3}]}));
    assert_eq!(title(&run), "again");
}

#[test]
fn a_try_that_never_came_is_the_last_word_of_an_ended_run() {
    let steps = serde_json::json!([{"title": "a", "status": "retrying", "error": {"message": "boom"}}]);
    assert_eq!(title(&run(serde_json::json!({ "steps": steps }))), "a");
    assert_eq!(title(&run(serde_json::json!({ "steps": steps, "error": {"message": "timed out"} }))), "(run)");
}

fn any_step() -> impl Strategy<Value = Step> {
    let statuses = vec!["pending", "running", "retrying", "waiting", "completed", "failed", "skipped", "cancelled"];
    (prop::sample::select(statuses), any::<bool>(), prop::option::of(0_u32..4), prop::option::of(0_u32..60), any::<bool>())
        .prop_map(|(status, tolerated, number, second, error)| {
            let error = error.then(|| serde_json::json!({"message": "boom"}));
            serde_json::from_value(serde_json::json!({
                "status": status, "tolerated": tolerated, "number": number, "completedAt": second.map(at), "error": error}))
            .unwrap()
        })
}

proptest! {
    #[test]
    fn the_cause_is_never_a_tolerated_skipped_or_completed_step(
        steps in prop::collection::vec(any_step(), 0..8), running in any::<bool>()
    ) {
        let mut run = run(serde_json::json!({"status": if running { "running" } else { "failed" }}));
        run.steps = steps;
        if let Found::Step(step, _) = find(&run) {
            prop_assert!(!step.tolerated);
            prop_assert!(matches!(step.status, StepStatus::Failed | StepStatus::Retrying));
        } else {
            prop_assert!(!run.steps.iter().any(|step| step.status == StepStatus::Failed && !step.tolerated));
        }
    }
}
