//! `[schedules.NAME]`: hours of the week.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use toml::Value;

use super::check_name;
use crate::config::path::Path;
use crate::config::read::{At, Section, day_time, days, list, zone};
use crate::config::suggest;
use crate::engine::{Schedule, Window};

/// A schedule, with where it stands.
pub(in crate::config) type Schedules = BTreeMap<String, (Schedule, Path)>;

/// `[schedules]`
pub(in crate::config) fn schedules(at: &At<'_>) -> Option<Schedules> {
    let Value::Table(table) = at.value else {
        return at.wrong("a table for each schedule, [schedules.NAME]");
    };
    let mut schedules = BTreeMap::new();
    for (name, value) in table {
        let entry = at.entry(name, value);
        check_name(&entry, name, " _.-");
        if let Some(schedule) = schedule(&entry) {
            schedules.insert(name.clone(), (schedule, entry.path));
        }
    }
    Some(schedules)
}

fn schedule(at: &At<'_>) -> Option<Schedule> {
    let section = Section::open(at, "schedules")?;
    let read_zone = section.get("zone", zone);
    let lost = section.has("zone") && read_zone.is_none();
    let help = "write windows = [{ days = [\"mon-fri\"], from = \"22:00\", to = \"07:00\" }]";
    let windows = section.need("windows", help, |at| {
        if at.value.as_array().is_some_and(Vec::is_empty) {
            return at.fail("a schedule without windows is never on", Some(help.to_owned()));
        }
        list(window)(at)
    });
    section.finish();
    (!lost).then_some(Schedule { zone: read_zone.unwrap_or(TimeZone::UTC), windows: windows? })
}

fn window(at: &At<'_>) -> Option<Window> {
    let section = Section::open(at, "window")?;
    let read_days = section.get("days", days);
    let (from, to) = (section.get("from", day_time), section.get("to", day_time));
    let lost = (section.has("days") && read_days.is_none())
        || (section.has("from") && from.is_none())
        || (section.has("to") && to.is_none());
    section.finish();
    let week = || Weekday::Monday.cycle_forward().take(7).collect();
    (!lost).then(|| Window {
        days: read_days.unwrap_or_else(week),
        from: from.unwrap_or(Time::midnight()),
        to: to.unwrap_or(Time::midnight()),
    })
}

/// The name of a schedule that exists.
pub(super) fn schedule_name(at: &At<'_>) -> Option<String> {
    let name = crate::config::read::text(at)?;
    if at.cx.schedules.contains(&name) {
        return Some(name);
    }
    let known = at.cx.schedules.iter().map(String::as_str);
    let help = suggest::hint(&name, "known schedules", known)
        .or_else(|| Some("write a [schedules.NAME] section; there is none yet".to_owned()));
    at.cx.unknown_name(&at.path, format!("there is no schedule {name:?}"), help);
    None
}

/// Whether it is never off.
pub(in crate::config) fn is_always_on(schedule: &Schedule) -> bool {
    // In a zone whose clock runs evenly, two weeks tell.
    let evenly = Schedule { zone: TimeZone::UTC, windows: schedule.windows.clone() };
    let two_weeks = jiff::SignedDuration::from_hours(14 * 24);
    evenly.on_until(Timestamp::UNIX_EPOCH).is_some_and(|end| end.duration_since(Timestamp::UNIX_EPOCH) >= two_weeks)
}
