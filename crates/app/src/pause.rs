//! How long a pause lasts, and by which clock.

use std::{str::FromStr, sync::Arc};

use cortensor_protocol::Millis;
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The time where the user is.
pub type Clock = Arc<dyn Fn() -> Zoned + Send + Sync>;

/// How long the user wants a pause to last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PauseLength {
    /// Until they resume, over restarts too.
    #[default]
    UntilResumed,
    /// 15 minutes.
    QuarterHour,
    /// An hour.
    Hour,
    /// Until six in the morning.
    UntilTomorrow,
}

/// A word that is no length of a pause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of a pause; say 15m, 1h or tomorrow")]
pub struct UnknownLength(String);

impl FromStr for PauseLength {
    type Err = UnknownLength;

    fn from_str(text: &str) -> Result<Self, UnknownLength> {
        match text {
            "15m" => Ok(Self::QuarterHour),
            "1h" => Ok(Self::Hour),
            "tomorrow" => Ok(Self::UntilTomorrow),
            _ => Err(UnknownLength(text.to_owned())),
        }
    }
}

impl PauseLength {
    /// When a pause that begins at `now` is over by itself.
    pub(crate) fn end(self, now: &Zoned) -> Option<Millis> {
        let end = match self {
            Self::UntilResumed => return None,
            Self::QuarterHour => now.checked_add(15.minutes()),
            Self::Hour => now.checked_add(1.hour()),
            Self::UntilTomorrow => next_morning(now),
        };
        // It fails at the end of the calendar only.
        end.ok().map(|end| millis(&end))
    }
}

/// A night belongs to the day before it: who pauses at one o'clock means the morning to come.
fn next_morning(now: &Zoned) -> Result<Zoned, jiff::Error> {
    let today = now.checked_sub(3.hours())?.date();
    today.tomorrow()?.at(6, 0, 0, 0).to_zoned(now.time_zone().clone())
}

/// The clock of this machine.
pub fn system_clock() -> Clock {
    Arc::new(Zoned::now)
}

pub(crate) fn millis(time: &Zoned) -> Millis {
    Millis(time.timestamp().as_millisecond())
}

/// The time of day of `at` where `now` is, such as `14:30`, and whether that is today.
pub fn time_of_day(at: Millis, now: &Zoned) -> (String, bool) {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default().to_zoned(now.time_zone().clone());
    (time.strftime("%H:%M").to_string(), time.date() == now.date())
}

/// The time of day of `at`, seen from `now`: `14:30`, or `06:00 tomorrow`.
pub fn clock_in_words(at: Millis, now: &Zoned) -> String {
    let (time, is_today) = time_of_day(at, now);
    if is_today { time } else { format!("{time} tomorrow") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_its_words_say() {
        for (begun, length, end) in [
            ("2026-03-02T14:15:00[Europe/Berlin]", "15m", "14:30"),
            ("2026-03-02T23:50:00[Europe/Berlin]", "15m", "00:05 tomorrow"),
            ("2026-03-02T14:15:00[Europe/Berlin]", "1h", "15:15"),
            ("2026-03-02T14:15:00[Europe/Berlin]", "tomorrow", "06:00 tomorrow"),
            ("2026-03-02T01:00:00[Europe/Berlin]", "tomorrow", "06:00"),
            ("2026-03-02T05:50:00[Europe/Berlin]", "tomorrow", "06:00 tomorrow"),
            // The night in which the clocks go forward is an hour shorter, and the morning is at six all the same.
            ("2026-03-28T22:00:00[Europe/Berlin]", "tomorrow", "06:00 tomorrow"),
        ] {
            let begun: Zoned = begun.parse().unwrap();
            let until = length.parse::<PauseLength>().unwrap().end(&begun).unwrap();
            assert_eq!(clock_in_words(until, &begun), end, "{begun} {length}");
        }
        assert_eq!(PauseLength::UntilResumed.end(&Zoned::now()), None);
        assert!("2h".parse::<PauseLength>().unwrap_err().to_string().contains("15m, 1h or tomorrow"));
    }
}
