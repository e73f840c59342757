//! When memory runs out: what was loaded is planned with less, now and at the next start, until the user says otherwise.

use cortensor_engine::{LoadError, LoadOptions};
use cortensor_node::{Breakdown, BreakdownKind};
use cortensor_planner::{Choice as Planned, Load, MemoryLimit, PlanError};
use cortensor_protocol::Mode;

use super::{Life, repair::Broken, serve::LoadedModel};
use crate::{
    CommandError, GoesOn, Problem, ProblemCode, device::backend, lab, memory_limits::MemoryLimits, status::problem,
    survey,
};

impl Life {
    /// Memory ran out over a load for `mode`: plans with less, or gives the error back where there is none.
    pub(super) async fn load_less(
        &mut self,
        mode: Mode,
        options: LoadOptions,
        error: LoadError,
    ) -> Result<(), LoadError> {
        let broken = Broken::of_planned(self.planned(mode), options);
        let lessened = self.lessen(&broken).await;
        let breakdown = Breakdown { kind: BreakdownKind::OutOfMemory, message: error.to_string() };
        self.remember(&breakdown, Some(&broken), lessened.is_ok());
        lessened.map_err(|_| error)
    }

    /// Plans with less of what ran out of memory. The error says that nothing is left to try; then it begins anew, for when
    /// the user says so.
    pub(super) async fn lessen(&mut self, broken: &Broken) -> Result<(), PlanError> {
        let load = Load { context_tokens: broken.options.context_tokens, slots: broken.options.slots };
        let mut limits = MemoryLimits::read(&self.config.machine, &self.hardware);
        limits.add(MemoryLimit::after(broken.artifact, backend(broken.options.device), load));
        if let Err(error) = limits.write(&self.config.machine.folders) {
            tracing::warn!(%error, "what ran out of memory is not kept");
        }
        let planned = self.plan_again().await;
        if planned.is_err() {
            let _ = self.plan_in_full().await;
        }
        planned
    }

    /// Forgets what ran out of memory, and serves what is planned then. What runs finishes first.
    pub(super) async fn forget_limits(&mut self) -> Result<(), CommandError> {
        self.plan_in_full().await.map_err(|problem| CommandError::NotLoaded { message: problem.message })?;
        self.take_heart();
        if self.loaded.as_ref().is_some_and(|loaded| !self.is_as_planned(loaded)) {
            self.unserve().await;
        }
        self.go_on().await
    }

    async fn plan_in_full(&mut self) -> Result<(), Problem> {
        let forgotten = survey::forget_limits(&self.config.machine, &self.hardware);
        forgotten.map_err(|error| problem(ProblemCode::Files, &error))?;
        self.plan_again().await.map_err(|error| problem(ProblemCode::Plan, &error))
    }

    async fn plan_again(&mut self) -> Result<(), PlanError> {
        let machine = &self.config.machine;
        self.plan = survey::plan(machine, &self.status, &self.hardware, &self.artifacts)?;
        let losses = lab::losses(&machine.folders, machine.engine.name()).await;
        self.status.send_modify(|status| status.show_losses(&losses));
        Ok(())
    }

    fn is_as_planned(&self, loaded: &LoadedModel) -> bool {
        let Planned { variant, load, .. } = self.planned(loaded.view.mode);
        let options = loaded.model.options();
        loaded.model.artifact().digest == variant.artifact && options.context_tokens == load.context_tokens
    }

    /// What is loaded next.
    pub(super) fn goes_on(&self, mode: Mode) -> GoesOn {
        let Planned { variant, load, .. } = self.planned(mode);
        GoesOn { model: variant.model.clone(), precision: variant.precision, load: *load }
    }
}
