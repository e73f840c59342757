//! After a breakdown: what is broken goes out of memory, is loaded again, and what happened is kept and told.

use std::time::Duration;

use cortensor_node::{Breakdown, BreakdownKind, NodeEvent};
use cortensor_planner::{Choice as Planned, Load, lessened};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout},
};

use super::{Life, serve::LoadedModel, watchdog::Remedy};
use crate::{
    Incident, Phase, Problem, ProblemCode, StepName,
    incidents::{self, Repair},
};

/// How long a broken engine may take to let go of its memory; it goes on in the background after that.
const LETTING_GO: Duration = Duration::from_secs(10);

impl Life {
    /// What the node tells of the model that is loaded.
    pub(super) async fn hear(&mut self, event: Result<NodeEvent, RecvError>) {
        // Of an engine that is out already, nothing is to be mended: several tasks can fail of one cause.
        if let (Ok(NodeEvent::BrokeDown(breakdown)), true) = (event, self.loaded.is_some()) {
            self.repair(breakdown).await;
        }
    }

    async fn repair(&mut self, breakdown: Breakdown) {
        let remedy = self.watchdog.remedy(breakdown.kind, Instant::now());
        let remedy = if self.is_too_small(breakdown.kind) { Remedy::GiveUp } else { remedy };
        self.remember(&breakdown, remedy);
        self.hold(Some(Phase::Draining));
        self.drop_broken().await;
        match remedy {
            Remedy::LoadAgain { after } => {
                self.hold(Some(Phase::Starting));
                let detail = format!("the engine broke down; loading again in {} s", after.as_secs());
                self.status.send_modify(|status| status.step(StepName::Load, None, detail));
                self.load_at = Some(Instant::now() + after);
            }
            Remedy::GiveUp => self.give_up(&breakdown),
        }
    }

    /// Whether less memory was the remedy and there is no less.
    fn is_too_small(&self, kind: BreakdownKind) -> bool {
        let smallest = lessened(self.planned(self.choice.mode).load, self.watchdog.halvings).is_none();
        kind == BreakdownKind::OutOfMemory && smallest
    }

    /// What was planned, with less context for each time that memory was short.
    pub(super) fn wished(&self, planned: &Planned) -> Load {
        lessened(planned.load, self.watchdog.halvings).unwrap_or(planned.load)
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
        self.status.send_modify(|status| status.loaded = None);
    }

    /// Loads again when it is time, unless the user wants something else meanwhile.
    pub(super) async fn try_again(&mut self) {
        self.load_at = None;
        match self.go_on().await {
            Ok(()) => tracing::info!("the model is loaded again after the breakdown"),
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

    fn give_up(&mut self, breakdown: &Breakdown) {
        self.given_up = true;
        self.hold(Some(Phase::Paused));
        let message = format!(
            "the engine broke down again and again, the last time with: {}; look at the logs, then choose Resume to try again",
            breakdown.message
        );
        tracing::error!("{message}");
        self.status.send_modify(|status| status.give_up(Some(Problem { code: ProblemCode::Engine, message })));
    }

    fn remember(&self, breakdown: &Breakdown, remedy: Remedy) {
        let loaded = self.loaded.as_ref();
        let incident = Incident {
            at: incidents::now(),
            kind: breakdown.kind,
            message: breakdown.message.clone(),
            model: loaded.map(|loaded| loaded.view.model.clone()),
            precision: loaded.map(|loaded| loaded.view.precision),
            context_tokens: loaded.map(|loaded| loaded.model.options().context_tokens),
            repair: match (remedy, breakdown.kind) {
                (Remedy::GiveUp, _) => Repair::GivenUp,
                (_, BreakdownKind::OutOfMemory) => Repair::LoadedSmaller,
                _ => Repair::LoadedAgain,
            },
        };
        tracing::error!(kind = ?incident.kind, "the engine broke down: {}", incident.message);
        if let Err(error) = incidents::keep(&self.config.machine.folders, &incident) {
            tracing::warn!(%error, "the breakdown is not kept");
        }
        self.status.send_modify(|status| status.incident = Some(incident));
    }
}
