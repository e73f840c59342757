//! What is said of a variant beside the choice: why it was not chosen, and whether it fits.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Load, in_megabytes};

/// Why a variant was not chosen, or how it fits. Its `Display` is the English sentence, which is part of another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Verdict {
    /// Too slow for a network.
    TooSlow {
        /// Typical requests an hour.
        requests_per_hour: f64,
        /// Or else estimated.
        measured: bool,
    },
    /// In a format of fewer bits.
    LessExact,
    /// A model with more parameters in a quantized format, where the chosen one is not.
    LargerButQuantized,
    /// A model with fewer parameters.
    Smaller,
    /// Its rate is known.
    Measured {
        /// Typical requests an hour.
        requests_per_hour: f64,
    },
    /// Its rate is estimated by the speed of memory.
    Estimated {
        /// Typical requests an hour.
        requests_per_hour: f64,
    },
    /// Its rate is not known.
    NotMeasured,
    /// It fits as it was wished for.
    Fits {
        /// What it takes, in bytes.
        needed_bytes: u64,
        /// What it may take, in bytes.
        usable_bytes: u64,
    },
    /// It fits with less context than was wished for.
    FitsWithLess {
        /// Tokens that fit.
        context_tokens: u32,
        /// What it takes, in bytes.
        needed_bytes: u64,
        /// What it may take, in bytes.
        usable_bytes: u64,
    },
    /// It ran out of memory, and fits with less.
    FitsAfterRunningOut {
        /// What it ran out of memory with.
        failed: Load,
        /// What it would be loaded with since.
        load: Load,
        /// What that takes, in bytes.
        needed_bytes: u64,
        /// What it may take, in bytes.
        usable_bytes: u64,
    },
    /// It does not fit.
    TooLarge {
        /// What it takes at least, in bytes.
        needed_bytes: u64,
        /// What may be used, in bytes.
        usable_bytes: u64,
    },
    /// It ran out of memory with the least context.
    RanOutOfMemory {
        /// Tokens of that.
        context_tokens: u32,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow { requests_per_hour, measured } => {
                let how = if *measured { "measured" } else { "estimated" };
                write!(f, "too slow here: {how} at {requests_per_hour:.0} requests an hour")
            }
            Self::LessExact => f.write_str("less exact"),
            Self::LargerButQuantized => f.write_str("a larger model, but quantized"),
            Self::Smaller => f.write_str("a smaller model"),
            Self::Measured { requests_per_hour } => write!(f, "measured at {requests_per_hour:.0} requests an hour"),
            Self::Estimated { requests_per_hour } => {
                write!(f, "not measured yet; estimated at about {requests_per_hour:.0} requests an hour")
            }
            Self::NotMeasured => f.write_str("not measured yet"),
            Self::Fits { needed_bytes, usable_bytes } => f.write_str(&needs(*needed_bytes, *usable_bytes)),
            Self::FitsWithLess { context_tokens, needed_bytes, usable_bytes } => {
                write!(f, "fits with a context of {context_tokens}: {}", needs(*needed_bytes, *usable_bytes))
            }
            Self::FitsAfterRunningOut { failed, load, needed_bytes, usable_bytes } => {
                let needs = needs(*needed_bytes, *usable_bytes);
                write!(f, "ran out of memory with {}; {needs} with {}", of(*failed), of(*load))
            }
            Self::TooLarge { needed_bytes, usable_bytes } => {
                write!(f, "needs {}, {} may be used", in_megabytes(*needed_bytes), in_megabytes(*usable_bytes))
            }
            Self::RanOutOfMemory { context_tokens } => {
                write!(f, "ran out of memory even with a context of {context_tokens} tokens")
            }
        }
    }
}

fn needs(needed_bytes: u64, usable_bytes: u64) -> String {
    format!("needs {} of {}", in_megabytes(needed_bytes), in_megabytes(usable_bytes))
}

/// A load, in words.
fn of(Load { context_tokens, slots }: Load) -> String {
    if slots > 1 {
        format!("{slots} times a context of {context_tokens}")
    } else {
        format!("a context of {context_tokens}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_sentence_and_reads_back_the_same() {
        let (requests_per_hour, needed_bytes, usable_bytes) = (802.4, 749_999_999, 8_000_000_000);
        let load = |context_tokens, slots| Load { context_tokens, slots };
        for (verdict, words) in [
            (
                Verdict::TooSlow { requests_per_hour: 11.2, measured: true },
                "too slow here: measured at 11 requests an hour",
            ),
            (
                Verdict::TooSlow { requests_per_hour: 11.2, measured: false },
                "too slow here: estimated at 11 requests an hour",
            ),
            (Verdict::LessExact, "less exact"),
            (Verdict::LargerButQuantized, "a larger model, but quantized"),
            (Verdict::Smaller, "a smaller model"),
            (Verdict::Measured { requests_per_hour }, "measured at 802 requests an hour"),
            (Verdict::Estimated { requests_per_hour }, "not measured yet; estimated at about 802 requests an hour"),
            (Verdict::NotMeasured, "not measured yet"),
            (Verdict::Fits { needed_bytes, usable_bytes }, "needs 749 MB of 8000 MB"),
            (
                Verdict::FitsWithLess { context_tokens: 2048, needed_bytes, usable_bytes },
                "fits with a context of 2048: needs 749 MB of 8000 MB",
            ),
            (
                Verdict::FitsAfterRunningOut { failed: load(4096, 2), load: load(4096, 1), needed_bytes, usable_bytes },
                "ran out of memory with 2 times a context of 4096; needs 749 MB of 8000 MB with a context of 4096",
            ),
            (Verdict::TooLarge { needed_bytes, usable_bytes }, "needs 749 MB, 8000 MB may be used"),
            (Verdict::RanOutOfMemory { context_tokens: 512 }, "ran out of memory even with a context of 512 tokens"),
        ] {
            assert_eq!(verdict.to_string(), words);
            let text = serde_json::to_string(&verdict).unwrap();
            assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict, "{text}");
        }
    }
}
