//! Why something is told only now. It knows no channel.

use jiff::Timestamp;

use super::line::Line;
use super::text;
use crate::engine::{Condition, Withheld};
use crate::triage::exact;

/// `told only now: quiet hours nights until 07:00 UTC`
pub(super) fn line(withheld: &Withheld, now: Timestamp) -> Line {
    Line::default().text("told only now: ").then(reason(withheld, now))
}

/// `quiet hours nights until 07:00 UTC`
pub(super) fn reason(withheld: &Withheld, now: Timestamp) -> Line {
    let line = Line::default();
    match withheld {
        Withheld::Condition { condition, .. } => line.text(format!("its rule waits for {}", waits_for(*condition))),
        Withheld::Silence { id, until } => line.text("silence ").code(id).text(" until ").time(*until, now),
        Withheld::Inhibited { inhibition, by } => {
            line.text("held back by ").code(inhibition).text(" while incident ").code(by.as_str()).text(" was open")
        }
        Withheld::Quiet { schedule, until } => {
            line.text("quiet hours ").code(schedule).text(" until ").time(*until, now)
        }
        Withheld::Budget { messages, within } => {
            let messages = text::counted(*messages, "message", "messages");
            line.text(format!("this receiver's budget of {messages} in {} was used up", exact(*within)))
        }
        Withheld::Provider { incident, provider } => line
            .text("it was part of the trouble with ")
            .code(provider)
            .text(" (incident ")
            .code(incident.as_str())
            .text(")"),
        Withheld::Rhythm { until } => line.text("the next update was not due before ").time(*until, now),
    }
}

fn waits_for(condition: Condition) -> String {
    match condition {
        Condition::Failures { failures, within } => {
            format!("{} within {}", text::counted(failures, "failure", "failures"), exact(within))
        }
        Condition::Consecutive { consecutive } => {
            format!("{} in a row", text::counted(consecutive, "failed run", "failed runs"))
        }
        Condition::Rate { rate, of_last } => {
            // Two digits are enough for a share, and 0.07 is not 7.000000000000001 %.
            let percent = (rate * 10_000.0).round() / 100.0;
            format!("failures in {percent} % of the last {}", text::counted(of_last, "run", "runs"))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::engine::IncidentId;
    use crate::receiver::test_support::at;

    #[test]
    fn every_delay_has_its_reason_in_words() {
        let id = || IncidentId::of_parts(&["x"]);
        let until = at("2026-11-22T07:00:00Z");
        let within = SignedDuration::from_mins(5);
        let condition = |condition| Withheld::Condition { condition, have: 1 };
        let all = [
            condition(Condition::Failures { failures: 3, within: SignedDuration::from_hours(1) }),
            condition(Condition::Consecutive { consecutive: 1 }),
            condition(Condition::Rate { rate: 0.07, of_last: 50 }),
            Withheld::Silence { id: "s_12345678".to_owned(), until },
            Withheld::Inhibited { inhibition: "engine down".to_owned(), by: id() },
            Withheld::Quiet { schedule: "nights".to_owned(), until },
            Withheld::Budget { messages: 20, within },
            Withheld::Provider { incident: id(), provider: "api.example.com".to_owned() },
            Withheld::Rhythm { until },
        ];
        let said: Vec<String> = all.iter().map(|why| line(why, at("2026-11-22T07:00:01Z")).plain()).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
