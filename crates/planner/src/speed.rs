//! What was measured, and what it means in requests.

use cortensor_hardware::Backend;
use cortensor_protocol::ArtifactDigest;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What one artifact does on one machine with one version of the engine; the caller keeps those apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Measurement {
    /// Which.
    pub artifact: ArtifactDigest,
    /// Through what it computed, beside the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub backend: Option<Backend>,
    /// Prompt tokens a second.
    pub prefill_tokens_per_second: f64,
    /// Answer tokens a second, one request at a time.
    pub decode_tokens_per_second: f64,
    /// Milliseconds from a short request to its first token.
    pub first_token_ms: f64,
    /// Seconds to load it.
    pub load_seconds: f64,
    /// Share of the processor (0 to 1) that other programs took meanwhile; `None` where the system does not tell.
    #[serde(default)]
    pub taken_by_others: Option<f32>,
    /// What the process grew by when it was loaded and used, in bytes.
    pub memory_bytes: u64,
    /// What was expected of that use, in bytes.
    pub estimated_memory_bytes: u64,
}

/// The size of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestShape {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

/// A short question with some context, and an answer of a paragraph. Ours to choose: the network publishes none.
pub const TYPICAL_REQUEST: RequestShape = RequestShape { prompt_tokens: 256, completion_tokens: 128 };

impl Measurement {
    /// Prefill and decode, if both are rates.
    pub(crate) fn rates(&self) -> Option<(f64, f64)> {
        let positive = |rate: f64| rate.is_finite() && rate > 0.0;
        let (prefill, decode) = (self.prefill_tokens_per_second, self.decode_tokens_per_second);
        (positive(prefill) && positive(decode)).then_some((prefill, decode))
    }
}

/// A rate that was seen with requests of one shape, as it would be with another: the benchmark tells how the two relate.
pub fn rescaled(measurement: &Measurement, seen: f64, seen_with: RequestShape, wanted: RequestShape) -> Option<f64> {
    Some(seen * requests_per_hour(measurement, wanted)? / requests_per_hour(measurement, seen_with)?)
}

/// Requests of this shape in an hour, one after the other; `None` if a rate is not positive.
///
/// Slots do not multiply it: on a CPU several sequences together give no more tokens than one.
pub fn requests_per_hour(measurement: &Measurement, shape: RequestShape) -> Option<f64> {
    let (prefill, decode) = measurement.rates()?;
    hourly(prefill, decode, shape)
}

pub(crate) fn hourly(prefill: f64, decode: f64, shape: RequestShape) -> Option<f64> {
    let seconds = f64::from(shape.prompt_tokens) / prefill + f64::from(shape.completion_tokens) / decode;
    (seconds > 0.0).then(|| 3600.0 / seconds)
}
