//! Hours of the week in which to mine, such as `mon-fri 18:00-08:00`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

const DAYS: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "mon", "Monday"),
    (Weekday::Tuesday, "tue", "Tuesday"),
    (Weekday::Wednesday, "wed", "Wednesday"),
    (Weekday::Thursday, "thu", "Thursday"),
    (Weekday::Friday, "fri", "Friday"),
    (Weekday::Saturday, "sat", "Saturday"),
    (Weekday::Sunday, "sun", "Sunday"),
];

/// A minute of the week, by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LocalTime {
    /// The day.
    pub weekday: Weekday,
    /// Minutes since its midnight, below 1440.
    pub minute: u32,
}

/// Hours on some days of the week. Those that end before they begin end on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    first: Weekday,
    last: Weekday,
    /// In minutes since midnight.
    from: u32,
    to: u32,
}

/// Why a text is no hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} are no hours; write them like \"mon-fri 18:00-08:00\" or \"sat 00:00-24:00\", days as mon tue wed thu fri sat sun"
)]
pub struct HoursError(String);

impl LocalTime {
    const fn of_week(minute: u32) -> Self {
        let minute = minute % WEEK;
        let (weekday, _, _) = DAYS[(minute / DAY) as usize];
        Self { weekday, minute: minute % DAY }
    }

    const fn in_week(self) -> u32 {
        self.weekday as u32 * DAY + self.minute
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, _, name) = DAYS[self.weekday as usize];
        write!(f, "{name} {:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl Hours {
    /// When the next of `hours` begin; nothing if it is one of them now, or if there are none.
    pub(crate) fn next(hours: &[Self], now: LocalTime) -> Option<LocalTime> {
        let now = now.in_week();
        if hours.iter().any(|hours| hours.starts().any(|start| wait(start, now) < hours.length())) {
            return None;
        }
        let starts = hours.iter().flat_map(|hours| hours.starts());
        let next = starts.min_by_key(|start| wait(now, *start))?;
        Some(LocalTime::of_week(next))
    }

    fn length(self) -> u32 {
        if self.to > self.from { self.to - self.from } else { self.to + DAY - self.from }
    }

    /// Minutes of the week at which they begin.
    fn starts(self) -> impl Iterator<Item = u32> {
        let days = (self.last as u32 + 7 - self.first as u32) % 7;
        (0..=days).map(move |day| ((self.first as u32 + day) % 7) * DAY + self.from)
    }
}

/// Minutes from one minute of the week to the next time that it is the other.
const fn wait(from: u32, to: u32) -> u32 {
    (to + WEEK - from) % WEEK
}

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let read = || {
            let (days, times) = text.trim().split_once(' ')?;
            let (first, last) = days.split_once('-').unwrap_or((days, days));
            let (from, to) = times.trim().split_once('-')?;
            let (from, to) = (minute(from)?, minute(to)?);
            let hours = Self { first: day(first)?, last: day(last)?, from, to };
            (from < DAY && from != to).then_some(hours)
        };
        read().ok_or_else(|| HoursError(text.to_owned()))
    }
}

fn day(text: &str) -> Option<Weekday> {
    DAYS.iter().find(|(_, short, _)| short.eq_ignore_ascii_case(text.trim())).map(|(day, _, _)| *day)
}

/// `00:00` to `24:00`.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= 24 && minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

impl TryFrom<String> for Hours {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        let short = |day: Weekday| DAYS[day as usize].1;
        let days = if hours.first == hours.last {
            short(hours.first).to_owned()
        } else {
            format!("{}-{}", short(hours.first), short(hours.last))
        };
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        format!("{days} {}-{}", clock(hours.from), clock(hours.to))
    }
}
