//! Whether models are in memory together, and what the miner does meanwhile.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the models share the memory, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Arrangement {
    /// How.
    pub how: Sharing,
    /// What all of them together should take at full context, in bytes.
    pub together_bytes: u64,
    /// What may be used, in bytes.
    pub usable_bytes: u64,
    /// Why, for people.
    pub words: String,
}

/// How models share the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// All are loaded at once.
    Together,
    /// All together do not fit: one is loaded at a time.
    OneByOne,
}

/// What the miner does meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MiningMeanwhile {
    /// Nothing is mined.
    #[default]
    Nothing,
    /// It goes on, and takes from the speed that is measured.
    GoesOn,
    /// It was paused, because its memory is needed; it goes on by itself afterwards.
    Paused,
}
