//! One miner in one round of a network task.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::NetworkTaskRefused;
use crate::EventKind;

/// What a participant has to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantStep {
    /// Say that it is ready.
    Prepare,
    /// Bind itself to an answer.
    Precommit,
    /// Send the answer.
    Commit,
}

impl ParticipantStep {
    const ALL: [Self; 3] = [Self::Prepare, Self::Precommit, Self::Commit];

    /// What doing it, or missing it, is counted as.
    pub const fn kind(self) -> EventKind {
        match self {
            Self::Prepare => EventKind::Prepare,
            Self::Precommit => EventKind::Precommit,
            Self::Commit => EventKind::Commit,
        }
    }
}

impl fmt::Display for ParticipantStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

/// How far a participant is. The last two are final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantProgress {
    /// It was drawn.
    #[default]
    Drawn,
    /// It is ready.
    Prepared,
    /// It has bound itself to an answer.
    Precommitted,
    /// Its answer is in and is the one that was bound.
    Committed,
    /// It is out of the round: it missed the deadline of this step.
    Missed(ParticipantStep),
}

impl ParticipantProgress {
    /// What it has to do next; `None` when nothing more can come of it.
    pub const fn next(self) -> Option<ParticipantStep> {
        match self {
            Self::Drawn => Some(ParticipantStep::Prepare),
            Self::Prepared => Some(ParticipantStep::Precommit),
            Self::Precommitted => Some(ParticipantStep::Commit),
            Self::Committed | Self::Missed(_) => None,
        }
    }

    /// What it did and what it missed, to be counted. What it was not asked for counts neither way, so there is nothing
    /// of a round that was abandoned but what was done until then.
    pub fn counted(self) -> impl Iterator<Item = (EventKind, bool)> {
        let missed = match self {
            Self::Missed(step) => Some(step),
            _ => None,
        };
        let until = self.next().or(missed);
        let done = ParticipantStep::ALL.into_iter().take_while(move |step| Some(*step) != until);
        done.map(|step| (step.kind(), true)).chain(missed.map(|step| (step.kind(), false)))
    }
}

/// One miner's part in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    progress: ParticipantProgress,
    hash: Option<String>,
    refusals: BTreeMap<NetworkTaskRefused, u32>,
}

impl Participant {
    /// How far it is.
    pub const fn progress(&self) -> ParticipantProgress {
        self.progress
    }

    /// The hash it has bound itself with, also when it missed the commit.
    pub fn precommit(&self) -> Option<&String> {
        self.hash.as_ref()
    }

    /// How often its messages were refused, by reason.
    pub const fn refusals(&self) -> &BTreeMap<NetworkTaskRefused, u32> {
        &self.refusals
    }

    /// Whether this step is what it has to do next.
    pub(super) fn check(&self, step: ParticipantStep) -> Result<(), NetworkTaskRefused> {
        let next = match (self.progress, self.progress.next()) {
            (ParticipantProgress::Missed(missed), _) if step >= missed => return Err(NetworkTaskRefused::Late),
            (_, None) => return Err(NetworkTaskRefused::Replayed),
            (_, Some(next)) => next,
        };
        match step.cmp(&next) {
            Ordering::Less => Err(NetworkTaskRefused::Replayed),
            Ordering::Equal => Ok(()),
            Ordering::Greater if step == ParticipantStep::Commit => Err(NetworkTaskRefused::Unbound),
            Ordering::Greater => Err(NetworkTaskRefused::OutOfOrder),
        }
    }

    pub(super) fn prepare(&mut self) -> Result<(), NetworkTaskRefused> {
        self.check(ParticipantStep::Prepare)?;
        self.progress = ParticipantProgress::Prepared;
        Ok(())
    }

    pub(super) fn bind(&mut self, hash: String) -> Result<(), NetworkTaskRefused> {
        self.check(ParticipantStep::Precommit)?;
        self.hash = Some(hash);
        self.progress = ParticipantProgress::Precommitted;
        Ok(())
    }

    pub(super) fn commit(&mut self, hash: &str) -> Result<(), NetworkTaskRefused> {
        self.check(ParticipantStep::Commit)?;
        if self.hash.as_deref() != Some(hash) {
            return Err(NetworkTaskRefused::HashMismatch);
        }
        self.progress = ParticipantProgress::Committed;
        Ok(())
    }

    /// The deadline of `step` has passed.
    pub(super) fn miss(&mut self, step: ParticipantStep) {
        if self.progress.next() == Some(step) {
            self.progress = ParticipantProgress::Missed(step);
        }
    }

    pub(super) fn refuse(&mut self, reason: NetworkTaskRefused) {
        let count = self.refusals.entry(reason).or_default();
        *count = count.saturating_add(1);
    }
}
