//! What a model takes in memory.

use cortensor_protocol::PrecisionClass;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Load, Variant};

/// What a loaded model should take, in bytes, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MemoryEstimate {
    /// The weights, as they lie in memory.
    pub weights_bytes: u64,
    /// Keys and values of every slot at full context.
    pub kv_cache_bytes: u64,
    /// Activations and logits of a prompt.
    pub working_bytes: u64,
    /// What the engine takes besides: tokenizer, graph, threads.
    pub engine_bytes: u64,
}

impl MemoryEstimate {
    /// With every slot at work at full context.
    pub fn total(&self) -> u64 {
        self.loaded() + self.kv_cache_bytes + self.working_bytes
    }

    /// After the load, before the first request.
    pub fn loaded(&self) -> u64 {
        self.weights_bytes + self.engine_bytes
    }
}

/// Unpacked weights, activations and the cache are 32-bit floats.
const VALUE_BYTES: u64 = 4;
/// Appending to the cache makes a copy of it, for a moment and in every step.
const CACHE_COPIES: u64 = 2;
const ENGINE_BYTES: u64 = 64 << 20;

/// Estimates a variant that is loaded like this.
pub fn estimate_memory(variant: &Variant, load: Load) -> MemoryEstimate {
    let geometry = &variant.geometry;
    let [layers, kv_heads, head_width] = [geometry.layers, geometry.kv_heads, geometry.head_width].map(u64::from);
    let [hidden, feed_forward, vocabulary] =
        [geometry.hidden, geometry.feed_forward, geometry.vocabulary].map(u64::from);
    let (context, slots) = (u64::from(load.context_tokens), u64::from(load.slots));
    // A whole prompt goes through a layer at once; attention keeps no matrix of it.
    let activations = context * (4 * hidden + 3 * feed_forward);
    MemoryEstimate {
        weights_bytes: weights_in_memory(variant),
        kv_cache_bytes: CACHE_COPIES * 2 * layers * kv_heads * head_width * context * slots * VALUE_BYTES,
        working_bytes: (activations + slots * vocabulary * 4) * VALUE_BYTES,
        engine_bytes: ENGINE_BYTES,
    }
}

/// Quantized weights stay as the file has them. Full-precision weights are unpacked, and so are the token embeddings of
/// every file; where the last layer is the embeddings once more, it keeps them packed beside that.
fn weights_in_memory(variant: &Variant) -> u64 {
    let geometry = &variant.geometry;
    let embeddings = u64::from(geometry.vocabulary) * u64::from(geometry.hidden);
    let kept = match variant.precision.class() {
        PrecisionClass::Full => geometry.parameters * VALUE_BYTES,
        PrecisionClass::Quantized => variant.bytes,
    };
    let replaced = if geometry.tied_embeddings { 0 } else { share(kept, embeddings, geometry.parameters) };
    kept.saturating_sub(replaced) + embeddings * VALUE_BYTES
}

/// `bytes × part ÷ whole`, without overflow.
fn share(bytes: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(bytes) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// A number of bytes in megabytes, for people.
pub fn in_megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}
