//! Makes a failing plan small: leaves out actions for as long as it still fails in the same way.

use super::plan::Plan;

/// How many plays a shrinking may take.
const MOST_PLAYS: usize = 1_500;

/// The smallest plan that was found, and how it fails.
pub(super) fn shrink(plan: Plan, broken: String, play: impl Fn(&Plan) -> Option<String>) -> (Plan, String) {
    let (mut best, mut why) = (plan, broken);
    let kind = kind_of(&why);
    let mut plays = 0;
    let mut chunk = best.actions.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let mut smaller = false;
        while from < best.actions.len() && plays < MOST_PLAYS {
            let mut fewer = best.clone();
            fewer.actions.drain(from..(from + chunk).min(fewer.actions.len()));
            plays += 1;
            match play(&fewer).filter(|why| kind_of(why) == kind) {
                Some(again) => {
                    (best, why, smaller) = (fewer, again, true);
                }
                None => from += chunk,
            }
        }
        if plays >= MOST_PLAYS || (chunk == 1 && !smaller) {
            return (best, why);
        }
        if !smaller {
            chunk = chunk.div_ceil(2);
        }
    }
}

/// The words of a failure without its names and numbers.
fn kind_of(why: &str) -> String {
    why.lines()
        .next()
        .unwrap_or("")
        .split([':', '(', '{'])
        .next()
        .unwrap_or("")
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .collect()
}
