//! Which of the runs that an engine counts as failed are on record.

use super::*;

/// The runs of these names and attempts that are not on record.
async fn unknown(bed: &Bed, runs: &[(&str, Option<u32>)]) -> Vec<String> {
    let asked = runs.iter().map(|(run, attempt)| (key(run), *attempt)).collect();
    let places = bed.ledger.unknown(asked).await.expect("an answer");
    places.into_iter().map(|place| runs[place].0.to_owned()).collect()
}

#[tokio::test]
async fn a_run_is_known_once_its_attempt_or_a_later_one_has_ended() {
    let bed = Bed::new();
    let second = Observation { attempt: Some(2), ..failed("second") };
    let goes_on = Observation { attempt: Some(2), ..seen("goes-on", RunStatus::Running, Standing::Open) };
    bed.see(vec![failed("uncounted"), second, goes_on]).await;
    let of =
        [("uncounted", None), ("uncounted", Some(3)), ("second", Some(1)), ("second", Some(2)), ("goes-on", Some(1))];
    assert_eq!(unknown(&bed, &of).await, Vec::<String>::new());
    let of = [("never", None), ("second", Some(3)), ("goes-on", Some(2)), ("goes-on", None)];
    assert_eq!(unknown(&bed, &of).await, ["never", "second", "goes-on", "goes-on"]);
}

#[tokio::test]
async fn a_run_is_known_by_either_name_of_its_workflow_and_only_in_its_workspace() {
    let bed = Bed::new();
    bed.see(vec![as_workflow(failed("r1"), "wf_42", Some("sync"))]).await;
    assert_eq!(unknown(&bed, &[("r1", None)]).await, Vec::<String>::new());
    let elsewhere = RunKey { workspace: "other".to_owned(), ..key("r1") };
    assert_eq!(bed.ledger.unknown(vec![(elsewhere, None)]).await.expect("an answer"), [0]);
}

#[tokio::test]
async fn history_is_known() {
    let bed = Bed::new();
    let mut batch = batch(vec![failed("old")]);
    batch.observations[0].1 = true;
    bed.ledger.observe(batch).await.expect("committed");
    assert_eq!(unknown(&bed, &[("old", None)]).await, Vec::<String>::new());
}
