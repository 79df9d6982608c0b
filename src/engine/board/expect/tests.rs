//! What is expected, told as stories: runs are seen, time passes, sources are read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::engine::board::Stored;
use crate::engine::incident::{Incident, Proof, What};
use crate::engine::rule::Matcher;
use crate::engine::testing::{audience, policy};
use crate::engine::{Audience, Context, Kind, Policy, Severity, Silence, Subject as Said, Tenancy, Told};
use crate::run::RunStatus;
use crate::triage::{Card, Class, Missed, Parked, Passed, Standing};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_342_441 + minute * 60).unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn patterns(texts: &[&str]) -> Vec<crate::engine::Pattern> {
    texts.iter().map(|text| crate::engine::Pattern::parse(text).unwrap()).collect()
}

fn expectation(name: &str, workflow: &str, expected: Expected) -> Expectation {
    Expectation {
        name: name.to_owned(),
        when: Matcher { workflow: patterns(&[workflow]), ..Matcher::default() },
        expected,
        severity: Severity::Warning,
        notify: vec!["oncall".to_owned()],
        runbook: Some("https://wiki.example.com/missed".to_owned()),
    }
}

fn daily(workflow: &str) -> Expectation {
    expectation("daily", workflow, Expected::Success { every: minutes(25 * HOUR) })
}

fn seen(run: &str, status: RunStatus) -> Observation {
    let standing = match status {
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        _ => Standing::Open,
    };
    Observation {
        key: RunKey { workspace: "acme".to_owned(), workflow: "billing".to_owned(), run: run.to_owned() },
        workflow_name: None,
        source: "events".to_owned(),
        attempt: None,
        status,
        standing,
        started_at: None,
        completed_at: None,
        updated_at: None,
        parent: None,
        replay_of: None,
        version: None,
        url: Some(format!("https://engine.example.com/{run}")),
        passed: Passed::default(),
        parked: None,
        card: None,
    }
}

/// A run that is paused until `provider` is authorized again.
fn parked(run: &str, provider: &str) -> Observation {
    let parked =
        Parked { class: Class::Authorization, code: "TOKEN_REVOKED".to_owned(), provider: Some(provider.to_owned()) };
    Observation { parked: Some(Box::new(parked)), ..seen(run, RunStatus::Paused) }
}

struct Story {
    board: Board,
    policy: Policy,
    known: BTreeMap<RunKey, Known>,
    now: Timestamp,
    told: Vec<Told>,
}

/// `events` is pushed to, `prod` is polled.
fn story(expectations: Vec<Expectation>) -> Story {
    let mut policy = policy(Vec::new());
    policy.rhythm.remind = None;
    policy.sources.insert("events".to_owned(), Tenancy::default());
    policy.sources.insert("prod".to_owned(), Tenancy { polled: true, ..Tenancy::default() });
    policy.expectations = expectations;
    let mut board = Board::default();
    board.adopt(at(0), &policy);
    Story { board, policy, known: BTreeMap::new(), now: at(0), told: Vec::new() }
}

impl Story {
    /// Time passes until this minute.
    fn until(&mut self, minute: i64) -> &mut Self {
        let until = at(minute);
        for _ in 0..1_000 {
            match self.board.next_deadline(self.now, &self.policy) {
                Some(next) if next <= until => {
                    self.now = self.now.max(next);
                    let told = self.board.tick(self.now, &self.policy);
                    self.told.extend(told);
                }
                _ => {
                    self.now = until;
                    return self;
                }
            }
        }
        panic!("there is always something due");
    }

    fn see(&mut self, seen: Observation) -> &mut Self {
        let known = self.known.remove(&seen.key);
        let key = seen.key.clone();
        let changes = self.board.observe(self.now, known, seen, Context::default(), &self.policy);
        self.known.insert(key, changes.known);
        self.told.extend(changes.told);
        self
    }

    fn run(&mut self, run: &str, status: RunStatus) -> &mut Self {
        self.see(seen(run, status))
    }

    /// `prod` sees it.
    fn polled(&mut self, run: &str, status: RunStatus) -> &mut Self {
        self.see(Observation { source: "prod".to_owned(), ..seen(run, status) })
    }

    /// `prod` was read; the read began at this minute.
    fn read(&mut self, minute: i64) -> &mut Self {
        self.board.read_at("prod", at(minute));
        let now = (self.now.as_second() - at(0).as_second()) / 60;
        self.until(now)
    }

    /// Other rules, or a start: nothing lives but what is stored.
    fn restart(&mut self) -> &mut Self {
        let stored = Stored {
            incidents: self
                .board
                .incidents
                .iter()
                .map(|(number, incident)| (*number, incident.as_ref().clone()))
                .collect(),
            last_number: self.board.next,
            workflows: self.board.workflows.clone().into_iter().collect(),
            expected_since: self.board.watch.since.clone().into_iter().collect(),
            ..Stored::default()
        };
        self.board = Board::restore(stored);
        for (key, known) in self.known.iter().filter(|(_, known)| known.is_open()) {
            self.board.note_going(key, known, None);
        }
        self.adopt()
    }

    fn adopt(&mut self) -> &mut Self {
        self.board.adopt(self.now, &self.policy);
        let now = (self.now.as_second() - at(0).as_second()) / 60;
        self.until(now)
    }

    fn forget(&mut self, run: &str) -> &mut Self {
        let key = seen(run, RunStatus::Running).key;
        let known = self.known.remove(&key).unwrap();
        let changes = self.board.forget_run(self.now, &key, known, &self.policy);
        self.told.extend(changes.told);
        self
    }

    /// What was said since this was last asked.
    fn said(&mut self) -> Vec<Kind> {
        std::mem::take(&mut self.told).iter().map(|told| told.notification.kind).collect()
    }

    fn cards(&self) -> Vec<Card> {
        let card = |told: &Told| match &told.notification.subject {
            Said::Run(card) => Some(card.as_ref().clone()),
            _ => None,
        };
        self.told.iter().filter_map(card).collect()
    }

    fn missed(&self) -> Vec<Missed> {
        self.cards().into_iter().filter_map(|card| card.missed).collect()
    }

    fn incident(&self) -> &Incident {
        self.board.incidents.values().next().unwrap()
    }

    fn proof(&self) -> Option<Proof> {
        self.incident().resolution.clone().map(|resolution| resolution.proof)
    }
}

// ── A success is expected ──────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_workflow_that_does_not_succeed_in_time_is_told_once_and_its_success_ends_it() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(25 * HOUR - 1);
    assert!(story.said().is_empty());
    story.until(3 * DAY);
    assert_eq!(story.missed(), [Missed::Success { last: Some(at(0)), every: minutes(25 * HOUR) }]);
    assert_eq!(story.said(), [Kind::Missed]);
    let note = story.incident();
    assert_eq!(
        (note.opened_at, note.severity, note.rule.as_deref()),
        (at(25 * HOUR), Severity::Warning, Some("daily"))
    );
    story.run("r2", RunStatus::Running);
    assert!(story.said().is_empty(), "a run is no success");
    story.run("r2", RunStatus::Completed);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
    story.until(3 * DAY + 26 * HOUR);
    assert_eq!(story.said(), [Kind::Missed], "the next one is missed anew");
}

#[test]
fn each_success_moves_the_deadline_on() {
    let mut story = story(vec![daily("billing")]);
    for day in 0..7 {
        story.until(day * DAY).run(&format!("r{day}"), RunStatus::Completed);
    }
    assert!(story.said().is_empty());
    story.until(6 * DAY + 26 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn a_late_report_of_an_old_success_proves_nothing() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(2 * DAY);
    story.told.clear();
    story.see(Observation { completed_at: Some(at(10 * HOUR)), ..seen("r2", RunStatus::Completed) });
    assert!(story.said().is_empty() && story.incident().is_open());
}

#[test]
fn a_workflow_that_never_succeeded_counts_from_when_it_was_first_seen() {
    let mut story = story(vec![daily("billing")]);
    story.until(5 * HOUR);
    let old = Observation { completed_at: Some(at(-30 * DAY)), ..seen("r0", RunStatus::Completed) };
    story.see(old).until(30 * HOUR - 1);
    assert!(story.said().is_empty(), "what was missing before the first start is history");
    story.until(30 * HOUR);
    assert_eq!(story.missed(), [Missed::Success { last: Some(at(-30 * DAY)), every: minutes(25 * HOUR) }]);
}

#[test]
fn a_success_before_the_first_start_counts_where_it_was_not_overdue() {
    let mut story = story(vec![daily("billing")]);
    let before = Observation { completed_at: Some(at(-20 * HOUR)), ..seen("r0", RunStatus::Completed) };
    story.see(before).until(5 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn a_polled_source_must_have_been_read_after_the_deadline() {
    let mut story = story(vec![daily("billing")]);
    story.polled("r1", RunStatus::Completed).until(26 * HOUR).read(25 * HOUR - 1);
    assert!(story.said().is_empty(), "that read began before the deadline");
    let unread: Vec<(String, String)> =
        story.board.unread().map(|(source, space, _)| (source.to_owned(), space.to_owned())).collect();
    assert_eq!(unread, [("prod".to_owned(), "acme".to_owned())]);
    story.until(40 * HOUR);
    assert!(story.said().is_empty(), "the source is blind: that is told as firstred's own trouble");
    story.read(40 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    assert_eq!(
        story.incident().lines[0].reason,
        crate::engine::Reason::Missed { due: at(25 * HOUR), read_at: Some(at(40 * HOUR)) }
    );
}

#[test]
fn what_the_read_brings_is_not_told_as_missed() {
    let mut story = story(vec![daily("billing")]);
    story.polled("r1", RunStatus::Completed).until(26 * HOUR).polled("r2", RunStatus::Completed).read(26 * HOUR);
    assert!(story.said().is_empty());
    story.until(52 * HOUR).read(52 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn a_start_waits_for_a_read_of_its_own() {
    let mut story = story(vec![daily("billing")]);
    story.polled("r1", RunStatus::Completed).until(26 * HOUR).restart();
    assert!(story.said().is_empty());
    story.until(27 * HOUR).polled("r2", RunStatus::Completed).read(27 * HOUR);
    assert!(story.said().is_empty(), "it succeeded while firstred was away");
}

#[test]
fn what_was_told_is_not_told_again_after_a_start_and_still_ends() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(26 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    story.restart().until(30 * DAY);
    assert!(story.said().is_empty(), "no time ends it either");
    story.run("r2", RunStatus::Completed);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
}

#[test]
fn a_workflow_that_is_named_and_never_ran_counts_from_when_the_rule_was_first_in_force() {
    let mut story = story(Vec::new());
    story.until(10 * HOUR);
    story.policy.expectations = vec![daily("nightly")];
    story.adopt().until(20 * HOUR).restart().until(35 * HOUR - 1);
    assert!(story.said().is_empty());
    story.until(36 * HOUR).read(36 * HOUR);
    assert_eq!(story.missed(), [Missed::Start { since: at(10 * HOUR), every: minutes(25 * HOUR) }]);
    assert_eq!(story.cards()[0].run.workflow.title(), "nightly");
    story.told.clear();
    story.restart();
    let mut first = seen("r1", RunStatus::Running);
    first.key.workflow = "wf_1".to_owned();
    first.workflow_name = Some("nightly".to_owned());
    story.see(first);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
    story.until(36 * HOUR + 26 * HOUR);
    assert_eq!(story.missed().len(), 1, "from now on it has to succeed");
}

#[test]
fn a_workflow_that_is_only_matched_by_a_pattern_need_not_exist() {
    let mut story = story(vec![daily("night*")]);
    story.until(9 * DAY).read(9 * DAY);
    assert!(story.said().is_empty());
}

#[test]
fn a_workflow_that_runs_before_its_time_is_not_missed() {
    let mut story = story(vec![daily("billing")]);
    assert!(story.board.expected_since("daily\0\0billing").is_some());
    assert_eq!(story.board.take_changed().expected_since.len(), 1);
    story.until(HOUR).run("r1", RunStatus::Running);
    assert_eq!(story.board.expected_since("daily\0\0billing"), None);
    assert_eq!(story.board.take_changed().expected_since.len(), 1, "the ledger lets go of it");
    story.until(25 * HOUR + 30);
    assert!(story.said().is_empty(), "it counts from the first sight now");
}

#[test]
fn an_expectation_that_leaves_the_configuration_takes_what_it_missed_with_it() {
    let mut story = story(vec![daily("billing")]);
    story.run("r1", RunStatus::Completed).until(26 * HOUR);
    story.told.clear();
    story.policy.expectations.clear();
    story.adopt();
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Moot)));
}

#[test]
fn a_workflow_that_is_forgotten_is_expected_no_longer() {
    let mut story = story(vec![daily("bill*")]);
    story.run("r1", RunStatus::Completed).until(26 * HOUR);
    story.told.clear();
    story.board.forget(at(25 * HOUR));
    story.until(26 * HOUR + 1);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Moot)));
}

#[test]
fn a_workflow_whose_source_left_the_configuration_is_nobodys_business() {
    let mut story = story(vec![daily("bill*")]);
    story.run("r1", RunStatus::Completed);
    story.policy.sources.remove("events");
    story.adopt().until(3 * DAY);
    assert!(story.said().is_empty());
}

// ── A run is expected to end, or to go on ──────────────────────────────────────────────────────────────────────────────────

fn two_hours() -> Expectation {
    let expected = Expected::Running { at_most: Some(minutes(2 * HOUR)), times_usual: None };
    expectation("two hours", "billing", expected)
}

#[test]
fn a_run_that_goes_on_for_too_long_is_told_with_its_link_and_its_end_ends_it() {
    let mut story = story(vec![two_hours()]);
    let running = Observation { started_at: Some(at(-30)), ..seen("r1", RunStatus::Running) };
    story.see(running).until(90 - 1);
    assert!(story.said().is_empty());
    story.until(9 * HOUR);
    let card = story.cards().remove(0);
    assert_eq!(card.missed, Some(Missed::End { started: at(-30), at_most: minutes(2 * HOUR), usual: None }));
    assert_eq!((card.run.id.as_str(), card.run.url.as_deref()), ("r1", Some("https://engine.example.com/r1")));
    assert_eq!(story.said(), [Kind::Missed]);
    story.run("r1", RunStatus::Cancelled);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
}

#[test]
fn a_run_that_has_not_begun_or_waits_does_not_go_on() {
    let mut story = story(vec![two_hours()]);
    story.run("r1", RunStatus::Pending).run("r2", RunStatus::Waiting).until(DAY);
    assert!(story.said().is_empty());
    story.run("r1", RunStatus::Running).until(DAY + 2 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    story.run("r1", RunStatus::Paused);
    assert_eq!(story.said(), [Kind::Resolved]);
}

#[test]
fn a_polled_run_must_still_be_open_after_the_deadline() {
    let mut story = story(vec![two_hours()]);
    story.polled("r1", RunStatus::Running).until(3 * HOUR);
    assert!(story.said().is_empty());
    story.polled("r1", RunStatus::Running);
    assert_eq!(story.said(), [Kind::Missed], "seen again: that is look enough");
    story.polled("r2", RunStatus::Running).until(6 * HOUR).polled("r2", RunStatus::Completed).read(6 * HOUR);
    assert!(story.said().is_empty(), "it had ended by then");
}

#[test]
fn an_open_run_is_still_measured_after_a_start() {
    let mut story = story(vec![two_hours()]);
    story.run("r1", RunStatus::Running).polled("r2", RunStatus::Running).until(HOUR).restart();
    assert_eq!(story.board.going(), 2);
    story.until(3 * HOUR);
    assert_eq!(story.said(), [Kind::Missed], "the other one waits for a read");
    story.restart().read(3 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
    story.restart();
    assert!(story.said().is_empty());
}

#[test]
fn a_run_that_ended_while_firstred_was_away_ends_what_was_missed() {
    let mut story = story(vec![two_hours()]);
    story.run("r1", RunStatus::Running).until(3 * HOUR);
    story.told.clear();
    story.restart().forget("r1");
    assert_eq!(story.said(), [Kind::Resolved]);
    assert_eq!(story.board.going(), 0);
}

/// Ten runs that took `took` minutes each, and one more that goes on.
fn usual_runs(story: &mut Story, from: i64, took: i64) {
    for run in 0..10 {
        let start = from + run * took;
        story.until(start + took);
        let (started_at, completed_at) = (Some(at(start)), Some(at(start + took)));
        story.see(Observation { started_at, completed_at, ..seen(&format!("u{from}-{run}"), RunStatus::Completed) });
    }
}

fn three_times() -> Expectation {
    expectation("usual", "billing", Expected::Running { at_most: None, times_usual: Some(3.0) })
}

#[test]
fn a_run_is_measured_by_three_times_what_is_usual() {
    let mut story = story(vec![three_times()]);
    usual_runs(&mut story, 0, 10);
    story.see(Observation { started_at: Some(at(100)), ..seen("r1", RunStatus::Running) }).until(129);
    assert!(story.said().is_empty());
    story.until(131);
    let missed = Missed::End { started: at(100), at_most: minutes(30), usual: Some(minutes(10)) };
    assert_eq!(story.missed(), [missed]);
}

#[test]
fn nothing_is_usual_before_ten_runs_and_then_it_is_for_those_that_go_on() {
    let mut story = story(vec![three_times()]);
    story.see(Observation { started_at: Some(at(0)), ..seen("r1", RunStatus::Running) });
    story.until(99);
    assert!(story.said().is_empty());
    usual_runs(&mut story, 99, 10);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn whichever_limit_comes_first_counts() {
    let expected = Expected::Running { at_most: Some(minutes(2 * HOUR)), times_usual: Some(3.0) };
    let mut story = story(vec![expectation("both", "billing", expected)]);
    story.see(Observation { started_at: Some(at(0)), ..seen("r0", RunStatus::Running) }).until(2 * HOUR);
    assert_eq!(story.missed(), [Missed::End { started: at(0), at_most: minutes(2 * HOUR), usual: None }]);
    usual_runs(&mut story, 2 * HOUR, 50);
    story.told.clear();
    story.see(Observation { started_at: Some(at(DAY)), ..seen("r1", RunStatus::Running) }).until(DAY + 2 * HOUR);
    assert_eq!(story.missed(), [Missed::End { started: at(DAY), at_most: minutes(2 * HOUR), usual: None }]);
}

#[test]
fn a_run_that_waits_or_is_paused_for_too_long_is_told_and_going_on_ends_it() {
    let mut story = story(vec![expectation("a day", "billing", Expected::Waiting { at_most: minutes(DAY) })]);
    story.run("r1", RunStatus::Running).until(HOUR).run("r1", RunStatus::Paused).until(DAY + HOUR);
    assert_eq!(story.missed(), [Missed::Progress { since: at(HOUR), at_most: minutes(DAY), paused: true }]);
    assert_eq!(story.said(), [Kind::Missed]);
    story.run("r1", RunStatus::Running);
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
}

// ── A connection is expected to be authorized ──────────────────────────────────────────────────────────────────────────────

fn authorized() -> Expectation {
    expectation("connections", "*", Expected::Reauthorization)
}

#[test]
fn a_connection_that_must_be_authorized_again_is_one_problem_with_the_number_of_runs_behind_it() {
    let mut story = story(vec![authorized()]);
    story.see(parked("r1", "api.example.com"));
    assert_eq!(story.missed(), [Missed::Authorization { parked: 1, since: at(0) }]);
    assert_eq!(story.cards()[0].provider.as_deref(), Some("api.example.com"));
    story.told.clear();
    story.until(1).see(parked("r2", "api.example.com")).see(parked("r3", "api.example.com"));
    assert!(story.said().is_empty(), "not one message for each run");
    assert_eq!(story.incident().runs, 3);
    story.run("r1", RunStatus::Running);
    assert_eq!(story.incident().runs, 2);
    story.until(15);
    assert_eq!(story.missed(), [Missed::Authorization { parked: 2, since: at(1) }], "exact when it is said");
    assert_eq!(story.said(), [Kind::Updated]);
    story.run("r2", RunStatus::Running);
    assert!(story.said().is_empty());
    story.forget("r3");
    assert_eq!((story.said(), story.proof()), (vec![Kind::Resolved], Some(Proof::Happened)));
    let resolution = story.incident().resolution.clone().unwrap();
    assert_eq!(resolution.not_again_count, 0, "no run failed: none has to be run again");
}

#[test]
fn another_connection_is_another_problem_and_other_obstacles_are_none() {
    let mut story = story(vec![authorized()]);
    story.see(parked("r1", "api.example.com")).see(parked("r2", "crm.example.com"));
    let mut throttled = parked("r3", "api.example.com");
    throttled.parked.as_mut().unwrap().class = Class::Transient;
    story.see(throttled).run("r4", RunStatus::Paused);
    assert_eq!(story.said(), [Kind::Missed, Kind::Missed]);
    story.see(parked("r2", "api.example.com"));
    let counts: Vec<u32> = story.board.incidents.values().map(|incident| incident.runs).collect();
    assert_eq!(counts, [2, 0], "it waits for the other one now");
    assert_eq!(story.said(), [Kind::Resolved]);
}

#[test]
fn parked_runs_are_counted_anew_after_a_start_and_other_rules() {
    let mut story = story(vec![authorized()]);
    story.see(parked("r1", "api.example.com")).see(parked("r2", "api.example.com"));
    story.told.clear();
    story.restart();
    assert_eq!((story.said(), story.incident().runs), (Vec::new(), 2));
    story.see(parked("r3", "api.example.com"));
    assert_eq!(story.incident().runs, 3);
    story.policy.expectations = vec![Expectation { name: "other".to_owned(), ..authorized() }];
    story.adopt();
    let said: Vec<(Kind, Option<String>)> =
        story.told.iter().map(|told| (told.notification.kind, told.notification.rule.clone())).collect();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(said, [(Kind::Resolved, named("connections")), (Kind::Missed, named("other"))]);
    assert_eq!(story.missed()[1], Missed::Authorization { parked: 3, since: at(0) });
}

// ── It is an incident like any other ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_silence_withholds_it_and_it_speaks_when_the_silence_ends() {
    let mut story = story(vec![daily("billing")]);
    let silence = Silence {
        id: "s_1".to_owned(),
        when: Matcher { workflow: patterns(&["billing"]), ..Matcher::default() },
        from: None,
        until: at(30 * HOUR),
        by: None,
        comment: None,
        unless_new: false,
    };
    story.board.silence_on(at(0), silence).unwrap();
    story.run("r1", RunStatus::Completed).until(29 * HOUR);
    assert!(story.said().is_empty() && story.incident().is_open());
    story.until(31 * HOUR);
    assert_eq!(story.said(), [Kind::Missed]);
}

#[test]
fn it_is_reminded_of_until_somebody_acknowledges() {
    let mut story = story(vec![daily("billing")]);
    story.policy.rhythm.remind = Some(minutes(4 * HOUR));
    story.run("r1", RunStatus::Completed).until(30 * HOUR);
    assert_eq!(story.said(), [Kind::Missed, Kind::StillOpen]);
    let id = story.incident().id.as_str().to_owned();
    story.board.acknowledge(story.now, &id, "ada").unwrap();
    story.until(9 * DAY);
    assert!(story.said().is_empty());
}

#[test]
fn only_who_may_see_the_workspace_is_told() {
    let mut story =
        story(vec![Expectation { notify: vec!["oncall".to_owned(), "data".to_owned()], ..daily("billing") }]);
    let globex = Audience { workspaces: Some(["globex".to_owned()].into()), ..audience() };
    story.policy.receivers.insert("data".to_owned(), globex);
    story.run("r1", RunStatus::Completed).until(2 * DAY);
    assert_eq!(story.told[0].receivers, ["oncall"]);
}

#[test]
fn a_receiver_that_is_gone_is_replaced_by_whom_the_expectation_names_now() {
    let mut story = story(vec![daily("billing")]);
    story.policy.rules = crate::engine::RuleSet::new(vec![crate::engine::testing::rule("all", Matcher::default())]);
    story.run("r1", RunStatus::Completed).until(2 * DAY);
    story.board.incidents.values_mut().next().unwrap().ears.values_mut().for_each(|ear| ear.knows = false);
    story.told.clear();
    story.policy.receivers.remove("oncall");
    story.policy.expectations[0].notify = vec!["data".to_owned()];
    story.adopt();
    assert_eq!(story.told[0].receivers, ["data"]);
}

#[test]
fn missed_again_soon_after_it_was_over_it_is_the_same_problem() {
    let every = minutes(30);
    let mut story = story(vec![expectation("often", "billing", Expected::Success { every })]);
    story.run("r1", RunStatus::Completed).until(31).run("r2", RunStatus::Completed).until(62);
    assert_eq!(story.said(), [Kind::Missed, Kind::Resolved, Kind::Reopened]);
    assert_eq!(story.board.incidents.len(), 1);
    assert!(matches!(&story.incident().what, What::Missed { expectation, .. } if expectation == "often"));
}

#[test]
fn ten_thousand_workflows_with_twenty_expectations_cost_little() {
    let every = |hours: i64| Expected::Success { every: minutes(hours * HOUR) };
    let expectations = (0..20).map(|index| expectation(&format!("e{index}"), "*", every(25 + index))).collect();
    let mut story = story(expectations);
    story.policy.receivers.clear();
    for workflow in 0..2_000 {
        let mut seen = seen("r", RunStatus::Completed);
        seen.key.workflow = format!("w{workflow}");
        story.see(seen);
    }
    assert_eq!(story.board.watch.dues(), 2_000, "one deadline for each workflow");
    for round in 0..5 {
        let mut seen = seen(&format!("again{round}"), RunStatus::Completed);
        seen.key.workflow = "w7".to_owned();
        story.see(seen);
    }
    assert_eq!(story.board.watch.dues(), 2_000);
}
