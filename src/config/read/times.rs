//! Readers of times: instants, times of day, days of the week, time zones.

use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, db};
use jiff::{Timestamp, Zoned};
use toml::Value;

use super::{At, one_or_many, text};
use crate::config::suggest;

/// The days by their names, Monday first.
const DAYS: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

/// A moment: a date and a time with an offset or a zone.
pub(in crate::config) fn instant(at: &At<'_>) -> Option<Timestamp> {
    let written = match at.value {
        Value::String(written) => written.trim().to_owned(),
        Value::Datetime(date) => date.to_string(),
        _ => return at.wrong("a date and a time with its offset, such as \"2026-11-25T06:00:00+01:00\""),
    };
    let help =
        "write it as \"2026-11-25T06:00:00+01:00\", \"2026-11-25T05:00:00Z\" or \"2026-11-25T06:00[Europe/Berlin]\"";
    let zoned = written.contains('[');
    let read = if zoned { written.parse::<Zoned>().map(|zoned| zoned.timestamp()) } else { written.parse() };
    match read {
        Ok(instant) => Some(instant),
        Err(_) if !zoned && written.parse::<jiff::civil::DateTime>().is_ok() => {
            at.fail(format!("{written:?} says not on whose clock"), Some(help.to_owned()))
        }
        Err(error) if zoned => at.fail(format!("{written:?} is no moment: {error}"), Some(help.to_owned())),
        Err(_) => {
            at.fail(format!("expected a date and a time with its offset, found {written:?}"), Some(help.to_owned()))
        }
    }
}

/// A time of day, `22:00`. `24:00` is the midnight after.
pub(in crate::config) fn day_time(at: &At<'_>) -> Option<Time> {
    const EXPECTED: &str = "a time of day such as \"22:00\"";
    let Value::String(written) = at.value else {
        return at.fail(
            format!("expected {EXPECTED}, found {}", super::kind_of(at.value)),
            Some("put it in quotes".to_owned()),
        );
    };
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i8>().ok())?
    };
    let read = written.trim().split_once(':').and_then(|(hour, minute)| {
        match (number(hour, 1..=2)?, number(minute, 2..=2)?) {
            (24, 0) => Some(Time::midnight()),
            (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
        }
    });
    read.or_else(|| {
        at.fail(
            format!("expected {EXPECTED}, found {written:?}"),
            Some("hours go from 00 to 23, minutes from 00 to 59".to_owned()),
        )
    })
}

/// Days of the week: one or a list, each a day or a range such as `mon-fri`, which may go over the end of the week.
pub(in crate::config) fn days(at: &At<'_>) -> Option<Vec<Weekday>> {
    let ranges = one_or_many(days_of)(at)?;
    let named = ranges.concat();
    Some(DAYS.iter().map(|(_, _, day)| *day).filter(|day| named.contains(day)).collect())
}

fn days_of(at: &At<'_>) -> Option<Vec<Weekday>> {
    let written = text(at)?;
    let Some((first, last)) = written.split_once('-') else {
        return day(at, written.trim()).map(|day| vec![day]);
    };
    let (first, last) = (day(at, first.trim()), day(at, last.trim()));
    let (first, last) = (first?, last?);
    let week = || DAYS.iter().map(|(_, _, day)| *day).cycle();
    let mut range: Vec<Weekday> =
        week().skip_while(|day| *day != first).take_while(|day| *day != last).take(7).collect();
    range.push(last);
    Some(range)
}

fn day(at: &At<'_>, written: &str) -> Option<Weekday> {
    let lower = written.to_lowercase();
    let found = DAYS.iter().find(|(short, long, _)| *short == lower || *long == lower);
    found.map(|(_, _, day)| *day).or_else(|| {
        at.fail(
            format!("{written:?} is no day of the week"),
            suggest::hint(written, "known are", DAYS.iter().map(|(short, ..)| *short)),
        )
    })
}

/// A time zone by its IANA name.
pub(in crate::config) fn zone(at: &At<'_>) -> Option<TimeZone> {
    let name = text(at)?;
    if let Ok(zone) = TimeZone::get(&name) {
        return Some(zone);
    }
    let help = near_zone(&name).map_or_else(
        || {
            "write its IANA name, such as \"Europe/Berlin\"; an abbreviation or an offset knows no daylight saving"
                .to_owned()
        },
        |near| format!("did you mean `{near}`?"),
    );
    at.fail(format!("there is no time zone {name:?}"), Some(help))
}

/// The zone that is meant. A city alone is what most people try first; nothing is near to `CEST` or `UTC+1`.
fn near_zone(name: &str) -> Option<String> {
    if !name.chars().any(char::is_lowercase) {
        return None;
    }
    let names: Vec<String> = db().available().map(|name| name.to_string()).collect();
    if name.contains('/') {
        return suggest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    }
    let city = |zone: &str| zone.rsplit('/').next().unwrap_or_default().to_owned();
    let cities: Vec<String> = names.iter().map(|zone| city(zone)).collect();
    let wanted = name.replace(' ', "_");
    let near = suggest::nearest(&wanted, cities.iter().map(String::as_str))?;
    names.iter().find(|zone| city(zone) == near).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Disk;
    use crate::config::cx::Cx;
    use crate::config::path::Path;

    fn read<T>(text: &str, reader: impl FnOnce(&At<'_>) -> Option<T>) -> Option<T> {
        let (env, value) = (BTreeMap::new(), Value::String(text.to_owned()));
        let cx = Cx::new(&env, &Disk, |_| Ok(()));
        reader(&At { cx: &cx, value: &value, path: Path::default() })
    }

    #[test]
    fn days_are_days_and_ranges_that_may_go_over_the_end_of_the_week() {
        use Weekday::{Friday, Monday, Saturday, Sunday, Tuesday};
        assert_eq!(read("sat", days), Some(vec![Saturday]));
        assert_eq!(read("Saturday - sun", days), Some(vec![Saturday, Sunday]));
        assert_eq!(read("fri-mon", days), Some(vec![Monday, Friday, Saturday, Sunday]));
        assert_eq!(read("tue-mon", days).map(|days| days.len()), Some(7));
        assert_eq!(read("mon-tue", days), Some(vec![Monday, Tuesday]));
        assert_eq!((read("mon-", days), read("someday", days)), (None, None));
    }

    #[test]
    fn a_time_of_day_has_hours_and_minutes() {
        assert_eq!(read("7:05", day_time), Some(jiff::civil::time(7, 5, 0, 0)));
        assert_eq!(read("24:00", day_time), Some(Time::midnight()));
        for wrong in ["", "7", "7:5", "25:00", "24:01", "07:60", "-1:00", "+7:00", "7pm", "07:00:00"] {
            assert_eq!(read(wrong, day_time), None, "{wrong}");
        }
    }

    #[test]
    fn a_moment_has_an_offset_or_a_zone() {
        let six = "2026-11-25T05:00:00Z".parse().ok();
        for right in [
            "2026-11-25T05:00:00Z",
            "2026-11-25T06:00:00+01:00",
            "2026-11-25T06:00[Europe/Berlin]",
            "2026-11-25 06:00+01",
        ] {
            assert_eq!(read(right, instant), six, "{right}");
        }
        for wrong in
            ["2026-11-25", "2026-11-25T06:00", "tomorrow", "2026-11-25T06:00[Europe/Berln]", "2026-02-30T06:00Z"]
        {
            assert_eq!(read(wrong, instant), None, "{wrong}");
        }
    }
}
