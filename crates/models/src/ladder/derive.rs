//! One made file: every tensor of a model brought into a precision, piece by piece on all cores and written as it comes, so that
//! a model of any size takes a few megabytes of memory for each core.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    num::NonZero,
    panic::resume_unwind,
    path::Path,
    thread,
};

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor, ggml_file::qtensor_from_ggml},
};
use cortensor_protocol::{ArtifactDigest, Precision};

use super::{
    LadderError, LadderStep,
    header::{header, padding},
    recipe::{self, Fallback, Weights},
};
use crate::{
    gguf::{Gguf, stored_bytes},
    whole::WholeFile,
};

/// Values that one core works on at a time. Formats work in blocks within a row, so that the bytes do not depend on it.
const PIECE: usize = 1 << 18;

/// Told the step and the share of this file that is done; an error stops the work.
pub(super) type Tell<'a> = dyn FnMut(LadderStep, f32) -> Result<(), LadderError> + 'a;

/// A file that was made.
#[derive(Debug)]
pub(super) struct Derived {
    pub(super) digest: ArtifactDigest,
    pub(super) fallbacks: Vec<Fallback>,
}

/// Writes the model in `parts` (one file, or all of a split one) in `precision` to `target`.
pub(super) fn derive(
    parts: &[Gguf],
    precision: Precision,
    target: &Path,
    tell: &mut Tell<'_>,
) -> Result<Derived, LadderError> {
    let weights = recipe::weights(parts, precision);
    let fallbacks = recipe::fallbacks(&weights, precision);
    let failed = |source| LadderError::Write { path: target.to_owned(), source };
    let total: u64 = weights.iter().map(Weights::bytes).sum();
    let mut output =
        Output { file: WholeFile::create(target).map_err(failed)?, target, precision, total, done: 0, tell };
    let metadata = parts.first().map(|first| recipe::metadata(first, precision)).unwrap_or_default();
    output.write(&header(&metadata, &weights))?;
    for weights in &weights {
        convert(&parts[weights.part], *weights, &mut output)?;
        output.write(&vec![0; usize::try_from(padding(weights.bytes())).unwrap_or_default()])?;
    }
    (output.tell)(LadderStep::Writing(precision), 1.0)?;
    let digest = output.file.keep().map_err(failed)?;
    Ok(Derived { digest, fallbacks })
}

/// The file on its way.
struct Output<'a, 'b> {
    file: WholeFile,
    target: &'a Path,
    precision: Precision,
    total: u64,
    /// Bytes of weights written.
    done: u64,
    tell: &'a mut Tell<'b>,
}

impl Output<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), LadderError> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| LadderError::Write { path: self.target.to_owned(), source })
    }

    /// Writes weights and tells how far that is.
    fn weights(&mut self, pieces: &[Vec<u8>]) -> Result<(), LadderError> {
        for piece in pieces {
            self.write(piece)?;
            self.done += piece.len() as u64;
        }
        (self.tell)(LadderStep::Deriving(self.precision), super::share(self.done, self.total))
    }
}

/// Brings one tensor into its format and writes it. While all cores work on some pieces, those before are written and those
/// after are read.
fn convert(source: &Gguf, weights: Weights<'_>, output: &mut Output<'_, '_>) -> Result<(), LadderError> {
    let mut reader = Reader::open(source, weights)?;
    let (mut done, mut pieces) = (Vec::new(), reader.pieces()?);
    while !pieces.is_empty() {
        let (made, following) = thread::scope(|scope| {
            let begun = pieces.iter().map(|piece| scope.spawn(move || converted(piece, weights)));
            let workers: Vec<_> = begun.collect();
            let following = output.weights(&done).and_then(|()| reader.pieces());
            let made = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            (made.collect::<candle_core::Result<Vec<_>>>(), following)
        });
        let (tensor, precision) = (weights.name.to_owned(), output.precision);
        done = made.map_err(|source| LadderError::Derive { tensor, precision, source })?;
        pieces = following?;
    }
    output.weights(&done)
}

/// The stored values of one tensor, some rows at a time.
struct Reader<'a> {
    path: &'a Path,
    file: File,
    weights: Weights<'a>,
    /// Values that are still to come.
    left: usize,
    cores: usize,
}

impl<'a> Reader<'a> {
    fn open(source: &'a Gguf, weights: Weights<'a>) -> Result<Self, LadderError> {
        let path = source.path();
        let start = source.content().tensor_data_offset.saturating_add(weights.info.offset);
        let opened = File::open(path).and_then(|mut file| file.seek(SeekFrom::Start(start)).map(|_| file));
        let file = opened.map_err(|source| LadderError::Source { path: path.to_owned(), source })?;
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self { path, file, weights, left: weights.info.shape.elem_count(), cores })
    }

    /// A piece for each core; none at the end.
    fn pieces(&mut self) -> Result<Vec<Vec<u8>>, LadderError> {
        let row = self.weights.row().max(1);
        let most = (PIECE / row).max(1) * row;
        let mut pieces = Vec::with_capacity(self.cores);
        while self.left > 0 && pieces.len() < self.cores {
            let count = most.min(self.left);
            let length = stored_bytes(count, self.weights.info.ggml_dtype);
            let mut piece = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            let read = self.file.read_exact(&mut piece);
            read.map_err(|source| LadderError::Source { path: self.path.to_owned(), source })?;
            self.left -= count;
            pieces.push(piece);
        }
        Ok(pieces)
    }
}

/// Some rows in the format that the tensor is to have. Those that have it already are taken as they are: rounding twice would
/// only lose.
fn converted(stored: &[u8], weights: Weights<'_>) -> candle_core::Result<Vec<u8>> {
    let from = weights.info.ggml_dtype;
    if from == weights.kind {
        return Ok(stored.to_vec());
    }
    let values = stored.len() / from.type_size() * from.block_size();
    let row = weights.row().max(1);
    let stored = qtensor_from_ggml(from, stored, vec![values / row, row], &Device::Cpu)?;
    let made = quantized(&stored.dequantize(&Device::Cpu)?, row, weights.kind)?;
    Ok(made.data()?.into_owned())
}

/// K-quants by the search that takes a weight for each column, all alike: the one without is older, and with it `Q5_K` and `Q4_K`
/// are further from the source than llama.cpp's (`./dev bench quantize`).
pub(super) fn quantized(values: &Tensor, row: usize, kind: GgmlDType) -> candle_core::Result<QTensor> {
    match kind {
        GgmlDType::Q2K | GgmlDType::Q3K | GgmlDType::Q4K | GgmlDType::Q5K => {
            QTensor::quantize_imatrix(values, &vec![1.0; row], kind)
        }
        _ => QTensor::quantize(values, kind),
    }
}
