//! After a breakdown: what is broken goes out of memory, is loaded again, and what happened is kept and told.

use std::time::Duration;

use cortensor_engine::{LoadError, LoadOptions};
use cortensor_node::{Breakdown, BreakdownKind, NodeEvent};
use cortensor_planner::{Choice as Planned, Variant};
use cortensor_protocol::{ArtifactDigest, Mode, ModelId, Precision};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout},
};

use super::{Life, serve::LoadedModel, watchdog::Remedy};
use crate::{
    GoesOn, Incident, Phase, Problem, ProblemCode, StepName,
    incidents::{self, Repair},
    wall_time,
};

/// How long a broken engine may take to let go of its memory; it goes on in the background after that.
const LETTING_GO: Duration = Duration::from_secs(10);

/// What broke.
pub(super) struct Broken {
    pub(super) artifact: ArtifactDigest,
    model: ModelId,
    precision: Precision,
    mode: Mode,
    pub(super) options: LoadOptions,
}

impl Life {
    /// What the node tells of the model that is loaded.
    pub(super) async fn hear(&mut self, event: Result<NodeEvent, RecvError>) {
        // Of an engine that is out already, nothing is to be mended: several tasks can fail of one cause.
        if let (Ok(NodeEvent::BrokeDown(breakdown)), true) = (event, self.loaded.is_some()) {
            self.repair(breakdown).await;
        }
    }

    async fn repair(&mut self, breakdown: Breakdown) {
        let broken = self.loaded.as_ref().map(Broken::of_loaded);
        let mended = self.mend(&breakdown, broken.as_ref()).await;
        self.remember(&breakdown, broken.as_ref(), mended.is_ok());
        self.hold(Some(Phase::Draining));
        self.drop_broken().await;
        match mended {
            Ok(after) => {
                self.hold(Some(Phase::Starting));
                let detail = format!("the engine broke down; loading again in {} s", after.as_secs());
                self.status.send_modify(|status| status.step(StepName::Load, None, detail));
                self.load_at = Some(Instant::now() + after);
            }
            Err(message) => self.give_up(message),
        }
    }

    /// How long to wait before it is loaded again, or what to tell the user, where nothing helps any more. Against too little
    /// memory it helps to take less, not to wait.
    async fn mend(&mut self, breakdown: &Breakdown, broken: Option<&Broken>) -> Result<Duration, String> {
        if let (BreakdownKind::OutOfMemory, Some(broken)) = (breakdown.kind, broken) {
            return self.lessen(broken).await.map(|()| Duration::ZERO).map_err(|error| error.to_string());
        }
        match self.watchdog.remedy(Instant::now()) {
            Remedy::LoadAgain { after } => Ok(after),
            Remedy::GiveUp => Err(format!(
                "the engine broke down again and again, the last time with: {}; look at the logs, then choose Resume to try \
                 again",
                breakdown.message
            )),
        }
    }

    /// Tasks that still run on it go to other nodes; no task of ours is waited for that a hung engine would never end.
    async fn drop_broken(&mut self) {
        self.node.serve(None);
        if let Some(LoadedModel { model, .. }) = self.loaded.take() {
            if self.node.state().borrow().runs_on(model.artifact().digest) {
                self.node.hand_back();
            }
            let _ = timeout(LETTING_GO, model.unload()).await;
        }
        self.nothing_loaded();
    }

    /// Loads again when it is time, unless the user wants something else meanwhile.
    pub(super) async fn try_again(&mut self) {
        self.load_at = None;
        if !self.may_load() {
            return self.hold(Some(Phase::Paused));
        }
        match self.load_again().await {
            Ok(()) => tracing::info!("the model is loaded again after the breakdown"),
            // With the least of the last that there is: that was told, and time does not help.
            Err(error @ LoadError::OutOfMemory { .. }) => self.give_up(format!("{error}; then choose Resume")),
            Err(error) => {
                let message = error.to_string();
                self.repair(Breakdown { kind: BreakdownKind::Failed, message }).await;
            }
        }
    }

    /// The user does something about it: what was wrong may be mended.
    pub(super) fn take_heart(&mut self) {
        self.watchdog.forget();
        self.given_up = false;
        self.status.send_modify(|status| status.give_up(None));
    }

    fn give_up(&mut self, message: String) {
        self.given_up = true;
        self.hold(Some(Phase::Paused));
        tracing::error!("{message}");
        self.status.send_modify(|status| status.give_up(Some(Problem { code: ProblemCode::Engine, message })));
    }

    /// Keeps what broke and tells it once.
    pub(super) fn remember(&self, breakdown: &Breakdown, broken: Option<&Broken>, mended: bool) {
        let of_memory = breakdown.kind == BreakdownKind::OutOfMemory;
        let repair = match (mended, of_memory) {
            (false, _) => Repair::GivenUp,
            (true, true) => Repair::LoadedSmaller,
            (true, false) => Repair::LoadedAgain,
        };
        let incident = Incident {
            at: wall_time(),
            kind: breakdown.kind,
            message: breakdown.message.clone(),
            model: broken.map(|broken| broken.model.clone()),
            precision: broken.map(|broken| broken.precision),
            context_tokens: broken.map(|broken| broken.options.context_tokens),
            slots: broken.map(|broken| broken.options.slots),
            repair,
            goes_on: broken.filter(|_| mended && of_memory).map(|broken| GoesOn::with(self.planned(broken.mode))),
        };
        incidents::tell(&self.config.machine.folders, &self.status, incident);
    }
}

impl Broken {
    fn of_loaded(loaded: &LoadedModel) -> Self {
        let LoadedModel { model, view } = loaded;
        let (artifact, options) = (model.artifact().digest, model.options());
        Self { artifact, model: view.model.clone(), precision: view.precision, mode: view.mode, options }
    }

    pub(super) fn of_planned(planned: &Planned, options: LoadOptions) -> Self {
        let Variant { artifact, precision, .. } = planned.variant;
        Self { artifact, model: planned.variant.model.clone(), precision, mode: planned.mode, options }
    }
}
