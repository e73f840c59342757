//! Levels 0-10: how far the network trusts a node, from what it saw of it.
//!
//! The words that the router's rules and the miner's app share. What a level asks for is the router's policy.

mod sighting;
mod step;

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use self::{
    sighting::LevelSighting,
    step::{LevelFailure, LevelShare, LevelStep},
};
use crate::Millis;

/// A node level, 0 to 10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "u8", into = "u8")]
#[ts(type = "number")]
pub struct Level(u8);

/// Why a number is not a [`Level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a node level; write a number from 0 to {highest}", highest = Level::HIGHEST)]
pub struct LevelError(u8);

impl Level {
    /// Where every node starts, and where a failed audit puts it.
    pub const LOWEST: Self = Self(0);
    /// The highest level there is.
    pub const HIGHEST: Self = Self(10);

    /// The level with this number.
    pub const fn new(number: u8) -> Result<Self, LevelError> {
        if number <= Self::HIGHEST.0 { Ok(Self(number)) } else { Err(LevelError(number)) }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The next level up; `None` at the highest.
    pub fn next(self) -> Option<Self> {
        Self::new(self.0.saturating_add(1)).ok()
    }

    /// So many levels down, not below the lowest.
    #[must_use]
    pub const fn lowered(self, steps: u8) -> Self {
        Self(self.0.saturating_sub(steps))
    }
}

impl TryFrom<u8> for Level {
    type Error = LevelError;

    fn try_from(number: u8) -> Result<Self, LevelError> {
        Self::new(number)
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A share of successes, 0 to 100 %. Rounded down, so that what reads as reached is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "u8", into = "u8")]
#[ts(type = "number")]
pub struct Percentage(u8);

/// Why a number is not a [`Percentage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a percentage; write a number from 0 to 100")]
pub struct PercentageError(u8);

impl Percentage {
    /// The percentage with this number.
    pub const fn new(number: u8) -> Result<Self, PercentageError> {
        if number <= 100 { Ok(Self(number)) } else { Err(PercentageError(number)) }
    }

    /// `part` of `whole`; `None` of nothing.
    pub fn of(part: u64, whole: u64) -> Option<Self> {
        let hundredths = (u128::from(part.min(whole)) * 100).checked_div(u128::from(whole))?;
        u8::try_from(hundredths).ok().map(Self)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percentage {
    type Error = PercentageError;

    fn try_from(number: u8) -> Result<Self, PercentageError> {
        Self::new(number)
    }
}

impl From<Percentage> for u8 {
    fn from(percentage: Percentage) -> Self {
        percentage.0
    }
}

impl fmt::Display for Percentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// Kinds of event that points and counters are kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The node was asked to take part in a round; a point if it was there to be asked.
    Request,
    /// A round with the node in it was made; a point if the node was still there.
    Create,
    /// The node was to be ready to answer in time.
    Prepare,
    /// The node was to bind itself to its answer in time.
    Precommit,
    /// The node was to send the answer that it had bound in time.
    Commit,
    /// The node was to give a sign of life.
    Ping,
    /// The node's answer was looked at: right, agreeing with the others, and what the claimed artifact would say.
    Correctness,
}

impl EventKind {
    /// All of them, in the order of a round.
    pub const ALL: [Self; 7] =
        [Self::Request, Self::Create, Self::Prepare, Self::Precommit, Self::Commit, Self::Ping, Self::Correctness];
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Create => "create",
            Self::Prepare => "prepare",
            Self::Precommit => "precommit",
            Self::Commit => "commit",
            Self::Ping => "ping",
            Self::Correctness => "correctness",
        })
    }
}

/// How often something was due, and how often it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Counter {
    /// How often it was done.
    #[ts(type = "number")]
    pub points: u64,
    /// How often it was due.
    #[ts(type = "number")]
    pub counter: u64,
}

impl Counter {
    /// Counts one more.
    pub const fn count(&mut self, done: bool) {
        self.counter = self.counter.saturating_add(1);
        self.points = self.points.saturating_add(done as u64);
    }

    /// Points / counter; `None` before the first.
    pub fn success_rate(&self) -> Option<Percentage> {
        Percentage::of(self.points, self.counter)
    }
}

/// Points and counters for each kind of event, since the node is known: its reputation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Counters {
    /// See [`EventKind::Request`].
    pub request: Counter,
    /// See [`EventKind::Create`].
    pub create: Counter,
    /// See [`EventKind::Prepare`].
    pub prepare: Counter,
    /// See [`EventKind::Precommit`].
    pub precommit: Counter,
    /// See [`EventKind::Commit`].
    pub commit: Counter,
    /// See [`EventKind::Ping`].
    pub ping: Counter,
    /// See [`EventKind::Correctness`].
    pub correctness: Counter,
}

impl Counters {
    /// The counter of one kind.
    pub const fn of(&self, kind: EventKind) -> Counter {
        match kind {
            EventKind::Request => self.request,
            EventKind::Create => self.create,
            EventKind::Prepare => self.prepare,
            EventKind::Precommit => self.precommit,
            EventKind::Commit => self.commit,
            EventKind::Ping => self.ping,
            EventKind::Correctness => self.correctness,
        }
    }

    /// Counts one more of a kind.
    pub const fn count(&mut self, kind: EventKind, done: bool) {
        let counter = match kind {
            EventKind::Request => &mut self.request,
            EventKind::Create => &mut self.create,
            EventKind::Prepare => &mut self.prepare,
            EventKind::Precommit => &mut self.precommit,
            EventKind::Commit => &mut self.commit,
            EventKind::Ping => &mut self.ping,
            EventKind::Correctness => &mut self.correctness,
        };
        counter.count(done);
    }
}

/// One test that counted for the level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LevelTest {
    /// What was looked at.
    pub kind: EventKind,
    /// When.
    pub at: Millis,
    /// Whether it was passed.
    pub passed: bool,
    /// What was seen, for people.
    pub seen: String,
    /// The same for programs; nothing where the router is older, or its code is newer than the node.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::known_code")]
    #[ts(optional)]
    pub sighting: Option<LevelSighting>,
}

/// What the next level asks for, and what of it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LevelProgress {
    /// The next level.
    pub level: Level,
    /// Tests to pass in a row at the present level.
    pub consecutive_needed: u32,
    /// Tests passed in a row at the present level.
    pub consecutive_had: u32,
    /// Share of the latest tests to pass.
    pub percentage_needed: Percentage,
    /// Share of the latest tests that was passed; `None` before the first.
    pub percentage_had: Option<Percentage>,
}

/// Where a node stands and why, for the miner's app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Standing {
    /// Its level.
    pub level: Level,
    /// What the next level asks for; `None` at the highest.
    pub progress: Option<LevelProgress>,
    /// Tests passed in a row.
    pub streak: u32,
    /// The most there ever were in a row.
    pub best_streak: u32,
    /// Points and counters since the node is known.
    pub counters: Counters,
    /// The last tests that counted, the newest first.
    pub last_tests: Vec<LevelTest>,
    /// Passed tests do not count for the level before; `None`: they count.
    pub cool_down_until: Option<Millis>,
    /// The smallest change that would raise the level, in words.
    pub next_step: String,
    /// The same for programs; nothing where the router is older, or its code is newer than the node.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::known_code")]
    #[ts(optional)]
    pub step: Option<LevelStep>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_level_is_a_number_from_0_to_10_on_the_wire_too() {
        let level = |text: &str| serde_json::from_str::<Level>(text).ok().map(Level::number);
        for (text, expected) in [("0", Some(0)), ("10", Some(10)), ("11", None), ("-1", None), ("\"3\"", None)] {
            assert_eq!(level(text), expected, "{text}");
        }
        assert_eq!(serde_json::to_string(&Level::HIGHEST).unwrap(), "10");
        assert_eq!(Level::new(11).unwrap_err().to_string(), "11 is not a node level; write a number from 0 to 10");
    }

    #[test]
    fn levels_end_at_both_ends() {
        assert_eq!((Level::LOWEST.next(), Level::HIGHEST.next()), (Level::new(1).ok(), None));
        assert_eq!((Level::HIGHEST.lowered(1), Level::HIGHEST.lowered(200)), (Level(9), Level::LOWEST));
    }

    #[test]
    fn a_percentage_is_rounded_down_and_there_is_none_of_nothing() {
        let number = |part, whole| Percentage::of(part, whole).map(Percentage::number);
        for (part, whole, expected) in
            [(0, 0, None), (0, 3, Some(0)), (2, 3, Some(66)), (999, 1000, Some(99)), (3, 3, Some(100))]
        {
            assert_eq!(number(part, whole), expected);
        }
        assert!(serde_json::from_str::<Percentage>("101").is_err());
    }

    #[test]
    fn every_kind_of_event_has_its_own_counter() {
        let mut counters = Counters::default();
        for (times, kind) in EventKind::ALL.into_iter().enumerate() {
            (0..=times).for_each(|time| counters.count(kind, time == 0));
        }
        for (times, kind) in (1..).zip(EventKind::ALL) {
            assert_eq!(counters.of(kind), Counter { points: 1, counter: times }, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn percentages_stay_between_0_and_100(part in any::<u64>(), whole in any::<u64>()) {
            let percentage = Percentage::of(part, whole);
            prop_assert_eq!(percentage.is_some(), whole > 0);
            prop_assert!(percentage.is_none_or(|percentage| percentage.number() <= 100));
        }
    }
}
