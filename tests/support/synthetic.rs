//! Model files of any size, made when a test needs them: the weights are noise, the tokenizer is the starter model's.
//!
//! All layers have the same weights, so that a file of gigabytes needs the memory of one layer to be made.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, Content, Value},
    },
};
use cortensor_models::{Artifact, gguf::Gguf, write_tokenizer};
use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

/// The shape of a model to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    name: &'static str,
    layers: u32,
    hidden: u32,
    feed_forward: u32,
    heads: u32,
    kv_heads: u32,
}

/// Half a billion parameters.
pub(crate) const HALF_A_BILLION: Shape =
    Shape { name: "synthetic-0.5b", layers: 28, hidden: 1024, feed_forward: 4096, heads: 16, kv_heads: 8 };
/// As Llama 3.2 1B has it, but for the vocabulary.
pub(crate) const ONE_BILLION: Shape =
    Shape { name: "synthetic-1b", layers: 16, hidden: 2048, feed_forward: 8192, heads: 32, kv_heads: 8 };
/// As Llama 3.2 3B has it, but for the vocabulary.
pub(crate) const THREE_BILLIONS: Shape =
    Shape { name: "synthetic-3b", layers: 28, hidden: 3072, feed_forward: 8192, heads: 24, kv_heads: 8 };

/// A weight of a layer: name, rows, columns.
type Matrix = (&'static str, u32, u32);

impl Shape {
    /// Makes the model in `folder`, with what else it takes to load it.
    pub(crate) fn artifact(self, folder: &Path, precision: Precision, starter: &Path) -> Artifact {
        let path = folder.join(format!("{}.{precision}.gguf", self.name));
        self.write(&path, precision, starter);
        let tokenizer = folder.join("tokenizer");
        write_tokenizer(&path, &tokenizer).unwrap();
        let gguf = Gguf::open(&path).unwrap();
        assert_eq!(gguf.precision().unwrap(), precision);
        Artifact {
            model: ModelId::new(self.name),
            precision,
            bytes: path.metadata().unwrap().len(),
            geometry: gguf.geometry().unwrap(),
            // Nobody asks for it here, and a file of gigabytes takes its time to read.
            digest: ArtifactDigest::new([precision as u8; 32]),
            path,
            tokenizer,
        }
    }

    fn write(self, path: &Path, precision: Precision, starter: &Path) {
        let mut metadata = Content::read(&mut BufReader::new(File::open(starter).unwrap())).unwrap().metadata;
        let vocabulary = metadata["tokenizer.ggml.tokens"].to_vec().unwrap().len();
        metadata.extend(self.described());
        let layer = self.matrices().map(|(name, rows, columns)| (name, noise(rows, columns, format(precision))));
        let norm = ones(self.hidden);
        let embeddings = noise(u32::try_from(vocabulary).unwrap(), self.hidden, embeddings_format(precision));
        let mut tensors = vec![("token_embd.weight".to_owned(), &embeddings), ("output_norm.weight".to_owned(), &norm)];
        for index in 0..self.layers {
            let named = |name: &str| format!("blk.{index}.{name}.weight");
            tensors.extend(["attn_norm", "ffn_norm"].map(|name| (named(name), &norm)));
            tensors.extend(layer.iter().map(|(name, weights)| (named(name), weights)));
        }
        let metadata: Vec<_> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
        let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), *tensor)).collect();
        gguf_file::write(&mut BufWriter::new(File::create(path).unwrap()), &metadata, &tensors).unwrap();
    }

    fn described(self) -> Vec<(String, Value)> {
        let described = [
            ("block_count", self.layers),
            ("embedding_length", self.hidden),
            ("feed_forward_length", self.feed_forward),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("rope.dimension_count", self.hidden / self.heads),
        ];
        described.map(|(key, value)| (format!("llama.{key}"), Value::U32(value))).into()
    }

    fn matrices(self) -> [Matrix; 7] {
        let Self { hidden, feed_forward, heads, kv_heads, .. } = self;
        let kept = hidden / heads * kv_heads;
        [
            ("attn_q", hidden, hidden),
            ("attn_k", kept, hidden),
            ("attn_v", kept, hidden),
            ("attn_output", hidden, hidden),
            ("ffn_gate", feed_forward, hidden),
            ("ffn_up", feed_forward, hidden),
            ("ffn_down", hidden, feed_forward),
        ]
    }
}

fn format(precision: Precision) -> GgmlDType {
    match precision {
        Precision::F16 => GgmlDType::F16,
        Precision::Q8_0 => GgmlDType::Q8_0,
        Precision::Q4_0 => GgmlDType::Q4_0,
        other => panic!("{other} is not made here"),
    }
}

/// As in the precision ladder: no fewer bits than eight.
fn embeddings_format(precision: Precision) -> GgmlDType {
    if precision == Precision::F16 { GgmlDType::F16 } else { GgmlDType::Q8_0 }
}

fn noise(rows: u32, columns: u32, format: GgmlDType) -> QTensor {
    let values = Tensor::randn(0.0_f32, 0.02, (rows as usize, columns as usize), &Device::Cpu).unwrap();
    QTensor::quantize(&values, format).unwrap()
}

fn ones(count: u32) -> QTensor {
    let values = Tensor::ones(count as usize, candle_core::DType::F32, &Device::Cpu).unwrap();
    QTensor::quantize(&values, GgmlDType::F32).unwrap()
}
