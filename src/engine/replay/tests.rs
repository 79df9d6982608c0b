//! Journals are replayed: what is said, and exactly when.

use super::*;
use crate::engine::testing::{card, policy, rule};
use crate::engine::{Budget, Kind, Matcher, RuleSet};
use crate::run::RunStatus;
use crate::triage::{Passed, RetryLevel, Retrying};

pub(in crate::engine) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_342_441 + second).unwrap()
}

pub(in crate::engine) fn key(workflow: &str, run: &str) -> RunKey {
    RunKey { workspace: "acme".to_owned(), workflow: workflow.to_owned(), run: run.to_owned() }
}

fn observation(workflow: &str, run: &str, second: i64, status: RunStatus) -> Observation {
    let standing = match status {
        RunStatus::Failed => Standing::Failed,
        RunStatus::Completed => Standing::Completed,
        _ => Standing::Open,
    };
    let ended = (standing != Standing::Open).then(|| at(second));
    Observation {
        key: key(workflow, run),
        workflow_name: None,
        source: "events".to_owned(),
        attempt: None,
        status,
        standing,
        started_at: Some(at(second - 1)),
        completed_at: ended,
        updated_at: Some(at(second)),
        parent: None,
        replay_of: None,
        retried_as: None,
        version: None,
        url: None,
        passed: Passed::default(),
        parked: None,
        card: (standing == Standing::Failed).then(|| Box::new(card(workflow, "charge", "TIMEOUT"))),
    }
}

fn input(second: i64, observation: Observation) -> Input {
    let observation = Box::new(observation);
    Input::Observed { at: at(second), history: false, parent_open: false, workflow: None, observation }
}

pub(in crate::engine) fn failed(workflow: &str, run: &str, second: i64) -> Input {
    input(second, observation(workflow, run, second, RunStatus::Failed))
}

pub(in crate::engine) fn completed(workflow: &str, run: &str, second: i64) -> Input {
    input(second, observation(workflow, run, second, RunStatus::Completed))
}

pub(in crate::engine) fn retrying(workflow: &str, run: &str, second: i64) -> Input {
    let mut seen = observation(workflow, run, second, RunStatus::Running);
    let mut retried = card(workflow, "charge", "TIMEOUT");
    retried.retrying = Some(Retrying {
        level: RetryLevel::Step,
        step: Some("charge".to_owned()),
        attempt: Some(1),
        of: Some(3),
        next_at: None,
    });
    (seen.standing, seen.card) = (Standing::Retrying, Some(Box::new(retried)));
    input(second, seen)
}

pub(in crate::engine) fn looked(second: i64) -> Input {
    Input::Looked { at: at(second) }
}

pub(in crate::engine) fn looks(journal: &[Input]) -> Vec<Timestamp> {
    journal.iter().filter(|input| matches!(input, Input::Looked { .. })).map(Input::at).collect()
}

pub(in crate::engine) fn simple() -> Policy {
    policy(vec![rule("all", Matcher::default())])
}

/// Everything that came of a journal, until this second.
fn events(policy: &Policy, journal: &[Input], until: i64) -> Vec<Event> {
    let looks = looks(journal);
    let mut replay = Replay::new(policy, &looks);
    let mut events: Vec<Event> = journal.iter().cloned().flat_map(|input| replay.put(input)).collect();
    events.extend(replay.end(at(until)));
    events
}

fn said(events: &[Event]) -> Vec<(i64, Kind)> {
    let said = |event: &Event| match event {
        Event::Said(said) => Some((said.at.as_second() - at(0).as_second(), said.notification.kind)),
        Event::Alarm(_) => None,
    };
    events.iter().filter_map(said).collect()
}

#[test]
fn time_passes_between_the_inputs_with_a_look_at_every_deadline() {
    let journal = [failed("billing", "r1", 0), failed("billing", "r2", 60), completed("billing", "r3", 4_000)];
    let said = said(&events(&simple(), &journal, 9_000));
    assert_eq!(said, [(0, Kind::Failed), (900, Kind::Updated), (4_000, Kind::Resolved)]);
}

#[test]
fn a_hold_ends_at_its_deadline_and_a_run_that_recovers_is_never_told() {
    let journal = [retrying("billing", "r1", 0), retrying("other", "r2", 10), completed("other", "r2", 100)];
    let said = said(&events(&simple(), &journal, 2_000));
    assert_eq!(said, [(900, Kind::StillRetrying)]);
}

#[test]
fn where_the_daemon_looked_soon_after_a_deadline_that_look_counts() {
    let journal = [failed("billing", "r1", 0), failed("billing", "r2", 60), failed("billing", "r3", 905), looked(907)];
    let all = events(&simple(), &journal, 1_000);
    assert_eq!(
        said(&all)[1..],
        [(905, Kind::Updated)],
        "the third failure came before the look, and was counted with it"
    );
    let journal = [failed("billing", "r1", 0), failed("billing", "r2", 60), looked(907)];
    assert_eq!(said(&events(&simple(), &journal, 1_000)), [(0, Kind::Failed), (907, Kind::Updated)]);
}

#[test]
fn the_daemon_that_was_away_is_not_replayed() {
    let journal = [failed("billing", "r1", 0), failed("billing", "r2", 60), looked(5_000)];
    assert_eq!(said(&events(&simple(), &journal, 5_001)), [(0, Kind::Failed), (900, Kind::Updated)]);
}

#[test]
fn the_same_journal_leads_to_the_same_words_twice() {
    let mut journal = Vec::new();
    for step in 0..200 {
        let second = step * 97;
        journal.push(match step % 4 {
            0 => completed("billing", &format!("r{step}"), second),
            1 => retrying("other", &format!("r{step}"), second),
            _ => failed("billing", &format!("r{step}"), second),
        });
    }
    assert_eq!(events(&simple(), &journal, 90_000), events(&simple(), &journal, 90_000));
}

#[test]
fn a_failure_is_named_with_the_incidents_that_it_joins() {
    let mut journal = vec![failed("billing", "r1", 0), failed("billing", "r2", 60)];
    let mut another = observation("billing", "r2", 120, RunStatus::Failed);
    another.card = Some(Box::new(card("billing", "mail", "SMTP")));
    journal.push(input(120, another));
    let alarms: Vec<(String, u32, Vec<Number>)> = events(&simple(), &journal, 130)
        .into_iter()
        .filter_map(|event| match event {
            Event::Alarm(alarm) => Some((alarm.run.run, alarm.failure, alarm.incidents)),
            Event::Said(_) => None,
        })
        .collect();
    let run = |run: &str| run.to_owned();
    assert_eq!(alarms, [(run("r1"), 1, vec![1]), (run("r2"), 1, vec![1]), (run("r2"), 2, vec![2])]);
}

#[test]
fn history_and_what_nobody_wants_told() {
    let mut old = failed("billing", "r1", 0);
    if let Input::Observed { history, .. } = &mut old {
        *history = true;
    }
    let nobody = Policy { rules: RuleSet::new(Vec::new()), ..simple() };
    let all = events(&nobody, &[old, failed("billing", "r2", 10)], 20);
    assert!(matches!(&all[..], [Event::Alarm(alarm)] if alarm.run.run == "r2" && alarm.incidents.is_empty()));
}

#[test]
fn a_summary_covers_the_problems_that_it_counts() {
    let mut policy = simple();
    let budget = Budget { messages: 2, within: SignedDuration::from_mins(5) };
    policy.receivers.get_mut("oncall").unwrap().budget = Some(budget);
    let journal: Vec<Input> = (0..5).map(|index| failed(&format!("w{index}"), "r", index)).collect();
    let covers: Vec<(Kind, Vec<Number>)> = events(&policy, &journal, 900)
        .into_iter()
        .filter_map(|event| match event {
            Event::Said(said) => Some((said.notification.kind, said.covers)),
            Event::Alarm(_) => None,
        })
        .collect();
    assert_eq!(covers[..2], [(Kind::Failed, vec![1]), (Kind::Summary, vec![2, 3, 4, 5])]);
}

#[test]
fn a_repeated_run_counts_as_run_again_as_it_does_in_the_ledger() {
    let mut again = observation("billing", "r2", 60, RunStatus::Completed);
    again.replay_of = Some("r1".to_owned());
    let all = events(&simple(), &[failed("billing", "r1", 0), input(60, again)], 70);
    let last = all.last().map(|event| match event {
        Event::Said(said) => said.notification.incident.as_ref().unwrap().resolution.as_ref().unwrap().not_again_count,
        Event::Alarm(_) => 9,
    });
    assert_eq!(last, Some(0));
}
