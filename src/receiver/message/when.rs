//! Times and durations as people read them, always in UTC and always saying so. It knows no card.

use jiff::{SignedDuration, Timestamp};

/// `2026-11-22 10:14:01 UTC`
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `10:14 UTC`, or with the date where it is not within 18 hours of `now`.
pub(crate) fn soon(at: Timestamp, now: Timestamp) -> String {
    let near = at.duration_since(now).abs() < SignedDuration::from_hours(18);
    at.strftime(if near { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" }).to_string()
}

/// `340 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn span(duration: SignedDuration) -> String {
    let millis = duration.as_millis().max(0);
    let seconds = millis / 1000;
    let pair = |big: i128, one: &str, small: i128, two: &str| {
        if small == 0 { format!("{big} {one}") } else { format!("{big} {one} {small} {two}") }
    };
    match seconds {
        0 if millis == 0 => "0 s".to_owned(),
        0 => format!("{millis} ms"),
        1..60 if millis % 1000 < 100 => format!("{seconds} s"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// A duration in which seconds don't count: `45 s`, `18 min`, `4 h`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn rough(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let unit = match seconds {
        0..60 => 1,
        60..36_000 => 60,
        _ => 3_600,
    };
    span(SignedDuration::from_secs(seconds / unit * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        let shown = |millis| span(SignedDuration::from_millis(millis));
        assert_eq!(
            [0, 340, 12_400, 9_000, 200_000, 7_500_000, 273_600_000].map(shown),
            ["0 s", "340 ms", "12.4 s", "9 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"]
        );
    }

    #[test]
    fn a_rough_duration_leaves_out_what_does_not_count() {
        let shown = |seconds| rough(SignedDuration::from_secs(seconds));
        assert_eq!(
            [-5, 0, 45, 1_083, 14_401, 7_530, 93_660, 273_700].map(shown),
            ["0 s", "0 s", "45 s", "18 min", "4 h", "2 h 5 min", "1 d 2 h", "3 d 4 h"]
        );
    }

    #[test]
    fn a_time_of_another_day_carries_its_date() {
        let now: Timestamp = "2026-11-22T23:50:00Z".parse().expect("a time");
        let at = |text: &str| soon(text.parse().expect("a time"), now);
        assert_eq!(at("2026-11-23T02:14:00Z"), "02:14 UTC");
        assert_eq!(at("2026-11-24T02:14:00Z"), "2026-11-24 02:14 UTC");
    }
}
