//! One miner in one round of a network task.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::NetworkTaskRefused;

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

impl fmt::Display for ParticipantStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Precommit => "precommit",
            Self::Commit => "commit",
        })
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
