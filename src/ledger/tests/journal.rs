//! What people do to the board, and the journal of every input that changed anything.

use super::board::{at, completed, grouped, kinds};
use super::*;
use crate::clock;
use crate::engine::{CommandError, Event, IncidentId, Input, Kind, Made, Notification, Replay, Silence};

fn silence(id: &str, until: Timestamp) -> Silence {
    Silence {
        id: id.to_owned(),
        when: Matcher::default(),
        from: None,
        until,
        by: Some("ada".to_owned()),
        comment: None,
        unless_new: false,
    }
}

fn hour(hour: i64) -> Timestamp {
    clock::now().saturating_add(SignedDuration::from_hours(hour)).expect("a time")
}

/// The batch as it is seen `at` the clock's time: what people do has that time too.
fn now(observations: Vec<Observation>) -> Observed {
    Observed { at: clock::now(), ..batch(observations) }
}

async fn inputs(bed: &Bed) -> Vec<Input> {
    let rows = bed.ledger.journal(Timestamp::MIN, 0, 1_000).await.expect("an answer");
    assert!(rows.iter().all(|row| row.unreadable == 0));
    rows.into_iter().flat_map(|row| row.inputs).collect()
}

async fn waiting(bed: &Bed) -> Vec<Kind> {
    let due = bed.ledger.due("oncall", hour(0), 100, &[]).await.expect("an answer").0;
    due.into_iter().map(|delivery| delivery.notification.kind).collect()
}

#[tokio::test]
async fn who_acknowledges_stops_the_reminders_and_is_remembered_after_a_crash() {
    let bed = Bed::with(grouped());
    bed.ledger.observe(now(vec![failed("r1")])).await.expect("committed");
    let incident =
        Reader::open(&bed.path()).expect("a reader").open_incidents(10).expect("incidents").remove(0).incident;
    let beginning = &incident.id.as_str()[..6];
    let made = |made: Result<(IncidentId, Made), NotDone>| made.expect("an open incident").1;
    assert_eq!(made(bed.ledger.acknowledge(beginning, "ada", clock::now()).await), Made::Changed);
    assert_eq!(made(bed.ledger.acknowledge(beginning, "bob", clock::now()).await), Made::Unchanged, "one is enough");
    let nobody = bed.ledger.acknowledge("i_none", "ada", clock::now()).await;
    assert_eq!(nobody, Err(NotDone::Refused(CommandError::NoIncident("i_none".to_owned()))));
    let bed = bed.crash();
    let stored = Reader::open(&bed.path()).expect("a reader").open_incidents(10).expect("incidents").remove(0).incident;
    assert_eq!(stored.acknowledged.expect("acknowledged").by, "ada");
    bed.ledger.end_holds(hour(5)).await.expect("committed");
    assert_eq!(waiting(&bed).await, [Kind::Failed], "no reminder");
    let inputs = inputs(&bed).await;
    assert!(
        matches!(&inputs[1..], [Input::Acknowledged { incident: whole, by, .. }] if *whole == incident.id && by == "ada")
    );
}

#[tokio::test]
async fn a_silence_withholds_until_it_is_ended_and_outlives_a_crash() {
    let bed = Bed::with(grouped());
    assert_eq!(bed.ledger.silence(silence("s_1", hour(-1)), hour(0)).await, Err(NotDone::Refused(CommandError::Ended)));
    let made = silence("s_1", hour(2));
    assert_eq!(bed.ledger.silence(made.clone(), hour(0)).await, Ok(Made::Changed));
    let bed = bed.crash();
    bed.ledger.observe(now(vec![failed("r1")])).await.expect("committed");
    assert!(waiting(&bed).await.is_empty());
    let bed = bed.crash();
    assert_eq!(bed.ledger.end_silence("s_1", hour(0)).await, Ok(Made::Changed));
    assert_eq!(waiting(&bed).await, [Kind::Failed], "told with the end of the silence");
    assert_eq!(
        bed.ledger.end_silence("s_1", hour(0)).await,
        Err(NotDone::Refused(CommandError::NoSilence("s_1".to_owned())))
    );
    let inputs = inputs(&bed).await;
    assert!(matches!(&inputs[0], Input::Silenced { silence, .. } if **silence == made));
    assert!(matches!(&inputs[2], Input::Unsilenced { id, .. } if id == "s_1"));
    assert_eq!(inputs.len(), 3);
}

#[tokio::test]
async fn the_journal_has_every_input_that_changed_anything_in_order_and_nothing_else() {
    let bed = Bed::with(grouped());
    let long = |seen: Observation| as_workflow(seen, "wf1", Some("sync"));
    bed.ledger.observe(at(vec![long(failed("r1")), failed("r1"), retrying("r2")], 0)).await.expect("committed");
    bed.ledger.observe(at(vec![retrying("r2"), failed("r1")], 10)).await.expect("committed");
    let mut gone = at(vec![], 20);
    gone.forgotten = vec![key("r2"), key("never seen")];
    bed.ledger.observe(gone).await.expect("committed");
    let child = Observation { parent: Some("r9".to_owned()), ..failed("r3") };
    let parent = seen("r9", RunStatus::Running, Standing::Open);
    let mut last = at(vec![parent, child, failed("r4")], 30);
    last.observations[2].1 = true;
    bed.ledger.observe(last).await.expect("committed");
    // The first key stays, whatever a source calls the workflow later.
    bed.ledger.observe(at(vec![completed("r1")], 40)).await.expect("committed");
    let wanted = |run: &str, second_: i64, history: bool, parent_open: bool, observation: Observation| {
        assert_eq!(observation.key.run, run);
        Input::Observed {
            at: second(second_),
            history,
            parent_open,
            workflow: None,
            observation: Box::new(observation),
        }
    };
    let child = Observation { parent: Some("r9".to_owned()), ..failed("r3") };
    let found = inputs(&bed).await;
    assert_eq!(
        found,
        [
            wanted("r1", 0, false, false, long(failed("r1"))),
            wanted("r2", 0, false, false, retrying("r2")),
            Input::Forgotten { at: second(20), key: key("r2") },
            wanted("r9", 30, false, false, seen("r9", RunStatus::Running, Standing::Open)),
            wanted("r3", 30, false, true, child),
            wanted("r4", 30, true, false, failed("r4")),
            wanted("r1", 40, false, false, as_workflow(completed("r1"), "wf1", None)),
        ]
    );
    let rows = bed.ledger.journal(second(15), 0, 1).await.expect("an answer");
    assert_eq!((rows.len(), rows[0].at, rows[0].inputs.len()), (1, second(20), 1));
    let rest = bed.ledger.journal(second(15), rows[0].id, 10).await.expect("an answer");
    assert_eq!(rest.iter().map(|row| row.at).collect::<Vec<_>>(), [second(30), second(40)]);
}

#[tokio::test]
async fn an_observation_without_news_is_journaled_when_it_shows_that_a_problem_is_over() {
    let bed = Bed::with(grouped());
    let failing = |run: &str| Observation { started_at: Some(second(0)), completed_at: Some(second(5)), ..failed(run) };
    let going = |run: &str, passed: &[&str]| Observation {
        started_at: Some(second(10)),
        passed: crate::triage::Passed(Some(passed.iter().map(|step| (*step).to_owned()).collect())),
        ..seen(run, RunStatus::Running, Standing::Open)
    };
    bed.ledger.observe(at(vec![failing("r1"), going("r2", &[])], 10)).await.expect("committed");
    bed.ledger.observe(at(vec![going("r2", &[])], 20)).await.expect("committed");
    assert_eq!(inputs(&bed).await.len(), 2);
    bed.ledger.observe(at(vec![failing("r3"), going("r2", &["Create contact"])], 30)).await.expect("committed");
    assert_eq!(kinds(&bed, 30).await, [Kind::Failed, Kind::Resolved]);
    assert_eq!(inputs(&bed).await.len(), 4);
}

#[tokio::test]
async fn what_is_undone_is_not_in_the_journal() {
    let bed = Bed::with(grouped());
    bed.sql(
        "CREATE TEMP TRIGGER refused BEFORE INSERT ON runs WHEN NEW.run = 'r2' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    bed.ledger.observe(at(vec![failed("r1"), failed("r2")], 0)).await.expect_err("undone");
    assert!(inputs(&bed).await.is_empty());
    bed.ledger.observe(at(vec![failed("r3")], 0)).await.expect("committed");
    assert_eq!(inputs(&bed).await.len(), 1);
}

#[tokio::test]
async fn the_journal_replayed_says_what_was_said() {
    let bed = Bed::with(grouped());
    let mut chance = fastrand::Rng::with_seed(3);
    for step in 0..150 {
        let observations = (0..chance.usize(1..4)).map(|_| {
            let run = format!("r{}", chance.u32(..40));
            let mut seen = if chance.u32(..3) > 0 { failed(&run) } else { completed(&run) };
            seen.key.workflow = format!("w{}", chance.u32(..4));
            seen.attempt = Some(chance.u32(1..4));
            seen
        });
        let batch = at(observations.collect(), step * 600);
        bed.ledger.observe(batch).await.expect("committed");
        // Time is asked at every deadline, as the daemon does.
        let mut next = Some(second(step * 600));
        while let Some(at) = next.filter(|at| *at < second((step + 1) * 600)) {
            next = bed.ledger.end_holds(at).await.expect("committed").map(|next| next.max(at));
        }
    }
    let due = bed.hear("oncall", 10_000_000).await;
    let said: Vec<_> = due.into_iter().map(|delivery| delivery.notification).collect();
    let inputs = inputs(&bed).await;
    let looks: Vec<Timestamp> =
        inputs.iter().filter(|input| matches!(input, Input::Looked { .. })).map(Input::at).collect();
    let policy = grouped();
    let mut replay = Replay::new(&policy, &looks);
    let mut again: Vec<Notification> = Vec::new();
    for input in inputs {
        let said = replay.put(input).into_iter().filter_map(|event| match event {
            Event::Said(said) => Some(said.notification),
            Event::Alarm(_) => None,
        });
        again.extend(said);
    }
    assert!(said.len() > 40);
    // What became due in one moment has no order.
    let sorted = |mut said: Vec<Notification>| {
        said.sort_by(|a, b| (a.decided_at, a.id.as_str()).cmp(&(b.decided_at, b.id.as_str())));
        said.into_iter().map(|said| (said.decided_at, said.kind, said.id)).collect::<Vec<_>>()
    };
    let (again, said) = (sorted(again), sorted(said));
    let differ = again.iter().zip(&said).position(|(again, said)| again != said);
    assert_eq!(differ.map(|at| (&again[at], &said[at])), None);
    assert_eq!(again.len(), said.len());
}

#[tokio::test]
async fn the_journal_is_let_go_of_with_the_retention() {
    let bed = Bed::new();
    for time in [0, 10, 20] {
        bed.ledger.observe(at(vec![failed(&format!("r{time}"))], time)).await.expect("committed");
    }
    bed.ledger.prune(second(15)).await.expect("committed");
    let left: Vec<Timestamp> = inputs(&bed).await.iter().map(Input::at).collect();
    assert_eq!(left, [second(20)]);
}

#[tokio::test]
async fn a_card_is_written_down_once_and_read_back_from_the_run_and_from_the_journal() {
    let bed = Bed::new();
    let mut seen = failed("r1");
    if let Some(card) = &mut seen.card {
        card.advice = r#"Look at ,"card":{"x":1} and "}"#.to_owned();
    }
    bed.see(vec![seen.clone(), completed("r2")]).await;
    let story = bed.ledger.stories("r1").await.expect("an answer").remove(0);
    assert_eq!(story.known.card, seen.card);
    assert!(matches!(&inputs(&bed).await[0], Input::Observed { observation, .. } if **observation == seen));
    assert_eq!(bed.ledger.stories("r2").await.expect("an answer").remove(0).known.card, None);
}
