//! When memory runs out: what was loaded is planned with less, now and at the next start, until the user says otherwise.

use cortensor_engine::{LoadError, LoadOptions};
use cortensor_hardware::Hardware;
use cortensor_node::{Breakdown, BreakdownKind};
use cortensor_planner::{Choice as Planned, Load, MemoryLimit, Plan, PlanError};
use cortensor_protocol::Mode;

use super::{Life, repair::Broken, serve::LoadedModel};
use crate::{
    CommandError, GoesOn, Incident, Machine, Problem, ProblemCode, Repair,
    at_work::AtWork,
    device::backend,
    incidents, lab,
    memory_limits::MemoryLimits,
    status::{StatusSender, problem},
    survey, wall_time,
};

/// What the system ended the last life over, planned with less from now on.
pub(super) fn learn(machine: &Machine, hardware: &Hardware) -> Option<AtWork> {
    let killed = AtWork::killed(&machine.folders)?;
    let mut limits = MemoryLimits::read(machine, hardware);
    limits.add(MemoryLimit::after(killed.artifact, killed.backend, killed.load));
    if let Err(error) = limits.write(&machine.folders) {
        tracing::warn!(%error, "what ran out of memory is not kept");
    }
    Some(killed)
}

/// Tells what was learnt, once it is known with what it goes on.
pub(super) fn tell(machine: &Machine, status: &StatusSender, killed: AtWork, plan: &Plan) {
    let AtWork { model, precision, mode, load, .. } = killed;
    let planned = if mode == Mode::Precision { &plan.precision } else { &plan.volume };
    let incident = Incident {
        at: wall_time(),
        kind: BreakdownKind::OutOfMemory,
        message: "the system ended the miner, since its memory had run out".to_owned(),
        model: Some(model),
        precision: Some(precision),
        context_tokens: Some(load.context_tokens),
        slots: Some(load.slots),
        repair: Repair::LoadedSmaller,
        goes_on: Some(GoesOn::with(planned)),
    };
    incidents::tell(&machine.folders, status, incident);
}

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
        let mut limits = MemoryLimits::of(&self.config.machine, &self.hardware, self.plan.limits.clone());
        limits.add(MemoryLimit::after(broken.artifact, backend(broken.options.device), load));
        if let Err(error) = limits.write(&self.config.machine.folders) {
            tracing::warn!(%error, "what ran out of memory is not kept");
        }
        let planned = self.plan_within(limits.all()).await;
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
        self.plan_within(Vec::new()).await.map_err(|error| problem(ProblemCode::Plan, &error))
    }

    async fn plan_within(&mut self, limits: Vec<MemoryLimit>) -> Result<(), PlanError> {
        let machine = &self.config.machine;
        self.plan = survey::plan(machine, &self.status, &self.hardware, &self.artifacts, limits)?;
        let losses = lab::losses(&machine.folders, machine.engine.name()).await;
        self.status.send_modify(|status| status.show_losses(&losses));
        Ok(())
    }

    fn is_as_planned(&self, loaded: &LoadedModel) -> bool {
        let Planned { variant, load, .. } = self.planned(loaded.view.mode);
        let options = loaded.model.options();
        loaded.model.artifact().digest == variant.artifact && options.context_tokens == load.context_tokens
    }
}
