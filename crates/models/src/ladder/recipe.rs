//! What a made file is to hold: which weights in which format, and what it says of itself. Plain rules; nothing is read here.

use std::collections::BTreeMap;

use candle_core::quantized::{
    GgmlDType,
    gguf_file::{TensorInfo, Value},
};
use cortensor_protocol::{Precision, PrecisionClass};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::gguf::{Gguf, precision_of, stored_bytes};

/// What the version of the quantized formats is, in files that have any.
const QUANTIZATION_VERSION: u32 = 2;

/// One tensor and the format it is to have.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) name: &'a str,
    pub(super) info: &'a TensorInfo,
    /// In which part of a split file it is.
    pub(super) part: usize,
    pub(super) kind: GgmlDType,
}

/// Weights that could not have the format of the others, and have the next finer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Fallback {
    /// The tensor.
    pub tensor: String,
    /// Values in one of its rows, which must be a multiple of the format's block.
    pub row: usize,
    /// The format of the others.
    pub wanted: Precision,
    /// The format it has.
    pub used: Precision,
}

impl Weights<'_> {
    /// What it takes in the new file.
    pub(super) fn bytes(&self) -> u64 {
        stored_bytes(self.info.shape.elem_count(), self.kind)
    }

    /// Values in a row.
    pub(super) fn row(&self) -> usize {
        self.info.shape.dims().last().copied().unwrap_or(1)
    }

    fn fallback(&self, precision: Precision) -> Option<Fallback> {
        let (wanted, used) = (precision_of(format(self.name, self.info, precision))?, precision_of(self.kind)?);
        (wanted != used).then(|| Fallback { tensor: self.name.to_owned(), row: self.row(), wanted, used })
    }
}

/// All weights of a model in the order they have in its files, with the formats that they have in a file of `precision`.
pub(super) fn weights(parts: &[Gguf], precision: Precision) -> Vec<Weights<'_>> {
    let mut weights = Vec::new();
    for (part, gguf) in parts.iter().enumerate() {
        let mut infos: Vec<_> = gguf.content().tensor_infos.iter().collect();
        infos.sort_by_key(|(name, info)| (info.offset, name.as_str()));
        weights.extend(infos.into_iter().map(|(name, info)| {
            let row = info.shape.dims().last().copied().unwrap_or(1);
            Weights { name, info, part, kind: fitting(format(name, info, precision), row) }
        }));
    }
    weights
}

/// Which of them fell back.
pub(super) fn fallbacks(weights: &[Weights<'_>], precision: Precision) -> Vec<Fallback> {
    weights.iter().filter_map(|weights| weights.fallback(precision)).collect()
}

/// What the source says of itself, in an order that is the same everywhere, with what is true of the new file.
pub(super) fn metadata(source: &Gguf, precision: Precision) -> BTreeMap<&str, Value> {
    let kept = source.content().metadata.iter().map(|(key, value)| (key.as_str(), value.clone()));
    // The new file is whole, whatever the source was.
    let mut metadata: BTreeMap<_, _> = kept.filter(|(key, _)| !key.starts_with("split.")).collect();
    // The writer aligns to what readers take for granted.
    metadata.remove("general.alignment");
    metadata.insert("general.file_type", Value::U32(file_type(precision)));
    match precision.class() {
        PrecisionClass::Full => metadata.remove("general.quantization_version"),
        PrecisionClass::Quantized => metadata.insert("general.quantization_version", Value::U32(QUANTIZATION_VERSION)),
    };
    metadata
}

/// Size of the file that would be written, within a few kilobytes.
pub(super) fn estimated_bytes(parts: &[Gguf], precision: Precision) -> u64 {
    let header = parts.first().map_or(0, |gguf| gguf.content().tensor_data_offset);
    header + weights(parts, precision).iter().map(|weights| weights.bytes() + 32).sum::<u64>()
}

/// The format of one tensor in a file of `precision`.
///
/// Vectors (norms) stay `F32` in every file, as engines expect. The embeddings, which are the output layer too where a file has
/// none of its own, stay `Q8_0` in files of fewer bits: their error reaches every logit directly, and llama.cpp likewise
/// keeps them in more bits than the rest (`Q6_K`, or `Q8_0` where rows are no multiple of 256).
fn format(name: &str, info: &TensorInfo, precision: Precision) -> GgmlDType {
    let touches_logits = name == "token_embd.weight" || name == "output.weight";
    let is_coarse = precision.class() == PrecisionClass::Quantized && precision != Precision::Q8_0;
    match info.shape.rank() {
        0 | 1 => GgmlDType::F32,
        _ if touches_logits && is_coarse => GgmlDType::Q8_0,
        _ => weights_format(precision),
    }
}

/// The format itself, or where rows are no multiple of its blocks the one that llama.cpp takes then.
fn fitting(wanted: GgmlDType, row: usize) -> GgmlDType {
    let other = match wanted {
        GgmlDType::Q2K | GgmlDType::Q3K => GgmlDType::Q4_0,
        GgmlDType::Q4K => GgmlDType::Q5_0,
        GgmlDType::Q5K => GgmlDType::Q5_1,
        GgmlDType::Q6K => GgmlDType::Q8_0,
        _ => GgmlDType::F16,
    };
    let fits = |kind: &GgmlDType| row.is_multiple_of(kind.block_size());
    [wanted, other].into_iter().find(fits).unwrap_or(GgmlDType::F16)
}

fn weights_format(precision: Precision) -> GgmlDType {
    match precision {
        Precision::F32 => GgmlDType::F32,
        Precision::Bf16 => GgmlDType::BF16,
        Precision::F16 => GgmlDType::F16,
        Precision::Q8_0 => GgmlDType::Q8_0,
        Precision::Q6K => GgmlDType::Q6K,
        Precision::Q5_1 => GgmlDType::Q5_1,
        Precision::Q5_0 => GgmlDType::Q5_0,
        Precision::Q5K => GgmlDType::Q5K,
        Precision::Q4_1 => GgmlDType::Q4_1,
        Precision::Q4_0 => GgmlDType::Q4_0,
        Precision::Q4K => GgmlDType::Q4K,
        Precision::Q3K => GgmlDType::Q3K,
        Precision::Q2K => GgmlDType::Q2K,
    }
}

/// GGUF's number for a file that is mostly of `precision`.
fn file_type(precision: Precision) -> u32 {
    match precision {
        Precision::F32 => 0,
        Precision::F16 => 1,
        Precision::Q4_0 => 2,
        Precision::Q4_1 => 3,
        Precision::Q8_0 => 7,
        Precision::Q5_0 => 8,
        Precision::Q5_1 => 9,
        Precision::Q2K => 10,
        Precision::Q3K => 12,
        Precision::Q4K => 15,
        Precision::Q5K => 17,
        Precision::Q6K => 18,
        Precision::Bf16 => 32,
    }
}
