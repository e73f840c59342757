//! What needs a model's files now: such files are not deleted.

use cortensor_hardware::Hardware;
use cortensor_models::{ladder::unlisted, starter};
use cortensor_protocol::{ModelId, Precision};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use ts_rs::TS;

use crate::{
    Comparison, ComparisonPhase, Failure, FailureCode, FidelityPhase, FidelityRun, Lab, Phase, Status, Vote, VotePhase,
};

/// What needs a model's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ModelUse {
    /// It is in memory, to serve requests.
    Loaded,
    /// The miner checks, measures or loads the files of this model.
    Starting,
    /// Precisions of this model are being compared.
    Compared,
    /// The miner chooses among the precisions of this model, of which one at least is always made.
    Ladder,
}

/// Who may need files.
#[derive(Clone, Debug)]
pub struct Users {
    /// The miner.
    pub status: watch::Receiver<Status>,
    /// Answers side by side.
    pub comparison: watch::Receiver<Comparison>,
    /// Figures over a text.
    pub fidelity: watch::Receiver<FidelityRun>,
    /// Blind votes.
    pub vote: watch::Receiver<Vote>,
}

/// What is needed at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InUse {
    loaded: Option<(ModelId, Precision)>,
    starting: bool,
    comparing: bool,
}

impl Users {
    /// A miner with this status, and a lab.
    pub fn new(status: watch::Receiver<Status>, lab: &Lab) -> Self {
        Self { status, comparison: lab.comparison(), fidelity: lab.fidelity(), vote: lab.vote() }
    }

    /// The machine, once the miner has looked at it.
    pub(super) fn hardware(&self) -> Option<Hardware> {
        self.status.borrow().hardware.clone()
    }

    pub(super) fn now(&self) -> InUse {
        let status = self.status.borrow();
        InUse {
            loaded: status.loaded.as_ref().map(|loaded| (loaded.model.clone(), loaded.precision)),
            starting: status.measuring || matches!(status.phase, Phase::Starting | Phase::Switching),
            comparing: self.is_comparing(),
        }
    }

    /// Waits until something may be needed that was not, or the other way round.
    pub(super) async fn changed(&mut self) {
        let Self { status, comparison, fidelity, vote } = self;
        tokio::select! {
            Ok(()) = status.changed() => {}
            Ok(()) = comparison.changed() => {}
            Ok(()) = fidelity.changed() => {}
            Ok(()) = vote.changed() => {}
            else => std::future::pending().await,
        }
    }

    fn is_comparing(&self) -> bool {
        use ComparisonPhase::{Answering, Loading, Scoring, Waiting};
        let (comparison, fidelity, vote) =
            (self.comparison.borrow().phase, self.fidelity.borrow().phase, self.vote.borrow().phase);
        matches!(comparison, Waiting | Loading | Answering | Scoring)
            || matches!(fidelity, FidelityPhase::Waiting | FidelityPhase::Loading | FidelityPhase::Scoring)
            || vote == VotePhase::Answering
    }
}

impl InUse {
    /// What needs this file.
    pub(super) fn of(&self, id: &ModelId, format: Precision) -> Vec<ModelUse> {
        let starter = starter();
        let on_ladder = *id == starter.model && starter.ladder.contains(&format);
        let loaded = self.loaded.as_ref().is_some_and(|(model, precision)| model == id && *precision == format);
        let uses = [
            (loaded, ModelUse::Loaded),
            (self.starting && (on_ladder || unlisted(id) != *id), ModelUse::Starting),
            (on_ladder && self.comparing, ModelUse::Compared),
            (on_ladder, ModelUse::Ladder),
        ];
        uses.into_iter().filter_map(|(holds, what)| holds.then_some(what)).collect()
    }
}

impl ModelUse {
    /// Why the file stays and what to do; nothing if it may go.
    fn why_not(self) -> Option<&'static str> {
        Some(match self {
            Self::Loaded => "is loaded to serve requests; pause mining or choose the other mode, then delete it",
            Self::Starting => {
                "is being checked, measured or loaded by the miner; wait until that is done, then delete it"
            }
            Self::Compared => "may be read by the comparison that is under way; stop it or wait, then delete it",
            Self::Ladder => return None,
        })
    }
}

/// Says no, and why, if something needs the file.
pub(super) fn check_unused(users: &Users, id: &ModelId, format: Precision) -> Result<(), Failure> {
    match users.now().of(id, format).into_iter().find_map(ModelUse::why_not) {
        Some(why) => Err(Failure::new(FailureCode::Busy, format!("{id} {format} {why}"))),
        None => Ok(()),
    }
}
