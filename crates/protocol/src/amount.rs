//! Money in integer base units: 18 decimals, as COR has.

use std::{fmt, iter::Sum, str::FromStr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

const DECIMALS: usize = 18;
const UNIT: u128 = 10u128.pow(18);
const LIMB: u128 = 1_000_000_000;

/// A sum of money, never negative, in base units of 10⁻¹⁸ credit.
///
/// On the wire it is a decimal string of base units (JSON numbers lose digits beyond 2⁵³). In a database it is the two
/// integers of [`Amount::to_limbs`], so that `SUM` over each column stays exact in 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, TS)]
#[ts(type = "string")]
pub struct Amount(u128);

/// Why a text is not an [`Amount`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not an amount; write a decimal number of credits with at most 18 digits after the point")]
pub struct AmountError(String);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of base units (10⁻¹⁸ credit).
    pub const fn from_base_units(units: u128) -> Self {
        Self(units)
    }

    /// A whole number of credits.
    pub const fn from_credits(credits: u64) -> Self {
        Self(credits as u128 * UNIT)
    }

    /// Base units (10⁻¹⁸ credit).
    pub const fn base_units(self) -> u128 {
        self.0
    }

    /// The amount as (billionths of a credit, remainder in base units): two integers for two database columns.
    ///
    /// Sums of each column over up to nine billion rows fit in 64 bits, and [`Amount::from_limbs`] carries.
    pub fn to_limbs(self) -> (i64, i64) {
        let high = i64::try_from(self.0 / LIMB).unwrap_or(i64::MAX);
        let low = i64::try_from(self.0 % LIMB).unwrap_or_default();
        (high, low)
    }

    /// The amount for (a sum of) the columns of [`Amount::to_limbs`]. Negative columns count as zero.
    pub fn from_limbs(high: i64, low: i64) -> Self {
        let high = u128::try_from(high).unwrap_or_default();
        let low = u128::try_from(low).unwrap_or_default();
        Self(high * LIMB + low)
    }

    /// The sum, or `None` beyond 2¹²⁸ base units.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` if `other` is larger.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// This price for each thousand, times `count`, rounded down to base units.
    #[must_use]
    pub fn per_thousand(self, count: u64) -> Self {
        Self(self.0.saturating_mul(u128::from(count)) / 1000)
    }

    /// The smaller of both.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The amount times `numerator / denominator`, rounded down; a zero denominator counts as one.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        Self(self.0.saturating_mul(u128::from(numerator)) / u128::from(denominator.max(1)))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.map(|amount| amount.0).fold(0, u128::saturating_add))
    }
}

/// Credits with at least two and at most six decimals, rounded down; `{:#}` shows all 18.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:018}", self.0 % UNIT);
        let shown = if f.alternate() { DECIMALS } else { 6 };
        let fraction = fraction[..shown].trim_end_matches('0');
        write!(f, "{}.{fraction:0<2}", self.0 / UNIT)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let error = || AmountError(text.to_owned());
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > DECIMALS || !digits(whole) || !digits(fraction) {
            return Err(error());
        }
        let whole: u128 = whole.parse().map_err(|_| error())?;
        let fraction: u128 = format!("{fraction:0<18}").parse().map_err(|_| error())?;
        whole.checked_mul(UNIT).and_then(|units| units.checked_add(fraction)).map(Self).ok_or_else(error)
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| serde::de::Error::custom(AmountError(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_credits_without_noise_and_all_digits_on_request() {
        for (units, short, long) in [
            (0, "0.00", "0.00"),
            (UNIT, "1.00", "1.00"),
            (UNIT / 2, "0.50", "0.50"),
            (1_234_567_890_123_456, "0.001234", "0.001234567890123456"),
            (1, "0.00", "0.000000000000000001"),
        ] {
            let amount = Amount::from_base_units(units);
            assert_eq!((amount.to_string(), format!("{amount:#}")), (short.to_owned(), long.to_owned()));
        }
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for text in ["", "-1", "1.2.3", "1e3", "0.1234567890123456789", "½", "340282366920938463464"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_columns_and_wire_keep_every_digit(units in 0..u128::pow(10, 27)) {
            let amount = Amount::from_base_units(units);
            let (high, low) = amount.to_limbs();
            prop_assert_eq!(Amount::from_limbs(high, low), amount);
            prop_assert_eq!(format!("{amount:#}").parse::<Amount>().unwrap(), amount);
            let wire = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&wire).unwrap(), amount);
        }
    }
}
