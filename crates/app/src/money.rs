//! Sums in the user's own currency. The miner knows no rates: every one was typed in by the user.

use cortensor_protocol::Amount;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use ts_rs::TS;

const MILLIONTHS: u64 = 1_000_000;
/// Millijoules of a kilowatt hour.
const KILOWATT_HOUR: u64 = 3_600_000_000;

/// So much of the user's currency, counted in millionths of it; a plain number in files and on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, TS)]
#[ts(type = "number")]
pub struct Money(u64);

/// What is left of one sum without another: below zero where it is the smaller one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, TS)]
#[ts(type = "number")]
pub struct Balance(i64);

impl Money {
    /// The sum of so many millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// Whole units, rounded up.
    pub(crate) const fn ceil(self) -> u64 {
        self.0.div_ceil(MILLIONTHS)
    }

    /// What so much energy costs at this price of a kilowatt hour.
    #[must_use]
    pub fn of_energy(self, millijoules: u64) -> Self {
        let cost = u128::from(self.0) * u128::from(millijoules) / u128::from(KILOWATT_HOUR);
        Self(u64::try_from(cost).unwrap_or(u64::MAX))
    }

    /// What so many credits are worth at this price of one.
    #[must_use]
    pub fn of_credits(self, amount: Amount) -> Self {
        const NANO: u128 = 1_000_000_000;
        let worth = (amount.base_units() / NANO).saturating_mul(u128::from(self.0)) / NANO;
        Self(u64::try_from(worth).unwrap_or(u64::MAX))
    }

    /// This without `other`.
    pub fn less(self, other: Self) -> Balance {
        let signed = |sum: Self| i64::try_from(sum.0).unwrap_or(i64::MAX);
        Balance(signed(self).saturating_sub(signed(other)))
    }
}

impl Balance {
    /// Whether there is less than nothing.
    pub const fn is_loss(self) -> bool {
        self.0 < 0
    }
}

/// With at least two and at most six decimals.
impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fraction = format!("{:06}", self.0 % MILLIONTHS);
        write!(f, "{}.{:0<2}", self.0 / MILLIONTHS, fraction.trim_end_matches('0'))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "a number with six decimals")]
        serializer.serialize_f64(self.0 as f64 / 1e6)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if !(0.0..1e12).contains(&number) {
            return Err(D::Error::custom("a sum of money is a number that is not below zero, such as 0.30"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Ok(Self((number * 1e6).round() as u64))
    }
}

impl Serialize for Balance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "a number with six decimals")]
        serializer.serialize_f64(self.0 as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn energy_and_credits_are_worth_what_the_user_said() {
        let price = Money::from_millionths(300_000);
        for (millijoules, cost) in
            [(0, "0.00"), (KILOWATT_HOUR, "0.30"), (KILOWATT_HOUR / 2, "0.15"), (120_000, "0.00001")]
        {
            assert_eq!(price.of_energy(millijoules).to_string(), cost);
        }
        for (units, worth) in [(0, "0.00"), (1, "0.00"), (1_500_000_000_000_000_000, "0.45")] {
            assert_eq!(price.of_credits(Amount::from_base_units(units)).to_string(), worth);
        }
        assert_eq!(price.of_credits(Amount::from_base_units(u128::MAX)), Money(u64::MAX));
    }

    #[test]
    fn what_is_not_a_sum_is_refused() {
        for text in ["-0.1", "1e300", "\"0.3\"", "null"] {
            assert!(serde_json::from_str::<Money>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Money>("0").unwrap(), Money::default());
    }

    #[test]
    fn a_balance_says_which_side_is_larger() {
        let (one, two) = (Money(1_000_000), Money(2_000_000));
        assert!(one.less(two).is_loss() && !two.less(one).is_loss() && !one.less(one).is_loss());
        assert_eq!(serde_json::to_string(&one.less(two)).unwrap(), "-1.0");
    }

    proptest! {
        #[test]
        fn a_sum_is_the_same_after_it_was_written_and_read(millionths in 0..1_000_000_000_000_u64) {
            let money = Money(millionths);
            prop_assert_eq!(serde_json::from_str::<Money>(&serde_json::to_string(&money).unwrap()).unwrap(), money);
        }
    }
}
