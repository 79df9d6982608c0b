//! How a problem is proven to be over.

use super::*;
use crate::engine::Proof;

fn passed(steps: &[&str]) -> Passed {
    Passed(Some(steps.iter().map(|step| (*step).to_owned()).collect()))
}

#[test]
fn a_later_run_that_passed_the_step_that_failed_ends_it() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60).bill("r2").until(1_080);
    bed.said();
    bed.see(Observation { passed: passed(&["charge", "load"]), ..observation("billing", "r3", RunStatus::Completed) });
    let note = bed.note();
    let end = note.resolution.expect("an end");
    assert!(matches!(&end.proof, Proof::LaterRun { run, step_seen: true } if run.id == "r3"));
    assert_eq!((note.runs, end.not_again_count), (2, 2));
    let names: Vec<&str> = end.not_again.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(names, ["r2", "r1"], "newest first");
    assert_eq!(bed.said(), ["1080 resolved oncall"]);
}

#[test]
fn a_run_that_is_still_going_proves_it_as_soon_as_it_is_past_the_step() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60);
    bed.see(Observation { passed: passed(&["charge"]), ..observation("billing", "r2", RunStatus::Running) });
    assert_eq!(bed.said(), ["0 failed oncall", "60 resolved oncall"]);
}

#[test]
fn a_run_that_fails_later_on_proves_the_first_place_and_is_a_problem_of_its_own() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60);
    let failed = Observation {
        passed: passed(&["charge"]),
        card: Some(Box::new(card("billing", "mail", "SMTP"))),
        ..observation("billing", "r2", RunStatus::Failed)
    };
    bed.see(failed);
    assert_eq!(bed.said(), ["0 failed oncall", "60 failed oncall", "60 resolved oncall"]);
}

#[test]
fn a_run_that_went_around_the_step_proves_nothing() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60);
    bed.see(Observation { passed: passed(&["load"]), ..observation("billing", "r2", RunStatus::Completed) });
    assert_eq!(bed.said(), ["0 failed oncall"]);
}

#[test]
fn a_run_that_began_before_the_failure_proves_nothing() {
    let mut bed = Bed::new();
    bed.until(100).bill("r1").until(160);
    bed.see(Observation {
        started_at: Some(at(10)),
        passed: passed(&["charge"]),
        ..observation("billing", "r0", RunStatus::Completed)
    });
    assert_eq!(bed.said(), ["100 failed oncall"]);
}

#[test]
fn a_source_that_reports_no_steps_proves_by_a_completed_run_and_says_so() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60).complete("billing", "r2");
    assert!(matches!(bed.note().resolution.expect("an end").proof, Proof::LaterRun { step_seen: false, .. }));
}

#[test]
fn the_failed_run_itself_completed_after_all() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60).see(observation("billing", "r1", RunStatus::Running)).until(90).complete("billing", "r1");
    let end = bed.note().resolution.expect("an end");
    assert!(matches!(end.proof, Proof::SameRun { .. }));
    assert_eq!(end.not_again_count, 0);
}

#[test]
fn an_engine_that_turns_a_failed_run_into_a_completed_one_ends_it() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60);
    bed.see(Observation { started_at: Some(at(-1)), ..observation("billing", "r1", RunStatus::Completed) });
    assert_eq!(bed.said(), ["0 failed oncall", "60 resolved oncall"]);
}

#[test]
fn without_a_failure_for_long_enough_it_is_taken_for_over_and_says_that_this_is_all() {
    let mut bed = Bed::new();
    bed.bill("r1").until(3_600 * 36);
    assert!(matches!(bed.note().resolution.expect("an end").proof, Proof::Quiet { since } if since == at(0)));
    assert_eq!(bed.said().last().map(String::as_str), Some("129600 resolved oncall"));
}

#[test]
fn a_failure_soon_after_the_end_opens_it_again_and_a_later_one_is_another_problem() {
    let mut bed = Bed::new();
    bed.bill("r1").until(60).complete("billing", "r2").until(600).bill("r3");
    let note = bed.note();
    assert_eq!((note.reopened, note.failures), (1, 2));
    assert_eq!(bed.said(), ["0 failed oncall", "60 resolved oncall", "600 reopened oncall"]);
    bed.until(700).complete("billing", "r4").until(700 + 3_601).bill("r5");
    assert_eq!(bed.note().failures, 1);
    assert_eq!(bed.said(), ["700 resolved oncall", "4301 failed oncall"]);
}

#[test]
fn a_problem_of_several_workflows_is_over_when_each_of_them_is() {
    let mut by_code = rule("all", Matcher::default());
    by_code.group_by = Some(vec![crate::engine::rule::Field::Code]);
    let mut bed = Bed::under(policy(vec![by_code]));
    bed.fail("a", "1", "s", "X").fail("b", "2", "t", "X").until(60).complete("a", "3");
    assert_eq!(bed.said(), ["0 failed oncall"]);
    bed.until(70).complete("b", "4");
    assert_eq!(bed.said(), ["70 resolved oncall"]);
}

#[test]
fn a_restart_changes_nothing() {
    let tell = |restarts: bool| {
        let mut bed = Bed::new();
        for step in 0..40 {
            let second = step * 333;
            bed.until(second);
            match step % 5 {
                0 | 1 | 3 => bed.bill(&format!("r{step}")),
                2 => bed.fail("other", &format!("o{step}"), "load", "OOM"),
                _ => bed.complete("billing", &format!("ok{step}")),
            };
            if restarts {
                bed.restart();
            }
        }
        bed.until(3_600 * 80).said()
    };
    assert_eq!(tell(true), tell(false));
}

#[test]
fn a_run_beside_the_one_that_failed_proves_nothing_however_late_it_ends() {
    let mut bed = Bed::new();
    bed.until(100);
    bed.see(Observation {
        started_at: Some(at(10)),
        card: Some(Box::new(card("billing", "charge", "X"))),
        ..observation("billing", "r1", RunStatus::Failed)
    });
    bed.until(200).see(Observation {
        started_at: Some(at(50)),
        passed: passed(&["charge"]),
        ..observation("billing", "r2", RunStatus::Completed)
    });
    assert_eq!(bed.said(), ["100 failed oncall"]);
}

#[test]
fn an_old_success_that_is_listed_again_proves_nothing_where_there_are_no_times() {
    let bare = |run: &str, status| {
        let mut seen = observation("billing", run, status);
        seen.card = (status == RunStatus::Failed).then(|| Box::new(card("billing", "charge", "X")));
        seen
    };
    let mut bed = Bed::new();
    let see = |bed: &mut Bed, seen: Observation| {
        let run = seen.key.run.clone();
        let known = bed.runs.remove(&run);
        let changes = bed.board.observe(at(bed.second), known, seen, Context::default(), &bed.policy);
        bed.runs.insert(run, changes.known);
        bed.hear(changes.told);
    };
    see(&mut bed, bare("r0", RunStatus::Completed));
    see(&mut bed, bare("r1", RunStatus::Failed));
    see(&mut bed, bare("r0", RunStatus::Completed));
    assert_eq!(bed.said(), ["0 failed oncall"]);
    see(&mut bed, bare("r2", RunStatus::Completed));
    assert_eq!(bed.said(), ["0 resolved oncall"]);
}
