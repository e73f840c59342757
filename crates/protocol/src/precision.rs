//! Precision: the exact format of a model's weights, its class, and the miner's choice between precision and volume.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The format most of a model's weights are stored in, named as in GGUF files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// 16-bit brain floating point.
    #[serde(rename = "BF16")]
    Bf16,
    /// 16-bit floating point.
    F16,
    /// 8-bit blocks of 32.
    Q8_0,
    /// 6-bit K-quant.
    #[serde(rename = "Q6_K")]
    Q6K,
    /// 5-bit blocks of 32 with offset.
    Q5_1,
    /// 5-bit blocks of 32.
    Q5_0,
    /// 5-bit K-quant.
    #[serde(rename = "Q5_K")]
    Q5K,
    /// 4-bit blocks of 32 with offset.
    Q4_1,
    /// 4-bit blocks of 32.
    Q4_0,
    /// 4-bit K-quant.
    #[serde(rename = "Q4_K")]
    Q4K,
    /// 3-bit K-quant.
    #[serde(rename = "Q3_K")]
    Q3K,
    /// 2-bit K-quant.
    #[serde(rename = "Q2_K")]
    Q2K,
}

/// Whether the weights are kept in full or quantized: what the network sells and what a tier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionClass {
    /// F16, BF16 or F32 weights.
    Full,
    /// `Q8_0` down to `Q2_K`.
    Quantized,
}

/// The miner's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Full-precision weights: high-accuracy work is routed here first.
    Precision,
    /// The precision measured to serve most requests an hour.
    Volume,
}

/// A text that names no [`Precision`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a precision; one of {all}", all = Precision::ALL.map(Precision::as_str).join(", "))]
pub struct UnknownPrecision(String);

/// A text that names no [`Mode`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a mode; say `precision` or `volume`")]
pub struct UnknownMode(String);

impl Precision {
    /// Every precision, from the most exact to the least.
    pub const ALL: [Self; 13] = [
        Self::F32,
        Self::Bf16,
        Self::F16,
        Self::Q8_0,
        Self::Q6K,
        Self::Q5_1,
        Self::Q5_0,
        Self::Q5K,
        Self::Q4_1,
        Self::Q4_0,
        Self::Q4K,
        Self::Q3K,
        Self::Q2K,
    ];

    /// The name as in GGUF files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::Bf16 => "BF16",
            Self::F16 => "F16",
            Self::Q8_0 => "Q8_0",
            Self::Q6K => "Q6_K",
            Self::Q5_1 => "Q5_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5K => "Q5_K",
            Self::Q4_1 => "Q4_1",
            Self::Q4_0 => "Q4_0",
            Self::Q4K => "Q4_K",
            Self::Q3K => "Q3_K",
            Self::Q2K => "Q2_K",
        }
    }

    /// Full or quantized.
    pub const fn class(self) -> PrecisionClass {
        match self {
            Self::F32 | Self::Bf16 | Self::F16 => PrecisionClass::Full,
            _ => PrecisionClass::Quantized,
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        let found = Self::ALL.into_iter().find(|precision| precision.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownPrecision(text.to_owned()))
    }
}

impl fmt::Display for PrecisionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "full precision",
            Self::Quantized => "quantized",
        })
    }
}

impl Mode {
    /// Both modes, in the order they are shown.
    pub const ALL: [Self; 2] = [Self::Precision, Self::Volume];

    /// The name on the wire, in the database and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Precision => "precision",
            Self::Volume => "volume",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision_has_one_name_on_the_wire_on_the_command_line_and_in_print() {
        for precision in Precision::ALL {
            let wire = serde_json::to_value(precision).unwrap();
            assert_eq!(wire, precision.as_str());
            assert_eq!(precision.as_str().to_lowercase().parse(), Ok(precision));
        }
    }

    #[test]
    fn a_wrong_precision_is_told_the_right_ones() {
        let message = "q9".parse::<Precision>().unwrap_err().to_string();
        assert!(message.contains("Q8_0, Q6_K"), "{message}");
    }
}
