//! What a run's life leads to, told as stories: each `say` is an observation, in the order in which it comes.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::engine::hold::hold_ended;
use crate::engine::rule::{Matcher, Pattern};
use crate::engine::testing::{card, policy, rule};
use crate::run::{RunKey, RunStatus};
use crate::triage::{Cause, RetryLevel, Retrying};

/// A run, what is known of it, and what was told.
struct Story {
    policy: Policy,
    known: Option<Known>,
    now: Timestamp,
    told: Vec<Kind>,
    parent: Option<Standing>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_342_441 + second).expect("a time")
}

fn key() -> RunKey {
    RunKey { workspace: "acme".to_owned(), workflow: "billing".to_owned(), run: "run-1".to_owned() }
}

fn seen(status: RunStatus) -> Observation {
    let standing = match status {
        RunStatus::Failed => Standing::Failed,
        RunStatus::Completed => Standing::Completed,
        RunStatus::Cancelled => Standing::Cancelled,
        _ => Standing::Open,
    };
    Observation {
        key: key(),
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
        url: None,
        passed: crate::triage::Passed::default(),
        parked: None,
        card: (standing == Standing::Failed).then(|| Box::new(card("billing", "charge", "TIMEOUT"))),
    }
}

fn retrying(attempt: u32) -> Observation {
    let mut card = card("billing", "charge", "TIMEOUT");
    card.retrying = Some(Retrying {
        level: RetryLevel::Step,
        step: Some("charge".to_owned()),
        attempt: Some(attempt),
        of: Some(10),
        next_at: None,
    });
    Observation { standing: Standing::Retrying, card: Some(Box::new(card)), ..seen(RunStatus::Running) }
}

fn failed_at(attempt: u32, second: i64) -> Observation {
    let end = Some(at(second));
    Observation { attempt: Some(attempt), completed_at: end, updated_at: end, ..seen(RunStatus::Failed) }
}

fn running_at(attempt: u32, second: i64) -> Observation {
    let start = Some(at(second));
    Observation { attempt: Some(attempt), started_at: start, updated_at: start, ..seen(RunStatus::Running) }
}

impl Story {
    fn new() -> Self {
        Self {
            policy: policy(vec![rule("all", Matcher::default())]),
            known: None,
            now: at(0),
            told: Vec::new(),
            parent: None,
        }
    }

    fn say(&mut self, observation: Observation) -> &mut Self {
        self.say_in(observation, &Context::default())
    }

    fn say_in(&mut self, mut observation: Observation, context: &Context) -> &mut Self {
        self.now = self.now.saturating_add(SignedDuration::from_secs(1)).expect("a time");
        let changes = decide(self.now, self.known.take(), &mut observation, context, &self.policy);
        self.take(changes)
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.saturating_add(SignedDuration::from_secs(seconds)).expect("a time");
        let known = self.known.take().expect("a run that was seen");
        let changes = hold_ended(self.now, &key(), known, self.parent, &self.policy);
        self.take(changes)
    }

    fn take(&mut self, changes: Decided) -> &mut Self {
        self.told.extend(changes.raised.iter().map(|raised| raised.kind));
        self.known = Some(changes.known);
        self
    }

    fn reasons(&self) -> Vec<&Reason> {
        self.known.iter().flat_map(|known| &known.lines).map(|line| &line.reason).collect()
    }
}

#[test]
fn a_failed_run_is_told_once_however_often_it_is_seen() {
    let mut story = Story::new();
    for _ in 0..5 {
        story.say(seen(RunStatus::Failed));
    }
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn cancelled_paused_and_waiting_are_not_failures() {
    let mut story = Story::new();
    story.say(seen(RunStatus::Paused)).say(seen(RunStatus::Waiting)).say(seen(RunStatus::Cancelled));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons(), [&Reason::Cancelled]);
}

#[test]
fn a_rerun_under_the_same_id_that_fails_again_is_a_new_failure() {
    let mut story = Story::new();
    story.say(seen(RunStatus::Failed)).say(seen(RunStatus::Running)).say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);

    let mut counted = Story::new();
    counted.say(failed_at(1, 10)).say(running_at(2, 20)).say(failed_at(2, 30));
    assert_eq!(counted.told, [Kind::Failed, Kind::Failed]);

    // The engine doesn't count, and nobody saw it running in between.
    let mut unseen = Story::new();
    let uncounted = |second| Observation { attempt: None, ..failed_at(1, second) };
    unseen.say(uncounted(10)).say(uncounted(300));
    assert_eq!(unseen.told, [Kind::Failed, Kind::Failed]);
}

#[test]
fn two_reports_of_one_end_that_differ_by_a_fraction_are_one_failure() {
    let mut story = Story::new();
    let exact = Some("2026-11-22T02:07:09.731Z".parse().expect("a time"));
    let cut = Some("2026-11-22T02:07:09Z".parse().expect("a time"));
    story.say(Observation { completed_at: exact, ..seen(RunStatus::Failed) });
    story.say(Observation { completed_at: cut, source: "poll".to_owned(), ..seen(RunStatus::Failed) });
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn an_old_report_that_comes_late_does_not_bring_a_failure_back() {
    let mut story = Story::new();
    story.say(failed_at(1, 10)).say(running_at(1, 5)).say(failed_at(1, 10));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_failure_stamped_a_moment_before_the_last_sign_of_life_is_told() {
    let mut story = Story::new();
    story.say(running_at(1, 5)).say(Observation { updated_at: Some(at(4)), ..failed_at(1, 4) });
    assert_eq!(story.told, [Kind::Failed]);
    // One that is known, and run again within that moment, is neither told twice nor ends the new one.
    let mut again = Story::new();
    again.say(failed_at(1, 10)).say(running_at(1, 11)).say(failed_at(1, 10));
    assert_eq!(again.told, [Kind::Failed]);
    assert!(again.known.as_ref().is_some_and(super::super::Known::is_open));
}

#[test]
fn a_failed_attempt_reported_after_the_next_one_is_put_on_record_and_not_told() {
    let mut story = Story::new();
    story.say(running_at(2, 20)).say(failed_at(1, 10)).say(failed_at(1, 10)).say(failed_at(2, 30));
    assert_eq!(story.told, [Kind::Failed]);
    assert_eq!(story.reasons()[0], &Reason::Superseded { attempt: Some(1) });
}

#[test]
fn a_run_that_recovers_on_a_retry_is_never_told_and_the_ledger_says_so() {
    let mut story = Story::new();
    story.say(retrying(1)).say(seen(RunStatus::Running)).say(retrying(2)).say(seen(RunStatus::Completed)).wait(3600);
    assert!(story.told.is_empty());
    assert_eq!(story.reasons().last(), Some(&&Reason::Recovered));
}

#[test]
fn a_hold_that_ends_says_still_retrying_once_and_the_failure_follows() {
    let mut story = Story::new();
    story.say(retrying(1)).wait(600).wait(600).say(retrying(2)).say(retrying(3)).wait(9000);
    assert_eq!(story.told, [Kind::StillRetrying]);
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::StillRetrying, Kind::Failed]);
}

/// A retry whose reason nobody knows yet.
fn unexplained(attempt: u32) -> Observation {
    let mut seen = retrying(attempt);
    if let Some(Cause::Step { error, .. }) = seen.card.as_mut().map(|card| &mut card.cause) {
        *error = None;
    }
    seen
}

#[test]
fn the_reason_of_a_retry_is_taken_in_when_it_comes_later_and_is_not_lost_again() {
    let mut story = Story::new();
    story.say(unexplained(1)).say(retrying(1)).say(unexplained(1));
    let code = |story: &Story| Some(story.known.as_ref()?.card.as_ref()?.cause.error()?.code.clone());
    assert_eq!(code(&story).as_deref(), Some("TIMEOUT"));
    // While the next try runs, the last reason that is known is better than none.
    story.say(unexplained(2));
    assert_eq!(code(&story).as_deref(), Some("TIMEOUT"));
}

#[test]
fn a_hold_follows_the_rule_that_fits_once_the_reason_is_known() {
    let on_timeout = Matcher { code: vec![Pattern::parse("TIMEOUT").expect("a pattern")], ..Matcher::default() };
    let mut impatient = rule("impatient", on_timeout);
    impatient.hold = Some(SignedDuration::from_secs(60));
    for rules in [vec![impatient.clone()], vec![impatient, rule("all", Matcher::default())]] {
        let mut story = Story { policy: policy(rules), ..Story::new() };
        story.say(unexplained(1)).say(retrying(1)).wait(57);
        assert!(story.told.is_empty());
        story.wait(2);
        assert_eq!(story.told, [Kind::StillRetrying]);
    }
}

#[test]
fn a_hold_that_ends_between_two_retries_speaks_at_the_next_one() {
    let mut story = Story::new();
    story.say(retrying(1)).say(seen(RunStatus::Running)).wait(3600);
    assert!(story.told.is_empty());
    story.say(retrying(2));
    assert_eq!(story.told, [Kind::StillRetrying]);
}

fn other_step(attempt: u32) -> Observation {
    let mut other = retrying(attempt);
    if let Some(retrying) = other.card.as_mut().and_then(|card| card.retrying.as_mut()) {
        retrying.step = Some("refund".to_owned());
    }
    other
}

#[test]
fn another_step_that_retries_later_begins_another_hold_and_is_told_for_itself() {
    let mut story = Story::new();
    story.say(retrying(1)).wait(3600).say(seen(RunStatus::Running)).say(other_step(1));
    assert_eq!(story.told, [Kind::StillRetrying]);
    story.wait(3600);
    assert_eq!(story.told, [Kind::StillRetrying, Kind::StillRetrying]);
}

#[test]
fn two_steps_that_retry_side_by_side_are_one_silence_with_one_end() {
    let mut story = Story::new();
    for attempt in 1..40 {
        story.say(retrying(attempt)).wait(20).say(seen(RunStatus::Running)).say(other_step(attempt)).wait(20);
    }
    assert_eq!(story.told.first(), Some(&Kind::StillRetrying), "the deadline moved with every retry");
}

#[test]
fn a_retry_that_was_announced_for_a_failed_run_and_never_comes_is_a_failure() {
    let mut story = Story::new();
    let announced = Observation { status: RunStatus::Failed, ..retrying(1) };
    story.say(announced).wait(3600);
    assert_eq!(story.told, [Kind::Failed]);
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn an_end_that_is_reported_with_fewer_digits_than_the_start_is_an_end() {
    let mut story = Story::new();
    let exact = Some("2026-11-22T02:07:00.900Z".parse().expect("a time"));
    let cut = Some("2026-11-22T02:07:00Z".parse().expect("a time"));
    story.say(Observation { updated_at: exact, ..seen(RunStatus::Running) });
    story.say(Observation { updated_at: cut, completed_at: cut, ..seen(RunStatus::Failed) });
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_quick_rerun_that_was_seen_running_is_a_new_failure() {
    let mut story = Story::new();
    let uncounted = |end: i64| Observation { completed_at: Some(at(end)), ..seen(RunStatus::Failed) };
    story.say(uncounted(0)).say(seen(RunStatus::Running)).say(uncounted(2));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);
}

#[test]
fn a_later_start_is_another_attempt_and_the_same_start_is_the_same() {
    let started = |start: i64, status| Observation { started_at: Some(at(start)), ..seen(status) };
    let mut story = Story::new();
    story.say(started(0, RunStatus::Failed)).say(started(3600, RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);
    let mut late = Story::new();
    late.say(started(0, RunStatus::Failed)).say(started(0, RunStatus::Running)).say(started(0, RunStatus::Failed));
    assert_eq!(late.told, [Kind::Failed]);
}

#[test]
fn two_sources_that_differ_by_seconds_about_the_end_of_one_counted_attempt_tell_one_failure() {
    let mut story = Story::new();
    let counted = |end: i64| Observation { attempt: Some(1), completed_at: Some(at(end)), ..seen(RunStatus::Failed) };
    story.say(counted(10)).say(counted(15));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn an_engine_that_begins_its_count_anew_is_believed_when_its_change_is_newer() {
    let mut story = Story::new();
    story.say(failed_at(3, 10)).say(running_at(1, 100)).say(failed_at(1, 130));
    assert_eq!(story.told, [Kind::Failed, Kind::Failed]);
}

#[test]
fn a_change_from_the_far_future_does_not_make_what_follows_late() {
    let mut story = Story::new();
    let future = Some("2099-01-01T00:00:00Z".parse().expect("a time"));
    story.say(Observation { updated_at: future, ..seen(RunStatus::Running) }).say(failed_at(1, 10));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_failure_that_is_older_than_a_known_completion_is_not_told() {
    let mut story = Story::new();
    let ended = |end: i64, status| Observation { completed_at: Some(at(end)), ..seen(status) };
    story.say(ended(600, RunStatus::Completed)).say(ended(420, RunStatus::Failed));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons(), [&Reason::Superseded { attempt: None }]);
}

#[test]
fn a_run_that_is_forgotten_while_it_retries_is_said_to_have_vanished() {
    let mut story = Story::new();
    story.say(retrying(2));
    let changes = forget(at(60), &key(), story.known.take().expect("a run"), &story.policy);
    story.take(changes);
    assert_eq!(story.told, [Kind::Vanished]);
    assert!(!story.known.as_ref().is_some_and(Known::is_open));
    let mut quiet = Story::new();
    quiet.say(seen(RunStatus::Running));
    let changes = forget(at(60), &key(), quiet.known.take().expect("a run"), &quiet.policy);
    quiet.take(changes);
    assert!(quiet.told.is_empty());
    assert_eq!(quiet.reasons(), [&Reason::Forgotten { last: RunStatus::Running }]);
}

#[test]
fn history_is_known_and_not_told_but_its_rerun_is() {
    let mut story = Story::new();
    story.say_in(failed_at(1, 10), &Context { history: true, ..Context::default() });
    story.say(failed_at(1, 10));
    assert!(story.told.is_empty());
    story.say(running_at(2, 20)).say(failed_at(2, 30));
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn a_child_is_left_to_its_open_parent() {
    let mut story = Story::new();
    let child = Observation { parent: Some("p".to_owned()), ..seen(RunStatus::Failed) };
    story.say_in(child.clone(), &Context { parent_open: true, ..Context::default() });
    assert!(story.told.is_empty());
    let mut orphan = Story::new();
    orphan.say(child);
    assert_eq!(orphan.told, [Kind::Failed]);
    let mut own = Story::new();
    let rooted = Observation { parent: Some(key().run), ..seen(RunStatus::Failed) };
    own.say_in(rooted, &Context { parent_open: true, ..Context::default() });
    assert_eq!(own.told, [Kind::Failed], "a run that names itself as its parent silences itself");
}

#[test]
fn a_child_whose_parent_does_not_speak_in_time_is_told_by_itself() {
    let child = || Observation { parent: Some("p".to_owned()), ..seen(RunStatus::Failed) };
    let open = Context { parent_open: true, ..Context::default() };
    for (parent, told) in [
        (Some(Standing::Open), vec![Kind::Failed]),
        (Some(Standing::Cancelled), vec![Kind::Failed]),
        (None, vec![Kind::Failed]),
        (Some(Standing::Failed), vec![]),
        (Some(Standing::Completed), vec![]),
    ] {
        let mut story = Story::new();
        story.say_in(child(), &open);
        story.parent = parent;
        story.wait(3600).wait(3600);
        assert_eq!(story.told, told, "parent {parent:?}");
    }
}

#[test]
fn a_failure_that_is_completed_by_the_engine_is_put_on_record() {
    let mut story = Story::new();
    story.say(failed_at(1, 10)).say(Observation {
        attempt: Some(1),
        updated_at: Some(at(40)),
        ..seen(RunStatus::Completed)
    });
    assert_eq!(story.told, [Kind::Failed]);
    assert_eq!(story.reasons().last(), Some(&&Reason::CompletedAfterFailure));
}

#[test]
fn a_completed_run_that_is_forced_to_failed_is_told() {
    let mut story = Story::new();
    story.say(Observation { updated_at: Some(at(10)), ..seen(RunStatus::Completed) });
    story.say(Observation { completed_at: Some(at(10)), updated_at: Some(at(50)), ..seen(RunStatus::Failed) });
    assert_eq!(story.told, [Kind::Failed]);
}

#[test]
fn no_workspace_reaches_a_receiver_that_is_bound_to_another() {
    let mut story = Story::new();
    for audience in story.policy.receivers.values_mut() {
        audience.workspaces = Some(["other".to_owned()].into());
    }
    story.say(seen(RunStatus::Failed));
    assert!(story.told.is_empty());
    assert_eq!(story.reasons(), [&Reason::NobodyMaySee { receivers: vec!["oncall".to_owned()] }]);
}

#[test]
fn an_unmatched_failure_goes_to_the_defaults_or_says_that_no_rule_matched() {
    let mut story = Story::new();
    story.policy.rules = crate::engine::RuleSet::default();
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.reasons(), [&Reason::NoRule]);
    story.known = None;
    story.policy.default_notify = vec!["data".to_owned()];
    story.say(seen(RunStatus::Failed));
    assert_eq!(story.told, [Kind::Failed]);
}

/// The true life of a run whose engine counts and stamps: each attempt starts, may retry a step, and ends.
fn life(ends: &[bool]) -> Vec<Observation> {
    let mut life = Vec::new();
    let mut second = 0;
    for (index, &fails) in ends.iter().enumerate() {
        let attempt = u32::try_from(index + 1).expect("few attempts");
        life.push(running_at(attempt, second));
        second += 30;
        if fails {
            life.push(failed_at(attempt, second));
        } else {
            let end = Some(at(second));
            let done = seen(RunStatus::Completed);
            life.push(Observation { attempt: Some(attempt), completed_at: end, updated_at: end, ..done });
        }
        second += 30;
    }
    life
}

proptest! {
    #[test]
    fn each_failed_attempt_is_told_at_most_once_in_any_order_with_any_repeats(
        ends in prop::collection::vec(any::<bool>(), 1..5),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let life = life(&ends);
        let failures = ends.iter().filter(|&&fails| fails).count();
        let mut story = Story::new();
        for pick in picks {
            story.say(pick.get(&life).clone());
        }
        prop_assert!(story.told.len() <= failures, "{} told of {failures}", story.told.len());
        // The last word is always heard: an end that is seen after everything else is decided upon.
        let before = story.told.len();
        let heard = story.known.as_ref().and_then(|known| known.failure.as_ref()).and_then(|failure| failure.attempt);
        story.say(life.last().expect("a life").clone());
        let last = u32::try_from(ends.len()).expect("few attempts");
        if ends[ends.len() - 1] && heard != Some(last) {
            prop_assert_eq!(story.told.len(), before + 1);
        }
    }

    #[test]
    fn in_order_every_failed_attempt_is_told(ends in prop::collection::vec(any::<bool>(), 1..6)) {
        let mut story = Story::new();
        for observation in life(&ends) {
            story.say(observation.clone()).say(observation);
        }
        prop_assert_eq!(story.told.len(), ends.iter().filter(|&&fails| fails).count());
    }
}
