//! What a survey found, in words. It asks nobody.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::super::words::span;
use crate::source::{Count, Survey};
use crate::triage::redact::clean;

/// Clocks that differ by less agree: `Date` has whole seconds, and an answer takes its time.
const SAME_CLOCK: SignedDuration = SignedDuration::from_secs(3);

pub(super) fn survey(name: &str, survey: &Survey) -> String {
    let version = survey.version.as_deref().map(|version| format!(" {}", clean(version))).unwrap_or_default();
    let mut text = format!("{}: {}{version}", clean(name), clean(&survey.engine));
    for one in &survey.reached {
        match &one.outcome {
            Ok(found) => {
                let _ = write!(text, "\n  ok    {}: {}", one.what, clean(found));
            }
            Err(obstacle) => {
                let sign = if one.needed { "NO  " } else { "no  " };
                let _ = write!(text, "\n  {sign}  {}: {}", one.what, clean(&obstacle.why));
                let _ = write!(text, "\n        without it: {}", one.costs);
                let _ = write!(text, "\n        {}", clean(&obstacle.remedy));
            }
        }
    }
    for one in &survey.counts {
        let _ = write!(text, "\n  {}", count(one));
    }
    let _ = write!(text, "\n  {}", clock(survey.ahead));
    if let Some(rights) = &survey.rights {
        let _ = write!(text, "\n  {rights}");
    }
    if survey.requests > 0 {
        let requests =
            if survey.requests == 1 { "1 request".to_owned() } else { format!("{} requests", survey.requests) };
        let _ = write!(text, "\n  a poll in which nothing is new takes {requests}");
    }
    text
}

fn count(one: &Count) -> String {
    let plus = if one.at_least { " or more" } else { "" };
    format!("{}: {}{plus}", one.what, one.runs)
}

fn clock(ahead: Option<SignedDuration>) -> String {
    match ahead {
        None => "its clock can't be read: there is no `Date` in its answers".to_owned(),
        Some(ahead) if ahead.abs() < SAME_CLOCK => "its clock agrees with ours".to_owned(),
        Some(ahead) if ahead.is_positive() => format!("its clock is {} ahead of ours", span(ahead)),
        Some(ahead) => format!("its clock is {} behind ours", span(ahead.abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_to_the_second_that_a_date_has() {
        let said = |seconds| clock(Some(SignedDuration::from_secs(seconds)));
        assert_eq!(said(2), said(-2));
        assert_eq!(said(90), "its clock is 1m 30s ahead of ours");
        assert_eq!(said(-90), "its clock is 1m 30s behind ours");
    }
}
