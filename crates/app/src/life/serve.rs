//! Loading, switching, pausing: which model is served, and that nothing that runs is lost by a change.

use std::{sync::Arc, time::Instant};

use cortensor_engine::{Device, LoadError, LoadOptions, Model};
use cortensor_node::Serving;
use cortensor_planner::{Choice as Planned, Load, MemoryEstimate, in_megabytes, shrunk};
use cortensor_protocol::Mode;
use tokio::sync::watch;

use super::Life;
use crate::{
    CommandError, Loaded, Phase, StepName,
    at_work::AtWork,
    choice::Choice,
    device::{card, device, free_bytes, taken_bytes},
    survey,
};

/// A model in memory and what is said of it.
pub(super) struct LoadedModel {
    pub(super) model: Arc<dyn Model>,
    pub(super) view: Loaded,
}

impl Life {
    /// Serves `mode` from now on. What runs on the old model finishes there; if both fit into memory together, there
    /// is no moment without a model, and if they do not, the router keeps requests waiting meanwhile.
    pub(super) async fn switch(&mut self, mode: Mode) -> Result<(), CommandError> {
        let next = Choice { mode, ..self.choice };
        self.take_heart();
        if !self.may_load() || self.loaded.as_ref().is_some_and(|loaded| loaded.view.mode == mode) {
            return self.keep(next);
        }
        self.status.send_modify(|status| status.switching_to = Some(mode));
        self.hold(Some(Phase::Switching));
        let switched = self.exchange(mode).await;
        let switched = switched.map_err(|error| CommandError::NotLoaded { message: error.to_string() });
        // Kept before the switch is told as over, or the old choice would be shown for a moment.
        let kept = switched.and_then(|()| self.keep(next));
        self.status.send_modify(|status| status.switching_to = None);
        self.hold(if self.loaded.is_none() { Some(Phase::Paused) } else { None });
        kept
    }

    async fn exchange(&mut self, mode: Mode) -> Result<(), LoadError> {
        let planned = self.planned(mode);
        let (digest, needed) = (planned.variant.artifact, planned.memory.total().saturating_mul(5) / 4);
        let device = device(&planned.placement);
        if let Some(loaded) = self.loaded.take_if(|loaded| loaded.model.artifact().digest == digest) {
            self.serve(LoadedModel { view: Loaded { mode, ..loaded.view }, model: loaded.model });
            return Ok(());
        }
        if self.room(device) < needed {
            return self.exchange_one_by_one(mode).await;
        }
        let loaded = self.load(mode).await?;
        let old = self.loaded.take();
        self.serve(loaded);
        self.retire(old).await;
        Ok(())
    }

    /// When both do not fit: out with the old one first, and back with it if the new one does not load.
    async fn exchange_one_by_one(&mut self, mode: Mode) -> Result<(), LoadError> {
        let before = self.loaded.as_ref().map(|loaded| loaded.view.mode);
        self.unserve().await;
        match (self.load(mode).await, before) {
            (Ok(loaded), _) => {
                self.serve(loaded);
                Ok(())
            }
            (Err(error), Some(before)) => {
                if let Ok(loaded) = self.load(before).await {
                    self.serve(loaded);
                }
                Err(error)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Finishes what runs and gives the memory back, for something else on this machine; nothing is written down of it.
    pub(super) async fn lend(&mut self) {
        self.lent = true;
        self.make_room().await;
    }

    /// Goes on after [`Life::lend`], if nothing else is in the way.
    pub(super) async fn take_back(&mut self) -> Result<(), CommandError> {
        self.lent = false;
        self.go_on().await
    }

    /// Takes tasks again, whatever reason there is to step aside: who says so has seen it.
    pub(super) async fn resume(&mut self) -> Result<(), CommandError> {
        self.keep(self.choice.resumed())?;
        self.mines_anyway = !self.aside.borrow().is_empty();
        self.take_heart();
        self.go_on().await
    }

    pub(super) async fn make_room(&mut self) {
        self.hold(Some(Phase::Draining));
        self.unserve().await;
        self.hold(Some(Phase::Paused));
    }

    /// Loads again what is chosen, unless something is in the way.
    pub(super) async fn go_on(&mut self) -> Result<(), CommandError> {
        if self.may_load() {
            let loaded = self.load_again().await;
            return loaded.map_err(|error| CommandError::NotLoaded { message: error.to_string() });
        }
        self.hold(Some(Phase::Paused));
        Ok(())
    }

    /// Loads what is chosen and serves it, if nothing is loaded.
    pub(super) async fn load_again(&mut self) -> Result<(), LoadError> {
        self.load_at = None;
        if self.loaded.is_some() {
            return Ok(());
        }
        self.hold(Some(Phase::Starting));
        let loaded = self.load(self.choice.mode).await;
        let loaded = loaded.inspect_err(|_| self.hold(Some(Phase::Paused)))?;
        self.serve(loaded);
        self.hold(None);
        Ok(())
    }

    /// What may be taken on `device` now.
    fn room(&self, device: Device) -> u64 {
        let held = self.loaded.as_ref().map_or(0, |loaded| loaded.view.most_bytes);
        room(free_bytes(device), self.config.machine.settings.memory_budget_bytes, held)
    }

    /// What was planned; with less context where there is less memory now than there was then. Refused before anything
    /// is loaded if even the least does not fit.
    fn affordable(&self, planned: &Planned) -> Result<(Load, MemoryEstimate), LoadError> {
        let room = self.room(device(&planned.placement));
        let backend = planned.placement.backend();
        shrunk(&planned.variant, planned.load, backend, room).ok_or_else(|| LoadError::Memory {
            artifact: planned.variant.precision.to_string(),
            needed_bytes: planned.memory.loaded(),
            free_bytes: room,
        })
    }

    /// A model that took more than the user allows is given up again: the estimate was wrong, and the budget is not.
    async fn within_budget(&self, model: &dyn Model, taken: Option<u64>) -> Result<(), LoadError> {
        let budget = self.config.machine.settings.memory_budget_bytes;
        let Some((needed_bytes, free_bytes)) = taken.zip(budget).filter(|(taken, budget)| taken > budget) else {
            return Ok(());
        };
        model.unload().await;
        Err(LoadError::Memory { artifact: model.artifact().precision.to_string(), needed_bytes, free_bytes })
    }

    /// Loads what serves in `mode`, and ever less where memory runs out over it.
    pub(super) async fn load(&mut self, mode: Mode) -> Result<LoadedModel, LoadError> {
        loop {
            match self.load_planned(mode).await {
                Err(error @ LoadError::OutOfMemory { options, .. }) => self.load_less(mode, options, error).await?,
                done => return done,
            }
        }
    }

    /// Loads the model of `mode` and checks the estimate against what the process really took.
    async fn load_planned(&self, mode: Mode) -> Result<LoadedModel, LoadError> {
        let planned = self.planned(mode);
        let artifact = self.artifacts.iter().find(|artifact| artifact.digest == planned.variant.artifact);
        let artifact = artifact.ok_or_else(|| LoadError::Artifact {
            artifact: planned.variant.precision.to_string(),
            message: "its file is not in the precision ladder".to_owned(),
        })?;
        let (load, memory) = self.affordable(planned)?;
        let device = device(&planned.placement);
        let options = LoadOptions { context_tokens: load.context_tokens, slots: load.slots, device };
        AtWork::note(&self.config.machine.folders, artifact, mode, options);
        let (started, before) = (Instant::now(), taken_bytes(device));
        let model =
            self.show_load(planned, self.config.machine.engine.load(artifact, options, self.progress())).await?;
        let measured_bytes = taken_bytes(device).zip(before).map(|(after, before)| after.saturating_sub(before));
        self.within_budget(model.as_ref(), measured_bytes).await?;
        let view = Loaded {
            model: artifact.model.clone(),
            precision: artifact.precision,
            mode,
            estimated_bytes: memory.loaded(),
            measured_bytes,
            most_bytes: memory.total(),
            seconds: started.elapsed().as_secs_f32(),
            card: card(device),
        };
        Ok(LoadedModel { model, view })
    }

    async fn show_load<T>(
        &self,
        planned: &Planned,
        load: impl Future<Output = Result<T, LoadError>>,
    ) -> Result<T, LoadError> {
        let detail = format!("loading {} for {}", planned.variant.precision, planned.mode);
        self.status.send_modify(|status| status.step(StepName::Load, Some(0.0), detail));
        load.await
    }

    /// A channel whose values go into the status for as long as the engine holds it.
    fn progress(&self) -> watch::Sender<f32> {
        let sender = watch::Sender::new(0.0);
        let (mut receiver, status) = (sender.subscribe(), self.status.clone());
        tokio::spawn(async move {
            while receiver.changed().await.is_ok() {
                let done = *receiver.borrow_and_update();
                status.send_modify(|status| status.progress(StepName::Load, done));
            }
        });
        sender
    }

    /// Offers a loaded model to the router.
    pub(super) fn serve(&mut self, loaded: LoadedModel) {
        let view = loaded.view.clone();
        tracing::info!(model = %view.model, precision = %view.precision, mode = %view.mode, "serving");
        self.node.serve(Some(Serving { model: Arc::clone(&loaded.model), mode: view.mode }));
        let context_tokens = loaded.model.options().context_tokens;
        self.loaded = Some(loaded);
        self.status.send_modify(|status| {
            status.mode = Some(view.mode);
            status.done(StepName::Load, loaded_in_words(&view, context_tokens));
            status.loaded = Some(view);
        });
    }

    /// Offers nothing, lets what runs finish, gives the memory back.
    pub(super) async fn unserve(&mut self) {
        self.node.serve(None);
        let old = self.loaded.take();
        self.retire(old).await;
        self.nothing_loaded();
    }

    pub(super) fn nothing_loaded(&self) {
        AtWork::over(&self.config.machine.folders);
        self.status.send_modify(|status| status.loaded = None);
    }

    async fn retire(&self, old: Option<LoadedModel>) {
        if let Some(LoadedModel { model, view }) = old {
            self.node.drained(model.artifact().digest).await;
            model.unload().await;
            tracing::info!(model = %view.model, precision = %view.precision, "unloaded; what ran on it is finished");
        }
    }

    pub(super) fn keep(&mut self, choice: Choice) -> Result<(), CommandError> {
        let written = choice.write(&self.config.machine.folders);
        written.map_err(|error| CommandError::NotKept { message: error.to_string() })?;
        self.choice = choice;
        self.status.send_modify(|status| {
            choice.show(status);
            survey::show_choice(status, &self.plan);
        });
        Ok(())
    }

    pub(super) fn planned(&self, mode: Mode) -> &Planned {
        match mode {
            Mode::Precision => &self.plan.precision,
            Mode::Volume => &self.plan.volume,
        }
    }
}

/// What is free, and of the user's budget no more than what is loaded leaves.
fn room(free: u64, budget: Option<u64>, held: u64) -> u64 {
    budget.map_or(free, |budget| budget.saturating_sub(held).min(free))
}

fn loaded_in_words(view: &Loaded, context_tokens: u32) -> String {
    let took = view.measured_bytes.map_or_else(|| "an unknown amount".to_owned(), in_megabytes);
    format!(
        "{} in {:.1} s; memory: {took} taken, {} estimated; up to {} at full context ({context_tokens} tokens)",
        view.precision,
        view.seconds,
        in_megabytes(view.estimated_bytes),
        in_megabytes(view.most_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_one_for_all_models_that_are_loaded_at_a_time() {
        for (free, budget, held, expected) in [
            (100, None, 0, 100),
            (100, None, 70, 100),
            (100, Some(60), 0, 60),
            (100, Some(60), 50, 10),
            (100, Some(60), 70, 0),
            (5, Some(60), 50, 5),
        ] {
            assert_eq!(room(free, budget, held), expected, "{free} {budget:?} {held}");
        }
    }
}
