//! Whether someone who does not know which is which tells two precisions apart.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Votes before anything is said: fewer prove nothing either way.
pub const LEAST_VOTES: u32 = 10;
/// Standard deviations that hold 95 of 100 outcomes.
const DEVIATIONS: f64 = 1.96;

/// How someone voted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// For the more exact one.
    pub exact: u32,
    /// For the other one.
    pub other: u32,
    /// That they are equal.
    pub equal: u32,
}

/// What votes come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Too few votes.
    TooFew,
    /// The votes could as well be throws of a coin.
    NotApart,
    /// The more exact one is preferred.
    PrefersExact,
    /// The other one is preferred.
    PrefersOther,
}

impl Preference {
    /// Votes in all.
    pub fn votes(&self) -> u32 {
        self.exact + self.other + self.equal
    }

    /// Share of the votes for the more exact one. "Equal" is half a vote for each: it says that nothing was seen. No votes:
    /// a half.
    pub fn share(&self) -> f64 {
        match self.votes() {
            0 => 0.5,
            votes => (f64::from(self.exact) + f64::from(self.equal) / 2.0) / f64::from(votes),
        }
    }

    /// Where the share would be after very many votes: Wilson's interval, which holds it in 95 of 100 cases.
    pub fn interval(&self) -> (f64, f64) {
        let (share, square) = (self.share(), DEVIATIONS.powi(2));
        let votes = f64::from(self.votes());
        if votes == 0.0 {
            return (0.0, 1.0);
        }
        let middle = share + square / (2.0 * votes);
        let width = DEVIATIONS * (share * (1.0 - share) / votes + square / (4.0 * votes * votes)).sqrt();
        let scale = 1.0 + square / votes;
        // At all votes for one the interval ends at the share itself, and rounding may fall on either side of it.
        (((middle - width) / scale).clamp(0.0, share), ((middle + width) / scale).clamp(share, 1.0))
    }

    /// Whether they can be told apart.
    pub fn told(&self) -> Told {
        match self.interval() {
            _ if self.votes() < LEAST_VOTES => Told::TooFew,
            (least, _) if least > 0.5 => Told::PrefersExact,
            (_, most) if most < 0.5 => Told::PrefersOther,
            _ => Told::NotApart,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn votes_tell_apart_only_when_a_coin_would_not() {
        for (exact, other, equal, told) in [
            (9, 0, 0, Told::TooFew),
            (10, 0, 0, Told::PrefersExact),
            (0, 10, 0, Told::PrefersOther),
            (7, 3, 0, Told::NotApart),
            (0, 0, 30, Told::NotApart),
            (8, 0, 22, Told::NotApart),
            (70, 30, 0, Told::PrefersExact),
        ] {
            assert_eq!(Preference { exact, other, equal }.told(), told, "{exact} {other} {equal}");
        }
    }

    #[test]
    fn the_interval_is_wilson_s() {
        // 8 of 10: 0.490 to 0.943.
        let (least, most) = Preference { exact: 8, other: 2, equal: 0 }.interval();
        assert!((least - 0.490).abs() < 1e-3 && (most - 0.943).abs() < 1e-3);
    }

    #[test]
    fn the_interval_of_a_unanimous_vote_ends_at_its_share() {
        for exact in 1..2000 {
            assert!(Preference { exact, other: 0, equal: 0 }.interval().1 >= 1.0, "{exact} of {exact}");
            assert!(Preference { exact: 0, other: exact, equal: 0 }.interval().0 <= 0.0, "0 of {exact}");
        }
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_sides_change_places(exact in 0u32..200, other in 0u32..200, equal in 0u32..50) {
            let votes = Preference { exact, other, equal };
            let (least, most) = votes.interval();
            prop_assert!(0.0 <= least && least <= votes.share() && votes.share() <= most && most <= 1.0);
            let (turned_least, turned_most) = Preference { exact: other, other: exact, equal }.interval();
            prop_assert!((least + turned_most - 1.0).abs() < 1e-9 && (most + turned_least - 1.0).abs() < 1e-9);
        }
    }
}
