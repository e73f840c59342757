//! Models in memory: all together, or one at a time.

use std::sync::Arc;

use cortensor_engine::{Device, Engine, LoadError, LoadOptions, Model};
use cortensor_models::Artifact;
use tokio::sync::watch;

use super::arrangement::Sharing;
use crate::{Failure, FailureCode};

/// Files that are loaded when they are asked for.
pub(super) struct Shelf {
    engine: Arc<dyn Engine>,
    artifacts: Vec<Artifact>,
    options: LoadOptions,
    sharing: Sharing,
    loaded: Vec<Arc<dyn Model>>,
    /// What the process grew by at each load, by place.
    grown: Vec<Option<u64>>,
}

impl Shelf {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        let options = LoadOptions { context_tokens: 0, slots: 0, device: Device::Processor };
        Self {
            engine,
            artifacts: Vec::new(),
            options,
            sharing: Sharing::OneByOne,
            loaded: Vec::new(),
            grown: Vec::new(),
        }
    }

    /// Holds these files, loaded like this.
    pub(super) fn hold(&mut self, artifacts: Vec<Artifact>, options: LoadOptions, sharing: Sharing) {
        self.grown = vec![None; artifacts.len()];
        (self.artifacts, self.options, self.sharing) = (artifacts, options, sharing);
    }

    pub(super) fn is_together(&self) -> bool {
        self.sharing == Sharing::Together
    }

    /// Whether the file at `index` is in memory.
    pub(super) fn has(&self, index: usize) -> bool {
        self.find(index).is_some()
    }

    /// What the process grew by when the file at `index` was loaded; nothing where it is not known.
    pub(super) fn grown(&self, index: usize) -> Option<u64> {
        self.grown[index]
    }

    /// The file at `index`, loaded; one at a time, what was loaded before is unloaded first.
    pub(super) async fn model(&mut self, index: usize) -> Result<Arc<dyn Model>, Failure> {
        if let Some(model) = self.find(index) {
            return Ok(Arc::clone(model));
        }
        if !self.is_together() {
            self.clear().await;
        }
        let before = cortensor_hardware::process_memory_bytes();
        let load = self.engine.load(&self.artifacts[index], self.options, watch::Sender::new(0.0));
        let model = load.await.map_err(|error| not_loaded(&error))?;
        let after = cortensor_hardware::process_memory_bytes();
        self.grown[index] = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        self.loaded.push(Arc::clone(&model));
        Ok(model)
    }

    /// Unloads everything.
    pub(super) async fn clear(&mut self) {
        for model in self.loaded.drain(..) {
            model.unload().await;
        }
    }

    fn find(&self, index: usize) -> Option<&Arc<dyn Model>> {
        let digest = self.artifacts[index].digest;
        self.loaded.iter().find(|model| model.artifact().digest == digest)
    }
}

fn not_loaded(error: &LoadError) -> Failure {
    let code = match error {
        LoadError::Memory { .. } | LoadError::OutOfMemory { .. } => FailureCode::Memory,
        _ => FailureCode::NotLoaded,
    };
    Failure::of(code, error)
}
