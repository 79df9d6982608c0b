//! Puts the simulation's own words into the engine's: a configuration, a card, an observation.

use std::collections::BTreeMap;

use firstred::engine::{
    After, Audience, Budget, Condition, Escalate, Field, Inhibition, Matcher, Patience, Pattern, Policy, ProviderGate,
    Rhythm, RhythmOverride, Rule, RuleSet, Schedule, Silence, StatusPattern, Window,
};
use firstred::run::{RunKey, RunStatus, StepError, Workflow};
use firstred::triage::{
    Card, Cause, ClassReason, Consequences, Fingerprint, Observation, Passed, RetryLevel, Retrying, RunFacts, Standing,
};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::life::{Life, Phase, Report};
use super::spec::{Beat, Cond, Fault, Fit, Group, Name, PolicySpec, RuleSpec, SilenceSpec};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn patterns(text: Option<Name>) -> Vec<Pattern> {
    text.map(|text| Pattern::parse(text).expect("a pattern")).into_iter().collect()
}

pub(super) fn matcher(fit: &Fit) -> Matcher {
    Matcher {
        workspace: patterns(fit.space),
        workflow: patterns(fit.workflow),
        step: patterns(fit.step),
        code: patterns(fit.code),
        class: fit.class.into_iter().collect(),
        status: fit.status.map(StatusPattern::Exact).into_iter().collect(),
        ..Matcher::default()
    }
}

pub(super) fn field(group: Group) -> Field {
    match group {
        Group::Workflow => Field::Workflow,
        Group::Step => Field::Step,
        Group::Code => Field::Code,
        Group::Class => Field::Class,
        Group::Provider => Field::Provider,
        Group::Fingerprint => Field::Fingerprint,
        Group::Run => Field::Run,
    }
}

fn condition(cond: Cond) -> Condition {
    match cond {
        Cond::Failures(failures, within) => Condition::Failures { failures, within: secs(within) },
        Cond::Consecutive(consecutive) => Condition::Consecutive { consecutive },
        Cond::Rate(tenths, of_last) => Condition::Rate { rate: f64::from(tenths) / 10.0, of_last },
    }
}

fn after(rule: &RuleSpec) -> Option<After> {
    let all = rule.after.iter().find(|(class, _)| class.is_none()).map(|(_, cond)| condition(*cond));
    let by_class = rule.after.iter().filter_map(|(class, cond)| Some(((*class)?, condition(*cond)))).collect();
    (!rule.after.is_empty()).then_some(After { all, by_class })
}

fn owned(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rhythm(beat: Beat) -> Rhythm {
    Rhythm {
        update_every: secs(beat.update_every),
        remind: beat.remind.map(secs),
        resolve_after: secs(beat.resolve_after),
        reopen_within: secs(beat.reopen_within),
    }
}

fn rule(spec: &RuleSpec) -> Rule {
    let beat = rhythm(spec.rhythm);
    Rule {
        unless: spec.unless.as_ref().map(matcher).unwrap_or_default(),
        severity: spec.severity,
        notify: owned(&spec.notify),
        hold: spec.hold.map(secs),
        keep_going: spec.keep_going,
        group_by: spec.group.as_ref().map(|groups| groups.iter().copied().map(field).collect()),
        after: after(spec),
        rhythm: RhythmOverride {
            update_every: Some(beat.update_every),
            remind: Some(beat.remind),
            resolve_after: Some(beat.resolve_after),
            reopen_within: Some(beat.reopen_within),
        },
        escalate: spec.escalate.as_ref().map(|(after, notify)| Escalate { after: secs(*after), notify: owned(notify) }),
        ..Rule::new(spec.name, matcher(&spec.when))
    }
}

pub(super) fn silence(spec: &SilenceSpec, by: Option<&str>) -> Silence {
    Silence {
        id: spec.id.to_owned(),
        when: matcher(&spec.when),
        from: spec.from.map(at),
        until: at(spec.until),
        by: by.map(str::to_owned),
        comment: None,
        unless_new: spec.unless_new,
    }
}

pub(super) fn policy(spec: &PolicySpec) -> Policy {
    let mut receivers = BTreeMap::new();
    let mut schedules = BTreeMap::new();
    for (name, receiver) in &spec.receivers {
        let quiet = receiver.quiet.map(|(from, to)| {
            let hour = |hour: i64| Time::constant(i8::try_from(hour).expect("an hour"), 0, 0, 0);
            let days = Weekday::Monday.cycle_forward().take(7).collect();
            let windows = vec![Window { days, from: hour(from), to: hour(to) }];
            schedules.insert(format!("quiet-{name}"), Schedule { zone: TimeZone::UTC, windows });
            format!("quiet-{name}")
        });
        let audience = Audience {
            kind: "",
            workspaces: receiver.bound.map(|space| [space.to_owned()].into()),
            fallback: receiver.fallback.map(str::to_owned),
            patience: Patience { give_up_after: secs(receiver.give_up_after) },
            addresses: Vec::new(),
            budget: receiver.budget.map(|(messages, within)| Budget { messages, within: secs(within) }),
            quiet,
            passes: receiver.passes,
            manner: receiver.manner,
        };
        receivers.insert((*name).to_owned(), audience);
    }
    Policy {
        rules: RuleSet::new(spec.rules.iter().map(rule).collect()),
        default_notify: owned(&spec.default_notify),
        default_hold: secs(spec.default_hold),
        receivers,
        rhythm: rhythm(spec.beat),
        schedules,
        silences: spec.silences.iter().map(|spec| silence(spec, None)).collect(),
        inhibitions: spec
            .inhibitions
            .iter()
            .map(|spec| Inhibition {
                name: spec.name.to_owned(),
                source: matcher(&spec.source),
                target: matcher(&spec.target),
                equal: spec.equal.iter().copied().map(field).collect(),
            })
            .collect(),
        providers: ProviderGate {
            workflows: spec.gate.map(|(workflows, _)| workflows),
            within: secs(spec.gate.map_or(600, |(_, within)| within)),
        },
        ..Policy::default()
    }
}

pub(super) fn key(life: &Life) -> RunKey {
    RunKey { workspace: life.space.to_owned(), workflow: life.workflow.to_owned(), run: life.id.clone() }
}

fn card(life: &Life, report: &Report, fault: &Fault, retrying: Option<Retrying>) -> Card {
    let error = StepError { code: fault.code.to_owned(), provider_status: fault.status, ..StepError::default() };
    let cause = match fault.step {
        Some(step) => Cause::Step {
            number: Some(1),
            title: step.to_owned(),
            kind: None,
            attempt: None,
            max_attempts: None,
            failed_at: None,
            url: None,
            error: Some(error),
            run_error: None,
        },
        None => Cause::Run { before_any_step: true, error },
    };
    Card {
        source: "events".to_owned(),
        run: RunFacts {
            id: life.id.clone(),
            attempt: life.counts.then_some(report.attempt),
            max_attempts: None,
            replay_of: None,
            workspace: life.space.to_owned(),
            workflow: Workflow { id: None, name: Some(life.workflow.to_owned()), version: None },
            trigger: None,
            url: None,
            started_at: Some(at(report.started)),
            completed_at: report.ended.map(at),
            labels: BTreeMap::new(),
        },
        cause,
        class: fault.class,
        decided_by: ClassReason::Nothing,
        advice: "Look.".to_owned(),
        fingerprint: Fingerprint(fault.fingerprint()),
        progress: None,
        consequences: Consequences::default(),
        retrying,
        provider: fault.provider.map(str::to_owned),
        missed: None,
        redacted: 0,
    }
}

/// What a source saw.
pub(super) fn observation(life: &Life, report: &Report) -> Observation {
    let again = |level, step: Option<Name>, tried| Retrying {
        level,
        step: step.map(str::to_owned),
        attempt: Some(tried),
        of: Some(9),
        next_at: None,
    };
    let (status, standing, card) = match &report.phase {
        Phase::Running => (RunStatus::Running, Standing::Open, None),
        Phase::Retrying(fault, tried) => {
            let retry = again(RetryLevel::Step, fault.step, *tried);
            (RunStatus::Running, Standing::Retrying, Some(card(life, report, fault, Some(retry))))
        }
        Phase::Announced(fault) => {
            let retry = again(RetryLevel::Run, None, report.attempt);
            (RunStatus::Failed, Standing::Retrying, Some(card(life, report, fault, Some(retry))))
        }
        Phase::Failed(fault) => (RunStatus::Failed, Standing::Failed, Some(card(life, report, fault, None))),
        Phase::Completed => (RunStatus::Completed, Standing::Completed, None),
        Phase::Cancelled => (RunStatus::Cancelled, Standing::Cancelled, None),
        Phase::Replaced => (RunStatus::Failed, Standing::Cancelled, None),
    };
    Observation {
        key: key(life),
        workflow_name: None,
        source: "events".to_owned(),
        attempt: life.counts.then_some(report.attempt),
        status,
        standing,
        started_at: Some(at(report.started)),
        completed_at: report.ended.map(at),
        updated_at: Some(at(report.at)),
        parent: life.parent.clone(),
        replay_of: None,
        retried_as: (report.phase == Phase::Replaced).then(|| format!("{}-in-its-place", life.id)),
        version: None,
        url: None,
        parked: None,
        passed: Passed(report.passed.as_ref().map(|steps| steps.iter().map(|step| (*step).to_owned()).collect())),
        card: card.map(Box::new),
    }
}
