//! What people do, and what is done when nobody does anything.

use super::*;
use crate::engine::rule::Escalate;
use crate::engine::{CommandError, OWNER, Owner, Pattern, Rule};
use jiff::SignedDuration;

fn escalating() -> Bed {
    let escalate = Escalate { after: SignedDuration::from_mins(30), notify: vec!["data".to_owned()] };
    Bed::under(policy(vec![Rule { escalate: Some(escalate), ..rule("all", Matcher::default()) }]))
}

fn open(bed: &Bed) -> String {
    bed.board.incidents().next().expect("an incident").1.id.as_str().to_owned()
}

#[test]
fn when_nobody_acknowledges_somebody_else_is_told_and_learns_the_end_too() {
    let mut bed = escalating();
    bed.bill("r1").until(1_800);
    assert_eq!(bed.said(), ["0 failed oncall", "1800 escalated data"]);
    bed.until(2_000).complete("billing", "ok");
    assert_eq!(bed.said(), ["2000 resolved data", "2000 resolved oncall"]);
}

#[test]
fn an_acknowledged_problem_is_not_escalated() {
    let mut bed = escalating();
    bed.bill("r1").until(60);
    let id = open(&bed);
    bed.board.acknowledge(at(60), &id[..8], "ann").expect("acknowledged");
    bed.until(7_200);
    assert_eq!(bed.said(), ["0 failed oncall"]);
    assert_eq!(
        bed.board.acknowledge(at(60), "i_nothing", "ann"),
        Err(CommandError::NoIncident("i_nothing".to_owned()))
    );
}

#[test]
fn the_owner_is_told_and_nobodys_goes_to_the_defaults() {
    let mut policy = policy(vec![Rule { notify: vec![OWNER.to_owned()], ..rule("all", Matcher::default()) }]);
    policy.default_notify = vec!["oncall".to_owned()];
    policy.owners.push(Owner {
        name: "data team".to_owned(),
        when: Matcher { workflow: vec![Pattern::parse("etl-*").expect("a pattern")], ..Matcher::default() },
        notify: vec!["data".to_owned()],
        mention: Some("<!subteam^S1>".to_owned()),
        runbook: None,
    });
    let mut bed = Bed::under(policy);
    bed.fail("etl-1", "r1", "s", "X").bill("r2");
    let owner = bed.said[0].notification.owner.clone().expect("an owner");
    assert_eq!((owner.name.as_str(), owner.mention.as_deref()), ("data team", Some("<!subteam^S1>")));
    assert_eq!(bed.said(), ["0 failed data", "0 failed oncall"]);
}
