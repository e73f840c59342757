//! What a model takes in memory, on the processor and on graphics cards.

use cortensor_hardware::Backend;
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
/// A context of the driver on a card with the engine's kernels, 650 MB on an H100 with driver 580.159, and what its memory pool
/// and the workspace of its matrix products take, 110 to 200 MB there (docs/cards.md). The context stays until the program ends.
const CUDA_BYTES: u64 = 768 << 20;
/// The same with Metal. **Not measured** yet.
const METAL_BYTES: u64 = 128 << 20;
/// On a card attention keeps a matrix for so many rows of a prompt at a time (`ATTENTION_CHUNK_SIZE` of mistral.rs 0.8.1), on the
/// processor it keeps none.
const ATTENTION_ROWS: u64 = 1024;
/// That matrix before and behind softmax.
const ATTENTION_COPIES: u64 = 2;

/// Estimates a variant that is loaded like this on the processor.
pub fn estimate_memory(variant: &Variant, load: Load) -> MemoryEstimate {
    estimate_on(variant, load, None)
}

/// The same where one device of this kind has all of it.
pub(crate) fn estimate_on(variant: &Variant, load: Load, backend: Option<Backend>) -> MemoryEstimate {
    let geometry = &variant.geometry;
    let [layers, kv_heads, head_width, heads] =
        [geometry.layers, geometry.kv_heads, geometry.head_width, geometry.heads].map(u64::from);
    let [hidden, feed_forward, vocabulary] =
        [geometry.hidden, geometry.feed_forward, geometry.vocabulary].map(u64::from);
    let (context, slots) = (u64::from(load.context_tokens), u64::from(load.slots));
    // A whole prompt goes through a layer at once.
    let activations = context * (4 * hidden + 3 * feed_forward);
    let attention =
        if backend.is_some() { ATTENTION_COPIES * heads * context * context.min(ATTENTION_ROWS) } else { 0 };
    MemoryEstimate {
        weights_bytes: weights_in_memory(variant),
        kv_cache_bytes: CACHE_COPIES * 2 * layers * kv_heads * head_width * context * slots * VALUE_BYTES,
        working_bytes: (activations + attention + slots * vocabulary * 4) * VALUE_BYTES,
        engine_bytes: engine_bytes(backend),
    }
}

const fn engine_bytes(backend: Option<Backend>) -> u64 {
    match backend {
        None => ENGINE_BYTES,
        Some(Backend::Cuda) => CUDA_BYTES,
        Some(Backend::Metal) => METAL_BYTES,
    }
}

/// A model in parts that can lie on different devices, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// Weights and cache of one layer.
    pub(crate) layer: u64,
    /// Embeddings and the output layer, which lie with the first layers.
    pub(crate) outer: u64,
    /// What every device takes besides.
    pub(crate) device: u64,
}

impl Parts {
    pub(crate) fn of(variant: &Variant, load: Load, backend: Option<Backend>) -> Self {
        let whole = estimate_on(variant, load, backend);
        let outer = unpacked_embeddings(variant) + embeddings_share(variant, kept_bytes(variant));
        let layers = u64::from(variant.geometry.layers.max(1));
        Self {
            layer: (whole.weights_bytes.saturating_sub(outer) + whole.kv_cache_bytes).div_ceil(layers),
            outer,
            device: whole.engine_bytes + whole.working_bytes,
        }
    }
}

/// Quantized weights stay as the file has them. Full-precision weights are unpacked (candle's `QMatMul::from_arc` does so on
/// every device), and so are the token embeddings of every file; where the last layer is the embeddings once more, it keeps
/// them packed beside that.
fn weights_in_memory(variant: &Variant) -> u64 {
    read_for_a_token(variant) + unpacked_embeddings(variant)
}

/// What is read from memory for each token of an answer: everything but the embeddings, of which that is one row.
pub(crate) fn read_for_a_token(variant: &Variant) -> u64 {
    let kept = kept_bytes(variant);
    let replaced = if variant.geometry.tied_embeddings { 0 } else { embeddings_share(variant, kept) };
    kept.saturating_sub(replaced)
}

fn kept_bytes(variant: &Variant) -> u64 {
    match variant.precision.class() {
        PrecisionClass::Full => variant.geometry.parameters * VALUE_BYTES,
        PrecisionClass::Quantized => variant.bytes,
    }
}

fn embeddings(variant: &Variant) -> u64 {
    u64::from(variant.geometry.vocabulary) * u64::from(variant.geometry.hidden)
}

fn unpacked_embeddings(variant: &Variant) -> u64 {
    embeddings(variant) * VALUE_BYTES
}

fn embeddings_share(variant: &Variant, bytes: u64) -> u64 {
    share(bytes, embeddings(variant), variant.geometry.parameters)
}

/// `bytes × part ÷ whole`, without overflow.
pub(crate) fn share(bytes: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(bytes) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// A number of bytes in megabytes, for people.
pub fn in_megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}
