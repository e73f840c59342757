//! Stepping aside for whoever owns the machine, and coming back.

use std::time::Duration;

use tokio::time::timeout;

use super::{Life, serve::LoadedModel};
use crate::Phase;

/// How long an answer that runs may still take: then it is given back to the router, and another node goes on with it.
const GRACE: Duration = Duration::from_secs(3);

impl Life {
    /// Whether nothing is in the way of a loaded model.
    pub(super) fn may_load(&self) -> bool {
        !self.choice.paused && !self.lent && !self.given_up && (self.mines_anyway || self.aside.borrow().is_empty())
    }

    /// Steps aside while there is a reason, and goes on when there is none left.
    pub(super) async fn mind(&mut self) {
        if self.aside.borrow().is_empty() {
            self.mines_anyway = false;
        }
        self.show_aside();
        if self.may_load() {
            if let Err(error) = self.go_on().await {
                tracing::warn!(%error, "the miner did not go on by itself");
            }
        } else {
            self.step_aside().await;
        }
    }

    pub(super) fn show_aside(&self) {
        let reasons = self.aside.borrow().clone();
        if let Some(first) = reasons.first() {
            tracing::info!(mines_anyway = self.mines_anyway, "a reason to step aside: {first}");
        }
        self.status.send_modify(|status| status.aside = reasons);
    }

    /// Gives the memory back within seconds, whatever runs.
    async fn step_aside(&mut self) {
        self.hold(Some(Phase::Draining));
        self.node.serve(None);
        if let Some(LoadedModel { model, view }) = self.loaded.take() {
            let artifact = model.artifact().digest;
            if timeout(GRACE, self.node.drained(artifact)).await.is_err() {
                self.node.hand_back();
                self.node.drained(artifact).await;
            }
            model.unload().await;
            tracing::info!(model = %view.model, precision = %view.precision, "unloaded, to make room for others");
        }
        self.nothing_loaded();
        self.hold(Some(Phase::Paused));
    }
}
