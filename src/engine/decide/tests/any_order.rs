//! Lives that are reported in any order, with any repeats.

use super::*;
use proptest::prelude::*;

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
