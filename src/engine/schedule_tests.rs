//! Schedules at the edges of the clock: midnight, daylight saving in both directions, half an hour of it, none of it, a day that never was.

use jiff::civil::{Time, Weekday, time};
use proptest::prelude::*;

use super::*;

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];
const ZONES: [&str; 7] =
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "Asia/Gaza"];
const MIDNIGHT: Time = time(0, 0, 0, 0);

fn window(days: &[Weekday], from: &str, to: &str) -> Window {
    Window { days: days.to_vec(), from: from.parse().expect("a time"), to: to.parse().expect("a time") }
}

fn schedule(zone: &str, windows: Vec<Window>) -> Schedule {
    Schedule { zone: TimeZone::get(zone).expect("a zone"), windows }
}

fn nights(zone: &str) -> Schedule {
    schedule(zone, vec![window(&WEEK, "22:00", "07:00")])
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Until when it is on, as the clock of the place shows it.
fn until(schedule: &Schedule, now: &str) -> Option<String> {
    schedule.on_until(at(now)).map(|end| end.to_zoned(schedule.zone.clone()).strftime("%F %H:%M%:z").to_string())
}

#[test]
fn a_window_holds_its_beginning_and_not_its_end() {
    let lunch = schedule("UTC", vec![window(&WEEK, "12:00", "13:00")]);
    assert_eq!(until(&lunch, "2026-06-01T11:59:59.999Z"), None);
    assert_eq!(until(&lunch, "2026-06-01T12:00:00Z").as_deref(), Some("2026-06-01 13:00+00:00"));
    assert_eq!(until(&lunch, "2026-06-01T12:59:59.999999999Z").as_deref(), Some("2026-06-01 13:00+00:00"));
    assert_eq!(until(&lunch, "2026-06-01T13:00:00Z"), None);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let friday = schedule("UTC", vec![window(&[Weekday::Friday], "22:00", "07:00")]);
    // 2026-06-05 is a Friday.
    assert_eq!(until(&friday, "2026-06-05T03:00:00Z"), None, "that is Thursday's night");
    assert_eq!(until(&friday, "2026-06-05T23:00:00Z").as_deref(), Some("2026-06-06 07:00+00:00"));
    assert_eq!(until(&friday, "2026-06-06T06:59:00Z").as_deref(), Some("2026-06-06 07:00+00:00"));
    assert_eq!(until(&friday, "2026-06-06T22:30:00Z"), None);
}

#[test]
fn windows_that_follow_each_other_or_overlap_are_one_stretch() {
    let work = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let quiet = schedule(
        "Europe/Berlin",
        vec![
            window(&work, "18:00", "08:00"),
            window(&[Weekday::Saturday, Weekday::Sunday], "00:00", "00:00"),
            window(&[Weekday::Sunday], "20:00", "08:00"),
        ],
    );
    let monday = Some("2026-06-08 08:00+02:00");
    for now in ["2026-06-05T16:00:00Z", "2026-06-06T10:00:00Z", "2026-06-07T21:59:59Z", "2026-06-08T05:00:00Z"] {
        assert_eq!(until(&quiet, now).as_deref(), monday, "{now}");
    }
    assert_eq!(until(&quiet, "2026-06-08T06:00:00Z"), None);
}

#[test]
fn the_end_is_found_with_the_offset_of_its_own_day() {
    let berlin = nights("Europe/Berlin");
    assert_eq!(until(&berlin, "2026-01-10T22:00:00Z").as_deref(), Some("2026-01-11 07:00+01:00"));
    assert_eq!(until(&berlin, "2026-07-10T22:00:00Z").as_deref(), Some("2026-07-11 07:00+02:00"));
    // The clock goes on by an hour this night, and back by one in autumn: it still ends at seven by the clock.
    assert_eq!(until(&berlin, "2026-03-28T21:00:00Z").as_deref(), Some("2026-03-29 07:00+02:00"));
    assert_eq!(berlin.on_until(at("2026-03-28T21:00:00Z")), Some(at("2026-03-29T05:00:00Z")));
    assert_eq!(berlin.on_until(at("2026-10-24T20:00:00Z")), Some(at("2026-10-25T06:00:00Z")));
}

#[test]
fn what_the_clock_skips_in_spring_is_never_on() {
    // 02:00 becomes 03:00 at 01:00Z.
    let skipped = schedule("Europe/Berlin", vec![window(&WEEK, "02:00", "03:00")]);
    for minute in 0..180 {
        let now = at("2026-03-29T00:00:00Z") + SignedDuration::from_mins(minute);
        assert_eq!(skipped.on_until(now), None, "{now}");
    }
    let across = schedule("Europe/Berlin", vec![window(&WEEK, "01:30", "02:30")]);
    assert_eq!(across.on_until(at("2026-03-29T00:45:00Z")), Some(at("2026-03-29T01:00:00Z")), "2:30 never comes");
    let into = schedule("Europe/Berlin", vec![window(&WEEK, "02:30", "04:00")]);
    assert_eq!(into.on_until(at("2026-03-29T00:59:59Z")), None);
    assert_eq!(into.on_until(at("2026-03-29T01:00:00Z")), Some(at("2026-03-29T02:00:00Z")));
}

#[test]
fn windows_on_both_sides_of_a_jump_are_one_stretch() {
    let both = schedule("Europe/Berlin", vec![window(&WEEK, "01:00", "02:00"), window(&WEEK, "03:00", "04:00")]);
    assert_eq!(both.on_until(at("2026-03-29T00:10:00Z")), Some(at("2026-03-29T02:00:00Z")));
    assert_eq!(
        both.on_until(at("2026-03-28T00:10:00Z")),
        Some(at("2026-03-28T01:00:00Z")),
        "a day before there is a gap"
    );
}

#[test]
fn what_the_clock_shows_twice_in_autumn_is_on_both_times() {
    // 03:00 becomes 02:00 at 01:00Z.
    let twice = schedule("Europe/Berlin", vec![window(&WEEK, "02:00", "02:30")]);
    assert_eq!(twice.on_until(at("2026-10-25T00:10:00Z")), Some(at("2026-10-25T00:30:00Z")));
    assert_eq!(twice.on_until(at("2026-10-25T00:45:00Z")), None);
    assert_eq!(twice.on_until(at("2026-10-25T01:10:00Z")), Some(at("2026-10-25T01:30:00Z")));
    let whole = schedule("Europe/Berlin", vec![window(&WEEK, "02:00", "03:00")]);
    assert_eq!(whole.on_until(at("2026-10-25T00:10:00Z")), Some(at("2026-10-25T02:00:00Z")), "two hours without a gap");
}

#[test]
fn a_zone_without_daylight_saving_and_one_with_a_quarter_of_an_hour_are_right_all_year() {
    let tokyo = nights("Asia/Tokyo");
    let kathmandu = nights("Asia/Kathmandu");
    for day in ["2026-01-10", "2026-03-29", "2026-07-10", "2026-10-25"] {
        assert_eq!(tokyo.on_until(at(&format!("{day}T14:00:00Z"))), Some(at(&format!("{day}T22:00:00Z"))));
        assert_eq!(
            kathmandu.on_until(at(&format!("{day}T18:00:00Z"))),
            Some(at(&format!("{day}T01:15:00Z")) + SignedDuration::from_hours(24))
        );
    }
}

#[test]
fn half_an_hour_of_daylight_saving_is_half_an_hour() {
    // Lord Howe: on 2026-10-04 at 02:00+10:30 it becomes 02:30+11, on 2026-04-05 at 02:00+11 it becomes 01:30+10:30.
    let howe = schedule("Australia/Lord_Howe", vec![window(&WEEK, "01:45", "02:15")]);
    assert_eq!(until(&howe, "2026-10-03T15:20:00Z").as_deref(), Some("2026-10-04 02:30+11:00"), "2:15 never comes");
    let first = howe.on_until(at("2026-04-04T14:50:00Z"));
    assert_eq!(first, Some(at("2026-04-04T15:00:00Z")), "the clock goes back to 1:30, before the window");
    assert_eq!(howe.on_until(at("2026-04-04T15:10:00Z")), None);
    assert_eq!(until(&howe, "2026-04-04T15:20:00Z").as_deref(), Some("2026-04-05 02:15+10:30"));
    assert_eq!(
        until(&nights("Australia/Lord_Howe"), "2026-10-03T12:00:00Z").as_deref(),
        Some("2026-10-04 07:00+11:00")
    );
}

#[test]
fn a_night_over_the_end_of_the_year_ends_in_the_next() {
    let berlin = nights("Europe/Berlin");
    assert_eq!(until(&berlin, "2026-12-31T22:59:59Z").as_deref(), Some("2027-01-01 07:00+01:00"));
    let thursday = schedule("Pacific/Kiritimati", vec![window(&[Weekday::Thursday], "22:00", "07:00")]);
    assert_eq!(until(&thursday, "2026-12-31T09:00:00Z").as_deref(), Some("2027-01-01 07:00+14:00"));
}

#[test]
fn a_day_that_never_was_is_never_on() {
    // Samoa had no Friday 2011-12-30: at 10:00Z Thursday's midnight became Saturday's.
    let friday = schedule("Pacific/Apia", vec![window(&[Weekday::Friday], "00:00", "00:00")]);
    for hour in 0..72 {
        let now = at("2011-12-29T12:00:00Z") + SignedDuration::from_hours(hour);
        assert_eq!(friday.on_until(now), None, "{now}");
    }
    let thursday = schedule("Pacific/Apia", vec![window(&[Weekday::Thursday], "22:00", "07:00")]);
    assert_eq!(until(&thursday, "2011-12-30T09:00:00Z").as_deref(), Some("2011-12-31 00:00+14:00"));
    assert_eq!(until(&nights("Pacific/Apia"), "2011-12-30T09:00:00Z").as_deref(), Some("2011-12-31 07:00+14:00"));
}

#[test]
fn a_midnight_that_never_was_ends_the_day_before_it() {
    // Cairo, 2026-04-24: 00:00 becomes 01:00.
    let thursday = schedule("Africa/Cairo", vec![window(&[Weekday::Thursday], "20:00", "00:00")]);
    assert_eq!(until(&thursday, "2026-04-23T19:00:00Z").as_deref(), Some("2026-04-24 01:00+03:00"));
}

#[test]
fn a_schedule_that_is_always_on_ends_after_fifteen_days_and_one_without_windows_never_begins() {
    let always = schedule("Europe/Berlin", vec![window(&WEEK, "00:00", "00:00")]);
    let now = at("2026-03-20T10:00:00Z");
    assert_eq!(always.on_until(now), Some(now + HORIZON));
    assert_eq!(always.on_until(Timestamp::MAX), Some(Timestamp::MAX));
    assert!(always.on_until(Timestamp::MIN).is_some());
    assert_eq!(schedule("UTC", Vec::new()).on_until(now), None);
}

fn any_window() -> impl Strategy<Value = Window> {
    let quarter = || (0..24_i8, 0..4_i8).prop_map(|(hour, quarter)| time(hour, quarter * 15, 0, 0));
    (prop::sample::subsequence(&WEEK[..], 0..=7), quarter(), prop_oneof![quarter(), Just(MIDNIGHT)])
        .prop_map(|(days, from, to)| Window { days, from, to })
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    (prop::sample::select(&ZONES[..]), prop::collection::vec(any_window(), 0..5))
        .prop_map(|(zone, windows)| schedule(zone, windows))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_is_on_until_the_end_and_not_at_it(schedule in any_schedule(), now in 1_262_304_000_i64..2_208_988_800) {
        let now = Timestamp::from_second(now).expect("a time");
        let plainly_on = |at: Timestamp| schedule.windows.iter().any(|window| covers(window, schedule.zone.to_datetime(at)));
        match schedule.on_until(now) {
            None => prop_assert!(!plainly_on(now)),
            Some(end) => {
                prop_assert!(now < end && end <= now + HORIZON);
                prop_assert!(end == now + HORIZON || !plainly_on(end));
                prop_assert!(schedule.on_until(end - SignedDuration::from_nanos(1)).is_some());
                // Every change of a window or a clock falls on a whole five minutes.
                let mut at = now;
                while at < end {
                    prop_assert!(plainly_on(at), "off at {at}, before the end {end}");
                    at += SignedDuration::from_mins(5);
                }
                if end < now + HORIZON {
                    prop_assert_eq!(schedule.on_until(end - SignedDuration::from_secs(1)), Some(end));
                }
            }
        }
    }
}

/// The same said another way: minutes of the week, looked up one by one.
fn covers(window: &Window, shown: DateTime) -> bool {
    let seconds = |time: Time| i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let length = match seconds(window.to) - seconds(window.from) {
        length if length > 0 => length,
        length => length + 24 * 3600,
    };
    let of_week = i64::from(shown.date().weekday().to_monday_zero_offset()) * 86_400 + seconds(shown.time());
    window.days.iter().any(|day| {
        let begin = i64::from(day.to_monday_zero_offset()) * 86_400 + seconds(window.from);
        (of_week - begin).rem_euclid(7 * 86_400) < length
    })
}
