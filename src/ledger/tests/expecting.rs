//! What is expected outlives a crash, and is said after a read of its source; a run that was repeated is written down as such.

use super::*;
use crate::engine::{Expectation, Expected, Pattern, Reason, Severity, Tenancy};

fn expecting(workflow: &str, expected: Expected) -> Policy {
    let workflow = vec![Pattern::parse(workflow).expect("a pattern")];
    let mut policy = simple();
    policy.sources.insert("prod".to_owned(), Tenancy { polled: true, ..Tenancy::default() });
    policy.sources.insert("events".to_owned(), Tenancy::default());
    policy.expectations = vec![Expectation {
        name: "expected".to_owned(),
        when: Matcher { workflow, ..Matcher::default() },
        expected,
        severity: Severity::Warning,
        notify: vec!["oncall".to_owned()],
        runbook: None,
    }];
    policy
}

fn hour() -> SignedDuration {
    SignedDuration::from_hours(1)
}

async fn said(bed: &Bed) -> Vec<Kind> {
    let far = crate::clock::now() + SignedDuration::from_hours(1);
    let due = bed.ledger.due("oncall", far, 100, &[]).await.expect("an answer").0;
    due.into_iter().map(|delivery| delivery.notification.kind).collect()
}

/// Time passes for as long as there is something to do at once.
async fn look(bed: &Bed) {
    // The writer has begun by the time that it answers.
    bed.ledger.settle("nothing").await.expect("committed");
    bed.ledger.end_holds(crate::clock::now()).await.expect("an answer");
}

#[tokio::test]
async fn an_open_run_is_measured_after_a_crash_and_told_once_its_source_was_read() {
    let mut bed = Bed::with(expecting("*", Expected::Running { at_most: Some(hour()), times_usual: None }));
    let started_at = Some(crate::clock::now() - SignedDuration::from_hours(2));
    let running =
        Observation { started_at, source: "prod".to_owned(), ..seen("r1", RunStatus::Running, Standing::Open) };
    let before = Observed { at: crate::clock::now() - SignedDuration::from_mins(90), ..batch(vec![running]) };
    bed.ledger.observe(before).await.expect("committed");
    bed = bed.crash();
    look(&bed).await;
    assert!(said(&bed).await.is_empty(), "the source was not read since");
    bed.ledger.source_read("prod", crate::clock::now()).await.expect("committed");
    assert_eq!(said(&bed).await, [Kind::Missed]);
    bed = bed.crash();
    bed.ledger.source_read("prod", crate::clock::now()).await.expect("committed");
    look(&bed).await;
    assert_eq!(said(&bed).await, [Kind::Missed], "once");
}

#[tokio::test]
async fn since_when_a_workflow_is_waited_for_that_never_ran_outlives_a_crash() {
    let since = |bed: &Bed| {
        let db = rusqlite::Connection::open(bed.path()).expect("the file");
        let body = db.query_row("SELECT body FROM expected_since", [], |row| row.get::<_, String>(0));
        body.expect("one row")
    };
    let bed = Bed::with(expecting("nightly", Expected::Success { every: hour() }));
    bed.ledger.end_holds(crate::clock::now()).await.expect("an answer");
    let first = since(&bed);
    let bed = bed.crash();
    bed.ledger.end_holds(crate::clock::now()).await.expect("an answer");
    assert_eq!(since(&bed), first);
}

#[tokio::test]
async fn a_run_that_was_repeated_well_says_by_which_one() {
    let bed = Bed::new();
    bed.see(vec![failed("r1")]).await;
    let again =
        Observation { replay_of: Some("r1".to_owned()), ..seen("r2", RunStatus::Completed, Standing::Completed) };
    bed.see(vec![again]).await;
    let story = bed.ledger.stories("r1").await.expect("an answer").remove(0);
    let last = story.known.lines.last().map(|line| line.reason.clone());
    assert_eq!(last, Some(Reason::Repeated { by: "r2".to_owned() }));
    assert!(story.known.incidents.iter().all(|part| part.again));
}
