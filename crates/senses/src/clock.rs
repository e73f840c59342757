//! The clock on the wall.

use cortensor_manners::{LocalTime, Weekday};
use jiff::{Zoned, civil};

pub(crate) fn now() -> LocalTime {
    of(Zoned::now().datetime())
}

fn of(time: civil::DateTime) -> LocalTime {
    let weekday = match time.weekday() {
        civil::Weekday::Monday => Weekday::Monday,
        civil::Weekday::Tuesday => Weekday::Tuesday,
        civil::Weekday::Wednesday => Weekday::Wednesday,
        civil::Weekday::Thursday => Weekday::Thursday,
        civil::Weekday::Friday => Weekday::Friday,
        civil::Weekday::Saturday => Weekday::Saturday,
        civil::Weekday::Sunday => Weekday::Sunday,
    };
    LocalTime { weekday, minute: u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_its_day_and_the_minutes_since_midnight() {
        let time = of(civil::date(2026, 11, 26).at(18, 5, 59, 0));
        assert_eq!(time, LocalTime { weekday: Weekday::Thursday, minute: 18 * 60 + 5 });
    }
}
