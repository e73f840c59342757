//! Model files on disk: which the network serves, what is in them, whether they are what they say, which of them are here, and
//! the precision ladder made from one of them.
//!
//! **Invariant:** knows no engine. A file is used only after its digest was checked; files appear whole or not at all.

pub mod gguf;
pub mod inventory;
pub mod ladder;
pub mod manifest;

mod digest;
mod starter;
#[cfg(test)]
mod synthetic;
mod tokenizer;
pub mod whole;

use std::path::PathBuf;

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use digest::{DigestError, sha256_file, sha256_while};
pub use ladder::{LadderError, LadderProgress, LadderStep, prepare_ladder};
pub use starter::{StarterModel, starter};
pub use tokenizer::{EncodeError, TextDecoder, Tokenizer, TokenizerError, write_tokenizer};

/// One model file, checked, with the folder of its tokenizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The model.
    pub model: ModelId,
    /// Format of most of its weights.
    pub precision: Precision,
    /// The GGUF file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub digest: ArtifactDigest,
    /// Its size.
    pub bytes: u64,
    /// The model's shape.
    pub geometry: Geometry,
    /// A folder with `tokenizer.json` and `tokenizer_config.json`.
    pub tokenizer: PathBuf,
}

/// The shape of a model, as its file tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Geometry {
    /// Parameters.
    pub parameters: u64,
    /// Transformer blocks.
    pub layers: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width inside the feed-forward blocks.
    pub feed_forward: u32,
    /// Attention heads.
    pub heads: u32,
    /// Heads that keep keys and values.
    pub kv_heads: u32,
    /// Values in a head.
    pub head_width: u32,
    /// Most tokens the model was trained for.
    pub context_tokens: u32,
    /// Tokens in the vocabulary.
    pub vocabulary: u32,
    /// Whether the last layer is the token embeddings once more, and the file has them once.
    pub tied_embeddings: bool,
}
