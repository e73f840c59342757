//! One file of the ladder: every tensor of the download brought into a precision.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Seek, SeekFrom, Write},
    path::Path,
};

use candle_core::{
    Device,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, TensorInfo, Value},
    },
};
use cortensor_protocol::{ArtifactDigest, Precision, PrecisionClass};

use super::{LadderError, LadderStep, share, to_f32};
use crate::{
    gguf::{Gguf, GgufError, stored_bytes},
    whole::WholeFile,
};

/// Share of a file's work that is done when its tensors are.
const DERIVING_SHARE: f32 = 0.7;
/// Bytes written between two looks at whether the work is to stop.
const LOOK_EVERY: u64 = 1 << 20;
/// What the version of the quantized formats is, in files that have any.
const QUANTIZATION_VERSION: u32 = 2;

/// Told the step and the share of this file that is done; an error stops the work.
type Tell<'a> = dyn FnMut(LadderStep, f32) -> Result<(), LadderError> + 'a;

/// Writes `source` in `precision` to `target` and tells the digest.
pub(super) fn derive(
    source: &Gguf,
    precision: Precision,
    target: &Path,
    tell: &mut Tell<'_>,
) -> Result<ArtifactDigest, LadderError> {
    let tensors = tensors(source, precision, tell)?;
    let failed = |source| LadderError::Write { path: target.to_owned(), source };
    let file = WholeFile::create(target).map_err(failed)?;
    let bytes = estimated_bytes(source, precision);
    let mut output = Output { file, target, precision, bytes, written: 0, tell, stopped: None };
    let outcome = write(source, precision, &tensors, &mut output);
    match (outcome, output.stopped) {
        (_, Some(stopped)) => Err(stopped),
        (Err(error), None) => Err(failed(io::Error::other(error))),
        (Ok(()), None) => output.file.keep().map_err(failed),
    }
}

/// Size of the file that [`derive`] would write, within a few kilobytes.
pub(super) fn estimated_bytes(source: &Gguf, precision: Precision) -> u64 {
    let content = source.content();
    let tensors = content.tensor_infos.iter();
    let weights = tensors.map(|(name, info)| stored_bytes(info.shape.elem_count(), format(name, info, precision)) + 32);
    content.tensor_data_offset + weights.sum::<u64>()
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

/// The tensors in the order they have in the download.
fn tensors(source: &Gguf, precision: Precision, tell: &mut Tell<'_>) -> Result<Vec<(String, QTensor)>, LadderError> {
    let path = source.path();
    let file = File::open(path).map_err(|source| LadderError::Source { path: path.to_owned(), source })?;
    let mut reader = BufReader::new(file);
    let mut infos: Vec<_> = source.content().tensor_infos.iter().collect();
    infos.sort_by_key(|(name, info)| (info.offset, name.as_str()));
    let count = to_f32(infos.len());
    let mut tensors = Vec::with_capacity(infos.len());
    for (index, (name, info)) in infos.into_iter().enumerate() {
        tell(LadderStep::Deriving(precision), DERIVING_SHARE * to_f32(index) / count)?;
        let stored = info.read(&mut reader, source.content().tensor_data_offset, &Device::Cpu);
        let stored = stored.map_err(|source| LadderError::Gguf(GgufError::Header { path: path.to_owned(), source }))?;
        let tensor = converted(stored, format(name, info, precision)).map_err(|source| LadderError::Derive {
            tensor: name.clone(),
            precision,
            source,
        })?;
        tensors.push((name.clone(), tensor));
    }
    Ok(tensors)
}

/// A tensor in a format. One that has it already is taken as it is: rounding twice would only lose.
fn converted(stored: QTensor, format: GgmlDType) -> candle_core::Result<QTensor> {
    if stored.dtype() == format {
        return Ok(stored);
    }
    QTensor::quantize(&stored.dequantize(&Device::Cpu)?, format)
}

/// What the download says of itself, in an order that is the same everywhere, with what is true of the new file.
fn metadata(source: &Gguf, precision: Precision) -> BTreeMap<&str, Value> {
    let kept = source.content().metadata.iter().map(|(key, value)| (key.as_str(), value.clone()));
    let mut metadata: BTreeMap<_, _> = kept.collect();
    // The writer aligns to what readers take for granted.
    metadata.remove("general.alignment");
    metadata.insert("general.file_type", Value::U32(file_type(precision)));
    match precision.class() {
        PrecisionClass::Full => metadata.remove("general.quantization_version"),
        PrecisionClass::Quantized => metadata.insert("general.quantization_version", Value::U32(QUANTIZATION_VERSION)),
    };
    metadata
}

fn write(
    source: &Gguf,
    precision: Precision,
    tensors: &[(String, QTensor)],
    output: &mut Output<'_, '_>,
) -> candle_core::Result<()> {
    let metadata = metadata(source, precision);
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(output, &metadata, &tensors)
}

/// A file that tells how far it is and remembers what stopped it, which the GGUF writer would put into words.
struct Output<'a, 'b> {
    file: WholeFile,
    target: &'a Path,
    precision: Precision,
    bytes: u64,
    written: u64,
    tell: &'a mut Tell<'b>,
    stopped: Option<LadderError>,
}

impl Output<'_, '_> {
    fn look(&mut self, count: usize) -> Result<(), LadderError> {
        let before = self.written;
        self.written += count as u64;
        if before / LOOK_EVERY == self.written / LOOK_EVERY {
            return Ok(());
        }
        let done = DERIVING_SHARE + (1.0 - DERIVING_SHARE) * share(self.written, self.bytes);
        (self.tell)(LadderStep::Writing(self.precision), done)
    }

    fn stop(&mut self, error: LadderError) -> io::Error {
        self.stopped = Some(error);
        io::Error::other("stopped")
    }
}

impl Write for Output<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.file.write(bytes) {
            Ok(count) => count,
            Err(source) => return Err(self.stop(LadderError::Write { path: self.target.to_owned(), source })),
        };
        self.look(count).map_err(|error| self.stop(error))?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Output<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
