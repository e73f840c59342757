//! What a model takes in memory.

use serde::{Deserialize, Serialize};

use crate::Variant;

/// What a loaded model should take, in bytes, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEstimate {
    /// The weights.
    pub weights_bytes: u64,
    /// Keys and values of every slot at full context.
    pub kv_cache_bytes: u64,
    /// Activations, logits and what the engine needs besides.
    pub working_bytes: u64,
}

impl MemoryEstimate {
    /// In all.
    pub fn total(&self) -> u64 {
        self.weights_bytes + self.kv_cache_bytes + self.working_bytes
    }
}

/// Activations and the cache are kept in 32-bit floats.
const VALUE_BYTES: u64 = 4;
/// Prompt tokens that go through the model together.
const PREFILL_TOKENS: u64 = 512;
/// Tokenizer, graph and threads of the engine.
const ENGINE_BYTES: u64 = 64 << 20;

/// Estimates a variant with this context and so many slots.
pub fn estimate_memory(variant: &Variant, context_tokens: u32, slots: u32) -> MemoryEstimate {
    let geometry = &variant.geometry;
    let [layers, kv_heads, head_width] = [geometry.layers, geometry.kv_heads, geometry.head_width].map(u64::from);
    let [hidden, feed_forward, vocabulary] =
        [geometry.hidden, geometry.feed_forward, geometry.vocabulary].map(u64::from);
    let (context, slots) = (u64::from(context_tokens), u64::from(slots));
    let prefill = PREFILL_TOKENS.min(context);
    let attention = u64::from(geometry.heads) * prefill * prefill;
    let activations = prefill * (4 * hidden + 3 * feed_forward) + attention;
    MemoryEstimate {
        weights_bytes: variant.bytes,
        kv_cache_bytes: 2 * layers * kv_heads * head_width * context * slots * VALUE_BYTES,
        working_bytes: ENGINE_BYTES + (activations + slots * vocabulary * 4) * VALUE_BYTES,
    }
}

/// A number of bytes in megabytes, for people.
pub fn in_megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}
