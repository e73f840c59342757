//! The `mistral.rs` engine behind [`cortensor_engine::Engine`].
//!
//! `mistral.rs` reads the file, keeps the key-value caches, batches sequences and computes logits. Everything that must
//! be exact is done here, inside the one hook it offers between logits and sampling: picking the token, its id, its
//! log-probability, its text, stop texts and the end of the answer. So ids never have to be guessed back from text.
//!
//! Loading goes through `GGUFLoaderBuilder` with the artifact's own `tokenizer.json`: the engine's conversion of a GGUF
//! tokenizer is not exact. Prompts enter as token ids.
//!
//! **Invariant:** the only crate that knows `mistral.rs`. Nothing in it decides which artifact to run, and no panic of
//! the engine leaves it.

mod answer;
mod decoding;
mod device;
mod load;
mod memory;
mod model;
mod pick;
mod progress;
mod running;
mod threads;

use std::sync::Arc;

use cortensor_engine::{Device, Engine, LoadError, LoadOptions, Model};
use cortensor_models::Artifact;
use futures::future::BoxFuture;
use tokio::sync::watch;

pub use threads::{THREADS, compute_with, threads};

/// The version of `mistral.rs` this crate is built with: measurements hold for one version only.
const ENGINE_VERSION: &str = "0.8.1";

/// Loads GGUF artifacts with `mistral.rs`.
pub struct MistralEngine {
    settings: EngineSettings,
    name: String,
}

/// What can be chosen once for every load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// Type of the values between the layers, and of the key-value cache.
    pub activation: Activation,
    /// Whether sequences are decoded together where they can be.
    pub batching: Batching,
}

/// How sequences share a graphics card. On a processor they are always answered one by one: there it is as fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Batching {
    /// One after the other.
    #[default]
    OneByOne,
    /// All slots at once, with paged attention.
    Together,
}

/// Type of the values between the layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// 32-bit: the fastest on a processor without 16-bit arithmetic, twice the key-value cache.
    #[default]
    F32,
    /// 16-bit.
    F16,
    /// 16-bit brain floating point.
    Bf16,
}

impl MistralEngine {
    /// An engine with `settings`.
    pub fn new(settings: EngineSettings) -> Self {
        let name = format!("mistral.rs {ENGINE_VERSION} {}", settings.activation.as_str());
        Self { settings, name }
    }
}

impl Default for MistralEngine {
    fn default() -> Self {
        Self::new(EngineSettings::default())
    }
}

impl Activation {
    /// The name, as it is part of the engine's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    /// Bytes of one value: what a key-value cache is estimated with.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

impl Engine for MistralEngine {
    fn name(&self) -> &str {
        &self.name
    }

    /// Progress is the share of the file that was read (up to 0.9, where the system tells it: on Linux), then the
    /// engine's start (0.95), then a first token (1). Dropping the future lets the read in progress end in the
    /// background; what was loaded is dropped then.
    fn load<'a>(
        &'a self,
        artifact: &'a Artifact,
        options: LoadOptions,
        progress: watch::Sender<f32>,
    ) -> BoxFuture<'a, Result<Arc<dyn Model>, LoadError>> {
        Box::pin(async move {
            let model = load::load(artifact, options, self.settings, progress).await?;
            Ok(Arc::new(model) as Arc<dyn Model>)
        })
    }

    fn try_device(&self, device: Device) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let tried = tokio::task::spawn_blocking(move || device::try_device(device)).await;
            tried.unwrap_or_else(|error| Err(error.to_string()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_carries_the_version_that_is_linked() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"mistralrs-core\"\nversion = \"{ENGINE_VERSION}\"")));
        assert_eq!(MistralEngine::default().name(), format!("mistral.rs {ENGINE_VERSION} F32"));
    }
}
