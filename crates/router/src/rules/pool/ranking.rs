//! Who gets a task, and why the others did not: the rules of allocation, on numbers alone.
//!
//! High accuracy goes to full weights on high-end hardware; cost-effective work to quantized weights, the fastest
//! first; basic work to low-end hardware first. What is there and busy is waited for: a fallback counts only where
//! nothing of what was asked for is there, and only if the user named it. A node that is set aside for a session comes first
//! for it and last for others. Among what is left the level nearest to the
//! service level counts; among equals, of two drawn at random, the less loaded one; and if they are equally loaded the
//! one that has been without a task for longer, so that a new node gets work.

use cortensor_protocol::{Capability, Level, Millis, NodeAddress, Precision, Tier};
use rand::{Rng, seq::IndexedRandom as _};

use super::reserved::Keeper;
use crate::rules::choice::{Choice, Fit, Preference, TaskClass};

/// Whether a node could take a task now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// It has a free slot.
    Free,
    /// All its slots are taken.
    Busy,
    /// It has not passed its test (yet).
    Untested,
    /// Its context is too small, or it has other weights than those the answer was begun with.
    Unsuited,
    /// It refused, and has given no sign since.
    Refusing,
    /// It failed several tasks and is left alone for a while.
    Parked,
    /// It answers another part of the same request.
    Elsewhere,
}

/// A node as the ranking sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contender {
    pub(crate) node: NodeAddress,
    pub(crate) precision: Precision,
    pub(crate) tier: Option<Tier>,
    pub(crate) level: Level,
    /// Answer tokens a second, as measured in its test.
    pub(crate) decode: Option<f64>,
    pub(crate) running: u32,
    pub(crate) slots: u32,
    /// When it got a user's task last.
    pub(crate) last_task: Option<Millis>,
    pub(crate) availability: Availability,
    /// It lost this task before.
    pub(crate) lost_it: bool,
    /// Who has it to itself.
    pub(crate) keeper: Keeper,
}

/// What became of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Chosen,
    Unfit,
    Unavailable(Availability),
    NotNeeded,
    KeptByAnother,
    NotKept,
    LostIt,
    HighEnd,
    LowEnd,
    Slower,
    FartherLevel,
    NotDrawn,
    MoreLoaded,
    Later,
}

/// What became of every contender, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ranking {
    pub(crate) chosen: Option<usize>,
    pub(crate) verdicts: Vec<Verdict>,
    /// How the chosen one fits, or those fit that are waited for.
    pub(crate) fit: Option<Fit>,
}

/// Ranks contenders for one task.
pub(crate) fn rank(choice: Choice, contenders: &[Contender], random: &mut impl Rng) -> Ranking {
    let fits: Vec<_> = contenders.iter().map(|contender| contender.fit(choice)).collect();
    let there = |index: &usize| contenders.get(*index).is_some_and(Contender::is_there);
    let fit = (0..fits.len()).filter(there).filter_map(|index| fits.get(index).copied().flatten()).min();
    let mut round =
        Round { contenders, left: (0..contenders.len()).collect(), verdicts: vec![Verdict::Chosen; contenders.len()] };
    round.keep_fitting(&fits, fit);
    round.keep_unreserved();
    round.keep_free();
    round.keep_own();
    round.keep_preferred(choice);
    let chosen = round.draw(random);
    Ranking { chosen, verdicts: round.verdicts, fit }
}

impl Contender {
    fn fit(&self, choice: Choice) -> Option<Fit> {
        choice.fit(self.precision, self.tier?)
    }

    /// Whether it is what a task may wait for.
    const fn is_there(&self) -> bool {
        !matches!(self.availability, Availability::Untested | Availability::Unsuited | Availability::Elsewhere)
    }

    const fn is_at_work(&self) -> bool {
        matches!(self.availability, Availability::Free | Availability::Busy)
    }

    fn is_freer_than(&self, other: &Self) -> bool {
        let share = |one: &Self, of: &Self| u64::from(one.running) * u64::from(of.slots);
        share(self, other) < share(other, self)
    }

    fn is(&self, capability: Capability) -> bool {
        self.tier.is_some_and(|tier| tier.capability == capability)
    }
}

/// Who is left, and what became of the others.
struct Round<'a> {
    contenders: &'a [Contender],
    left: Vec<usize>,
    verdicts: Vec<Verdict>,
}

impl Round<'_> {
    /// Drops those that do not do, each with its verdict.
    fn drop_if(&mut self, verdict: impl Fn(usize, &Contender) -> Option<Verdict>) {
        let (contenders, verdicts) = (self.contenders, &mut self.verdicts);
        self.left.retain(|index| {
            let out = contenders.get(*index).and_then(|contender| verdict(*index, contender));
            if let (Some(out), Some(slot)) = (out, verdicts.get_mut(*index)) {
                *slot = out;
            }
            out.is_none()
        });
    }

    fn of_left(&self) -> impl Iterator<Item = &Contender> {
        self.left.iter().filter_map(|index| self.contenders.get(*index))
    }

    fn keep_fitting(&mut self, fits: &[Option<Fit>], best: Option<Fit>) {
        self.drop_if(|index, contender| match fits.get(index).copied().flatten() {
            None if contender.tier.is_none() => Some(Verdict::Unavailable(Availability::Untested)),
            None => Some(Verdict::Unfit),
            fit if fit > best && contender.is_there() => Some(Verdict::NotNeeded),
            Some(_) => None,
        });
    }

    /// Nodes of another session only if no other one at work could do it, busy or not.
    fn keep_unreserved(&mut self) {
        let another = |contender: &Contender| contender.keeper == Keeper::Another;
        if self.of_left().any(|contender| contender.is_at_work() && !another(contender)) {
            self.drop_if(|_, contender| another(contender).then_some(Verdict::KeptByAnother));
        }
    }

    /// Nodes of the session's own first.
    fn keep_own(&mut self) {
        let own = |contender: &Contender| contender.keeper == Keeper::Asker;
        if self.of_left().any(own) {
            self.drop_if(|_, contender| (!own(contender)).then_some(Verdict::NotKept));
        }
    }

    /// Nodes that lost the task before only if no other one at work could do it, busy or not.
    fn keep_free(&mut self) {
        let others = self.of_left().any(|contender| contender.is_at_work() && !contender.lost_it);
        self.drop_if(|_, contender| match contender.availability {
            Availability::Free if others && contender.lost_it => Some(Verdict::LostIt),
            Availability::Free => None,
            other => Some(Verdict::Unavailable(other)),
        });
    }

    fn keep_preferred(&mut self, choice: Choice) {
        if choice.task_class == TaskClass::Basic {
            self.prefer(Capability::LowEnd, Verdict::HighEnd);
        } else if choice.preference == Preference::HighAccuracy {
            self.prefer(Capability::HighEnd, Verdict::LowEnd);
        }
        if choice.preference == Preference::CostEffective {
            self.keep_fast();
        }
        if let Some(sla) = choice.sla {
            let nearest = self.of_left().map(|contender| sla.distance(contender.level)).min().unwrap_or_default();
            self.drop_if(|_, contender| (sla.distance(contender.level) > nearest).then_some(Verdict::FartherLevel));
        }
    }

    fn prefer(&mut self, capability: Capability, others: Verdict) {
        if self.of_left().any(|contender| contender.is(capability)) {
            self.drop_if(|_, contender| (!contender.is(capability)).then_some(others));
        }
    }

    /// Rates vary from one measurement to the next: what is at least half as fast as the fastest is as fast.
    fn keep_fast(&mut self) {
        let fastest = self.of_left().filter_map(|contender| contender.decode).fold(0.0, f64::max);
        let slow = |contender: &Contender| contender.decode.unwrap_or_default() * 2.0 < fastest;
        self.drop_if(|_, contender| slow(contender).then_some(Verdict::Slower));
    }

    fn draw(&mut self, random: &mut impl Rng) -> Option<usize> {
        let drawn: Vec<usize> = self.left.choose_multiple(random, 2).copied().collect();
        let first = *drawn.first()?;
        self.drop_if(|index, _| (!drawn.contains(&index)).then_some(Verdict::NotDrawn));
        let Some(second) = drawn.get(1).copied() else { return Some(first) };
        let (best, other, why) = self.better(first, second)?;
        if let Some(slot) = self.verdicts.get_mut(other) {
            *slot = why;
        }
        Some(best)
    }

    /// The better of two, the other, and why that one is not.
    fn better(&self, first: usize, second: usize) -> Option<(usize, usize, Verdict)> {
        let (one, other) = (self.contenders.get(first)?, self.contenders.get(second)?);
        Some(if one.is_freer_than(other) {
            (first, second, Verdict::MoreLoaded)
        } else if other.is_freer_than(one) {
            (second, first, Verdict::MoreLoaded)
        } else if other.last_task < one.last_task {
            (second, first, Verdict::Later)
        } else {
            (first, second, Verdict::Later)
        })
    }
}

impl Verdict {
    /// For programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Chosen => "chosen",
            Self::Unfit => "unfit",
            Self::Unavailable(Availability::Busy | Availability::Free) => "busy",
            Self::Unavailable(Availability::Untested) => "untested",
            Self::Unavailable(Availability::Unsuited) => "unsuited",
            Self::Unavailable(Availability::Refusing) => "refusing",
            Self::Unavailable(Availability::Parked) => "parked",
            Self::Unavailable(Availability::Elsewhere) => "elsewhere",
            Self::NotNeeded => "fallback_not_needed",
            Self::KeptByAnother => "set_aside",
            Self::NotKept => "not_set_aside",
            Self::LostIt => "lost_it",
            Self::HighEnd => "high_end",
            Self::LowEnd => "low_end",
            Self::Slower => "slower",
            Self::FartherLevel => "farther_level",
            Self::NotDrawn => "not_drawn",
            Self::MoreLoaded => "more_loaded",
            Self::Later => "had_a_task_later",
        }
    }

    /// For people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Chosen => "it was the best of those that were free",
            Self::Unfit => "its tier is not what was asked for, nor the fallback that was named",
            Self::Unavailable(Availability::Busy | Availability::Free) => "all its slots were taken",
            Self::Unavailable(Availability::Untested) => "it has not passed its test",
            Self::Unavailable(Availability::Unsuited) => {
                "its context is too small, or it has other weights than those the answer was begun with"
            }
            Self::Unavailable(Availability::Refusing) => "it refused a task a moment ago",
            Self::Unavailable(Availability::Parked) => "it failed several tasks and is left alone for a while",
            Self::Unavailable(Availability::Elsewhere) => "it answers another part of the same request",
            Self::NotNeeded => "it is a fallback, and a node as asked for is there",
            Self::KeptByAnother => "it is set aside for another session",
            Self::NotKept => "a node that is set aside for this session is free",
            Self::LostIt => "it lost this task before",
            Self::HighEnd => "basic work goes to low-end nodes first",
            Self::LowEnd => "high-end nodes go first",
            Self::Slower => "it is less than half as fast as the fastest one",
            Self::FartherLevel => "its level is farther from the service level",
            Self::NotDrawn => "it is an equal, and chance drew two others",
            Self::MoreLoaded => "it is an equal with less of its slots free",
            Self::Later => "it is an equal that had a task later",
        }
    }
}

#[cfg(test)]
mod tests;
