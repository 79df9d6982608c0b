//! GitHub's rate limits: the pause is kept, it is said, and no question is sent while it lasts.

use super::bench::{Bench, at, failed};
use crate::run::RunStatus;

#[tokio::test]
async fn a_used_up_limit_pauses_until_it_begins_anew_and_says_so() {
    let mut bench = Bench::new(vec![failed(1, -20, -10)]);
    bench.fake.with(|world| world.left = Some((20, at(1_500))));
    bench.poll(0).await.unwrap();
    bench.fake.with(|world| world.left = Some((0, at(1_500))));
    bench.set(failed(2, 1, 25));
    let error = bench.poll(30).await.unwrap_err();
    assert_eq!(error.retry_after, Some(1_471));
    assert!(error.to_string().contains("the rate limit of the token is used up until 12:25:00 UTC"), "{error}");
    // Whoever calls meanwhile: nothing is sent.
    let error = bench.poll(60).await.unwrap_err();
    assert_eq!((bench.fake.asked("").len(), error.retry_after.is_some_and(|wait| wait >= 1_400)), (0, true));
    bench.fake.with(|world| world.left = Some((5_000, at(4_200))));
    bench.news();
    bench.poll(1_510).await.unwrap();
    assert_eq!(bench.news(), [(2, 1, RunStatus::Failed, false)]);
}

#[tokio::test]
async fn a_secondary_limit_is_kept_to_as_long_as_it_says_and_a_minute_where_it_says_nothing() {
    let secondary = "{\"message\": \"You have exceeded a secondary rate limit. Please wait.\"}";
    for (status, headers, wait) in [
        (429, vec![("retry-after", "120".to_owned())], 120),
        (403, vec![("retry-after", "45".to_owned())], 45),
        (403, vec![], 60),
        (429, vec![], 60),
    ] {
        let mut bench = Bench::new(vec![]);
        bench.poll(0).await.unwrap();
        bench.fake.with(|world| world.broken.push(("status=queued".into(), status, headers, secondary.into())));
        let error = bench.poll(30).await.unwrap_err();
        assert_eq!(error.retry_after, Some(wait), "{status}: {error}");
        assert!(error.to_string().contains("GitHub asks us to wait"), "{error}");
        assert_eq!(bench.fake.asked("").len(), 2, "the rest is not asked");
    }
}

#[tokio::test]
async fn a_refusal_that_is_no_limit_is_no_pause() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    let refused = "{\"message\": \"Resource not accessible by personal access token\"}";
    bench.fake.with(|world| world.broken.push(("repos/".into(), 403, vec![], refused.into())));
    let error = bench.poll(30).await.unwrap_err();
    assert_eq!(error.retry_after, None);
    assert!(error.to_string().contains("needs Actions: read"), "{error}");
}

#[tokio::test]
async fn a_pause_in_the_middle_of_a_run_loses_nothing_and_tells_nothing_twice() {
    let mut bench = Bench::new(vec![]);
    bench.poll(0).await.unwrap();
    for id in 1..=30 {
        bench.set(failed(id, 1, 20));
    }
    bench.fake.with(|world| world.left = Some((24, at(300))));
    bench.poll(30).await.unwrap_err();
    let first = bench.news().len();
    assert!(first > 0 && first < 30, "{first}");
    bench.fake.with(|world| world.left = Some((5_000, at(3_900))));
    bench.poll(310).await.unwrap();
    assert_eq!(first + bench.news().len(), 30);
}

#[tokio::test]
async fn where_little_is_left_the_slow_walk_waits() {
    let mut bench = Bench::new((1..=300).map(|id| failed(id, -9_000, -8_000)).collect());
    bench.fake.with(|world| world.left = Some((900, at(3_600))));
    bench.poll(0).await.unwrap();
    bench.poll(30).await.unwrap();
    // Without a status, since a day.
    let walked =
        |bench: &Bench| bench.fake.asked("true&created=%3E").len() + bench.fake.asked("true&created=2026").len();
    assert_eq!(walked(&bench), 0);
    bench.fake.with(|world| world.left = Some((4_900, at(7_200))));
    bench.poll(60).await.unwrap();
    bench.poll(90).await.unwrap();
    assert_eq!(walked(&bench), 1);
}
