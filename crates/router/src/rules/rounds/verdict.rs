//! What a round says of each node: the pay, the word in the record, and what is told to levels.

use std::collections::BTreeMap;

use cortensor_fidelity::Nearness;
use cortensor_protocol::{Amount, EventKind, LevelSighting, Millis, NodeAddress, UnpaidReason};

use super::agreement::Relation;
use crate::{
    policy::RoundsPolicy,
    rules::level::{Failure, LevelEvent},
    store::{Pay, ValidatorId},
};

/// What a round's answers came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Compared {
    pub(super) outcomes: BTreeMap<NodeAddress, Outcome>,
    /// Where they were compared by meaning: the median of each one's similarities to the others, and who said so.
    pub(super) similarities: BTreeMap<NodeAddress, f32>,
    pub(super) validator: Option<ValidatorId>,
}

/// What became of a node in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It said what the majority said, all of it; sampled, it meant what others meant.
    Agreed,
    /// It parted from the majority at this token, late enough for rounding.
    PartedLate(usize),
    /// It parted early: once or twice that proves nothing.
    PartedEarly(usize),
    /// It was about something else than the majority's: once or twice that proves nothing.
    LayApart,
    /// There is nobody, or no majority, to say who is right.
    Undecided(usize),
    /// It was like few others, and there was no majority to lie apart from.
    Unlike,
    /// No validator said in time how near the answers lie to each other.
    NotCompared,
    /// It missed a deadline of the round.
    Missed,
    /// What it sent breaks the rules.
    BrokeRules(String),
    /// It did not take the task, which is nobody's fault.
    Refused,
    /// A user's request was there first.
    NotAsked,
    /// The router gave the round up, which says nothing of anybody.
    GivenUp,
}

impl Outcome {
    pub(super) fn of(policy: &RoundsPolicy, relation: Relation) -> Self {
        let early = |at: usize| at < policy.early_tokens as usize;
        match relation {
            Relation::Agrees => Self::Agreed,
            Relation::Parts(at) if early(at) => Self::PartedEarly(at),
            Relation::Undecided(at) if early(at) => Self::Undecided(at),
            Relation::Parts(at) | Relation::Undecided(at) => Self::PartedLate(at),
        }
    }

    /// The word that is kept.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::PartedLate(_) => "parted_late",
            Self::PartedEarly(_) => "parted_early",
            Self::LayApart => "lay_apart",
            Self::Undecided(_) | Self::Unlike | Self::NotCompared => "undecided",
            Self::Missed => "missed",
            Self::BrokeRules(_) => "broke_rules",
            Self::Refused => "refused",
            Self::NotAsked => "not_asked",
            Self::GivenUp => "given_up",
        }
    }

    pub(super) const fn position(&self) -> Option<usize> {
        match self {
            Self::PartedLate(at) | Self::PartedEarly(at) | Self::Undecided(at) => Some(*at),
            _ => None,
        }
    }

    /// What an answer that came is paid.
    pub(super) fn pay(&self, reward: Amount) -> Pay {
        match self {
            Self::Agreed | Self::PartedLate(_) => Pay::Incentive(reward),
            Self::PartedEarly(at) => {
                let token = u64::try_from(*at).unwrap_or(u64::MAX).saturating_add(1);
                Pay::Void(UnpaidReason::RoundParted { token })
            }
            Self::LayApart => Pay::Void(UnpaidReason::RoundLayApart),
            Self::NotCompared => Pay::Void(UnpaidReason::RoundNotCompared),
            Self::Undecided(_) | Self::Unlike => Pay::Void(UnpaidReason::RoundUndecided),
            Self::GivenUp => Pay::Void(UnpaidReason::RoundGivenUp),
            _ => Pay::Void(UnpaidReason::RoundLate),
        }
    }

    /// What it says of the node's answers, if it says anything. What a node missed or broke is seen by the driver of its
    /// task, as with every task.
    pub(super) fn event(&self, partings: Partings, policy: &RoundsPolicy, at: Millis) -> Option<LevelEvent> {
        // That answers agree is what is to be expected: levels are earned in tests, whose number the policy knows.
        if !matches!(self, Self::PartedEarly(_) | Self::LayApart) {
            return None;
        }
        let sighting = LevelSighting::RoundsParted { parted: partings.early, rounds: partings.judged };
        (partings.early >= policy.flagged_after.get())
            .then(|| LevelEvent::new(EventKind::Correctness, Some(Failure::WrongAnswer), at, sighting))
    }
}

/// What a round says of a node's being there, apart from its answer: it was drawn while it was there, and its task found it
/// or did not. Nothing if its task came to nothing while it was there all the time.
pub(super) fn presence(found: bool, there: bool, at: Millis) -> Option<[LevelEvent; 2]> {
    let event = |kind, failure, sighting| LevelEvent::new(kind, failure, at, sighting);
    let made = match (found, there) {
        (true, _) => event(EventKind::Create, None, LevelSighting::RoundJoined),
        (false, false) => event(EventKind::Create, Some(Failure::MissedDeadline), LevelSighting::RoundLeft),
        (false, true) => return None,
    };
    Some([event(EventKind::Request, None, LevelSighting::RoundDrawn), made])
}

impl From<Nearness> for Outcome {
    fn from(nearness: Nearness) -> Self {
        match nearness {
            Nearness::Near => Self::Agreed,
            Nearness::Apart => Self::LayApart,
            Nearness::Undecided => Self::Unlike,
        }
    }
}

/// How many of a node's latest answers parted early from the majority, or were about something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partings {
    pub(super) early: u32,
    pub(super) judged: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_early_parting_is_no_failure_and_several_are() {
        let policy = RoundsPolicy::default();
        let failure = |outcome: Outcome, early: u32| {
            outcome.event(Partings { early, judged: 10 }, &policy, Millis(1)).and_then(|event| event.failure)
        };
        for (outcome, early, expected) in [
            (Outcome::Agreed, 0, None),
            // What was before does not spoil what is right now.
            (Outcome::Agreed, 9, None),
            (Outcome::PartedLate(40), 9, None),
            (Outcome::PartedEarly(2), 1, None),
            (Outcome::PartedEarly(2), 2, None),
            (Outcome::PartedEarly(2), 3, Some(Failure::WrongAnswer)),
            (Outcome::LayApart, 2, None),
            (Outcome::LayApart, 3, Some(Failure::WrongAnswer)),
            (Outcome::Undecided(0), 9, None),
            (Outcome::Unlike, 9, None),
            (Outcome::NotCompared, 9, None),
            (Outcome::Missed, 9, None),
            (Outcome::Refused, 9, None),
            (Outcome::NotAsked, 9, None),
        ] {
            assert_eq!(failure(outcome.clone(), early), expected, "{outcome:?} after {early}");
        }
    }

    #[test]
    fn a_node_is_counted_as_asked_and_as_there_unless_users_came_first() {
        let events = |found, there| presence(found, there, Millis(1)).map(|events| events.map(|event| event.failure));
        let missed = Some(Failure::MissedDeadline);
        for (found, there, expected) in [
            (true, true, Some([None, None])),
            (true, false, Some([None, None])),
            (false, false, Some([None, missed])),
            (false, true, None),
        ] {
            assert_eq!(events(found, there), expected, "{found} {there}");
        }
        let kinds = presence(true, true, Millis(1)).unwrap().map(|event| event.kind);
        assert_eq!(kinds, [EventKind::Request, EventKind::Create]);
    }

    #[test]
    fn sampled_answers_are_paid_if_they_mean_what_others_mean() {
        for (nearness, word, paid) in [
            (Nearness::Near, "agreed", true),
            (Nearness::Apart, "lay_apart", false),
            (Nearness::Undecided, "undecided", false),
        ] {
            let outcome = Outcome::from(nearness);
            let pay = outcome.pay(Amount::from_credits(1));
            assert_eq!((outcome.word(), matches!(pay, Pay::Incentive(_))), (word, paid));
        }
    }

    #[test]
    fn only_answers_that_stayed_with_the_majority_long_enough_are_paid() {
        let policy = RoundsPolicy { early_tokens: 16, ..RoundsPolicy::default() };
        for (relation, word, paid) in [
            (Relation::Agrees, "agreed", true),
            (Relation::Parts(15), "parted_early", false),
            (Relation::Parts(16), "parted_late", true),
            (Relation::Undecided(15), "undecided", false),
            (Relation::Undecided(16), "parted_late", true),
        ] {
            let outcome = Outcome::of(&policy, relation);
            assert_eq!(outcome.word(), word);
            let pay = outcome.pay(Amount::from_credits(1));
            assert_eq!(pay == Pay::Incentive(Amount::from_credits(1)), paid, "{pay:?}");
        }
    }
}
