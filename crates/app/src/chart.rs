//! Earnings over time, in spans that a person thinks in.

use cortensor_node::{Bucket, Ledger, LedgerError};
use cortensor_protocol::{Amount, Millis};
use jiff::{ToSpan, Unit, Zoned};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ChartElectricity;

/// How far back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// The last hour, by five minutes.
    Hour,
    /// The last 24 hours, by the hour.
    Day,
    /// The last seven days, by the day.
    Week,
}

/// What was earned in a span, part by part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct EarningsChart {
    /// How far back.
    pub span: Span,
    /// Oldest first, those without earnings too. The last one goes on.
    pub buckets: Vec<Bucket>,
    /// Their sum.
    pub total: Amount,
    /// What mining took part by part; nothing for parts that are shorter than the quarter hours it is kept by.
    pub electricity: Option<ChartElectricity>,
}

/// The chart of `span` as of `now`, without what it took in electricity.
pub(crate) async fn chart(ledger: &Ledger, span: Span, now: &Zoned) -> Result<EarningsChart, LedgerError> {
    let buckets = ledger.earned_between(&bounds(span, now)).await?;
    let total = buckets.iter().map(|bucket| bucket.amount).sum();
    Ok(EarningsChart { span, buckets, total, electricity: None })
}

/// Starts and ends of the last whole hours, `count` of them, where the user is.
pub(crate) fn whole_hours(now: &Zoned, count: i64) -> Vec<Millis> {
    let end = next(now, Unit::Hour, 1);
    let at = |back: i64| end.checked_sub(back.hours()).unwrap_or_else(|_| end.clone());
    (1..=count + 1).rev().map(|back| Millis(at(back).timestamp().as_millisecond())).collect()
}

/// Starts and ends, at round times where the user is; a day that changes the clock is as long as it is.
fn bounds(span: Span, now: &Zoned) -> Vec<Millis> {
    let (count, end) = match span {
        Span::Hour => (12, next(now, Unit::Minute, 5)),
        Span::Day => (24, next(now, Unit::Hour, 1)),
        Span::Week => (7, next(now, Unit::Day, 1)),
    };
    let back = |parts: i64| match span {
        Span::Hour => (5 * parts).minutes(),
        Span::Day => parts.hours(),
        Span::Week => parts.days(),
    };
    let at = |parts| end.checked_sub(back(parts)).unwrap_or_else(|_| end.clone());
    (0..=count).rev().map(|parts| Millis(at(parts).timestamp().as_millisecond())).collect()
}

/// The first round time after `now`.
fn next(now: &Zoned, unit: Unit, increment: i64) -> Zoned {
    let floor = jiff::ZonedRound::new().smallest(unit).increment(increment).mode(jiff::RoundMode::Floor);
    let start = now.round(floor).unwrap_or_else(|_| now.clone());
    let step = match unit {
        Unit::Day => increment.days(),
        Unit::Hour => increment.hours(),
        _ => increment.minutes(),
    };
    start.checked_add(step).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds_at(span: Span, now: &str) -> Vec<String> {
        let now: Zoned = now.parse().unwrap();
        let zone = now.time_zone().clone();
        let shown = |millis: Millis| jiff::Timestamp::from_millisecond(millis.0).unwrap().to_zoned(zone.clone());
        bounds(span, &now).into_iter().map(|at| shown(at).strftime("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn spans_end_behind_now_at_round_times_and_days_are_as_long_as_they_are() {
        let hour = bounds_at(Span::Hour, "2026-11-25T10:02:30+01:00[Europe/Berlin]");
        assert_eq!((hour.len(), hour[0].as_str(), hour[12].as_str()), (13, "25 09:05", "25 10:05"));
        let day = bounds_at(Span::Day, "2026-11-25T10:00:00+01:00[Europe/Berlin]");
        assert_eq!((day.len(), day[0].as_str(), day[24].as_str()), (25, "24 11:00", "25 11:00"));
        let now: Zoned = "2026-11-25T10:02:30+01:00[Europe/Berlin]".parse().unwrap();
        let hours = whole_hours(&now, 2).into_iter().map(|at| (now.timestamp().as_millisecond() - at.0) / 1000);
        assert_eq!(hours.collect::<Vec<_>>(), [7350, 3750, 150]);
        // The clocks went back on the 25th of October.
        let week = bounds_at(Span::Week, "2026-10-28T10:00:00+01:00[Europe/Berlin]");
        assert_eq!((week.len(), week[0].as_str(), week[7].as_str()), (8, "22 00:00", "29 00:00"));
    }
}
