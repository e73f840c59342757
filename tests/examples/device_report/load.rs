//! Loading on a device, and what is taken of it.

use std::{sync::Arc, time::Instant};

use cortensor_engine::{Device, Engine, LoadOptions, Model};
use cortensor_models::Artifact;
use tokio::sync::watch;

use crate::Failure;

/// A loaded model.
pub(crate) struct Loaded {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) seconds: f32,
}

impl Loaded {
    pub(crate) async fn new(
        engine: &dyn Engine,
        artifact: &Artifact,
        device: Device,
        context_tokens: u32,
        slots: u32,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        let options = LoadOptions { context_tokens, slots, device };
        let model = engine.load(artifact, options, watch::Sender::new(0.0)).await?;
        Ok(Self { model, seconds: started.elapsed().as_secs_f32() })
    }

    pub(crate) async fn unload(self) {
        self.model.unload().await;
    }
}

/// Bytes that are taken of the card now.
pub(crate) fn card_memory(device: Device) -> Result<u64, Failure> {
    let Device::Card(card) = device else { return Err("the processor is no card".into()) };
    Ok(cortensor_hardware::card_taken_bytes(card).ok_or("the driver does not tell the card's memory")?)
}
