//! What the next 24 hours of mining may bring, from the hours that were mined, with its error.
//!
//! Method: the hours are taken as independent draws from one distribution. Of `n` hours with mean `m` and standard deviation
//! `s`, the sum of the next `h` is expected at `h m`, and with 90 % confidence within `t s √(h + h² / n)` of that, where `t` is
//! Student's with `n − 1` degrees of freedom: what the next hours scatter, and what the mean is not known by. It ends at
//! nothing. Hours are alike only as far as demand is: a night foretells no day.

use cortensor_protocol::Amount;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Of fewer hours nothing is said.
const LEAST_HOURS: usize = 3;
/// More are not asked: demand changes.
const MOST_HOURS: usize = 24;
/// Hours that are forecast.
const AHEAD: f64 = 24.0;
/// An hour counts as mined from this on: a model is loaded nearly all of it.
const WHOLE_MS: u64 = 55 * 60 * 1000;

/// Student's t that 90 % lie within, for 2 to 23 degrees of freedom.
const STUDENT: [f64; 22] = [
    2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740,
    1.734, 1.729, 1.725, 1.721, 1.717, 1.714,
];

/// What is said of the next 24 hours, if the miner mines all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Forecast {
    /// Too few hours were mined.
    NotEnough {
        /// Whole hours that were mined.
        hours: u32,
        /// Hours that it takes.
        needed: u32,
    },
    /// Nothing was earned in them, so that nothing is known of how much it could be.
    Nothing {
        /// Whole hours that were mined.
        hours: u32,
    },
    /// An amount and its error.
    Amount {
        /// Whole hours that were mined.
        hours: u32,
        /// What is expected.
        mean: Amount,
        /// With 90 % confidence not less than this.
        least: Amount,
        /// And not more than this.
        most: Amount,
    },
}

/// An hour of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hour {
    /// Milliseconds of it with a model loaded.
    pub(crate) mined_ms: u64,
    /// What was earned in it.
    pub(crate) earned: Amount,
}

/// The forecast from these hours, the newest last. Pure.
pub(crate) fn forecast(hours: &[Hour]) -> Forecast {
    let mined = hours.iter().rev().filter(|hour| hour.mined_ms >= WHOLE_MS).take(MOST_HOURS);
    let credits: Vec<f64> = mined.map(|hour| credits(hour.earned)).collect();
    let hours = u32::try_from(credits.len()).unwrap_or(u32::MAX);
    if credits.len() < LEAST_HOURS {
        return Forecast::NotEnough { hours, needed: u32::try_from(LEAST_HOURS).unwrap_or(u32::MAX) };
    }
    if credits.iter().all(|credits| *credits <= 0.0) {
        return Forecast::Nothing { hours };
    }
    let (mean, error) = predicted(&credits, AHEAD);
    Forecast::Amount { hours, mean: amount(mean), least: amount(mean - error), most: amount(mean + error) }
}

/// The sum of the next `ahead` draws, and how far it may be off.
fn predicted(draws: &[f64], ahead: f64) -> (f64, f64) {
    let count = f64::from(u32::try_from(draws.len()).unwrap_or(u32::MAX));
    let mean = draws.iter().sum::<f64>() / count;
    let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let student = STUDENT.get(draws.len().saturating_sub(LEAST_HOURS)).or(STUDENT.last()).copied().unwrap_or(1.645);
    (mean * ahead, student * (variance * (ahead + ahead * ahead / count)).sqrt())
}

#[expect(clippy::cast_precision_loss, reason = "an estimate, of which few digits are shown")]
fn credits(amount: Amount) -> f64 {
    amount.base_units() as f64 / 1e18
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, which ends at nothing")]
fn amount(credits: f64) -> Amount {
    Amount::from_base_units((credits.max(0.0) * 1e18) as u128)
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    fn hour(credits: u64) -> Hour {
        Hour { mined_ms: 3_600_000, earned: Amount::from_credits(credits) }
    }

    #[test]
    fn little_is_said_to_be_too_little_and_nothing_to_be_nothing() {
        let half = Hour { mined_ms: 1_800_000, ..hour(9) };
        for (hours, expected) in [
            (vec![], Forecast::NotEnough { hours: 0, needed: 3 }),
            (vec![hour(1), half, hour(1)], Forecast::NotEnough { hours: 2, needed: 3 }),
            (vec![hour(0); 5], Forecast::Nothing { hours: 5 }),
        ] {
            assert_eq!(forecast(&hours), expected);
        }
    }

    #[test]
    fn the_mean_of_the_latest_hours_goes_on_and_its_error_ends_at_nothing() {
        let steady = forecast(&[hour(2); 3]);
        let two_days = Amount::from_credits(48);
        assert_eq!(steady, Forecast::Amount { hours: 3, mean: two_days, least: two_days, most: two_days });
        let Forecast::Amount { hours, mean, least, most } = forecast(&[hour(0), hour(0), hour(3)]) else { panic!() };
        assert_eq!((hours, mean, least), (3, Amount::from_credits(24), Amount::ZERO));
        // 2.92 · √3 · √(24 + 192)
        assert_eq!(format!("{most}").split_once('.').unwrap().0, "98");
        let long_ago: Vec<Hour> = std::iter::once(hour(1000)).chain([hour(2); 24]).collect();
        assert_eq!(
            forecast(&long_ago),
            Forecast::Amount { hours: 24, mean: two_days, least: two_days, most: two_days }
        );
    }

    /// An hour's earnings as they come about: a number of requests by chance, each paid by a length by chance.
    fn drawn(chance: &mut StdRng, rate: f64) -> f64 {
        let (mut requests, mut left) = (0_u32, 1.0);
        while left > (-rate).exp() {
            left *= chance.random::<f64>();
            requests += 1;
        }
        (1..requests).map(|_| 0.2 - chance.random::<f64>().max(1e-12).ln()).sum()
    }

    #[test]
    fn what_comes_lies_within_the_error_about_as_often_as_it_says() {
        let mut chance = StdRng::seed_from_u64(7);
        for (past, rate) in [(3, 20.0), (6, 20.0), (24, 20.0), (12, 5.0), (24, 2.0)] {
            let trials = 2_000;
            let within = (0..trials).filter(|_| {
                let hours: Vec<f64> = (0..past).map(|_| drawn(&mut chance, rate)).collect();
                let (mean, error) = predicted(&hours, AHEAD);
                let came: f64 = (0..24).map(|_| drawn(&mut chance, rate)).sum();
                (came - mean).abs() <= error
            });
            let share = f64::from(u32::try_from(within.count()).unwrap()) / f64::from(trials);
            assert!((0.86..0.94).contains(&share), "{past} hours at {rate} requests: {share}");
        }
    }
}
