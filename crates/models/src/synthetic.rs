//! A tiny model file, made when a test needs one.

use std::{fs::File, path::Path};

use candle_core::{
    Device, Tensor,
    quantized::{
        GgmlDType, QTensor,
        gguf_file::{self, Value},
    },
};
use cortensor_protocol::{ModelId, Precision};

use crate::{StarterModel, sha256_file};

/// Letters that can be tokens in a byte-level vocabulary.
const LETTERS: &str = "abcdefgh !Ġ123";
const SPECIALS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";

/// The metadata of a tiny model that splits text in the way `pre`.
pub(crate) fn metadata(pre: &str) -> Vec<(&'static str, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    let (tokens, types) = vocabulary();
    vec![
        ("general.architecture", text("llama")),
        ("general.alignment", Value::U32(32)),
        ("general.file_type", Value::U32(3)),
        ("general.quantization_version", Value::U32(2)),
        ("llama.block_count", Value::U32(1)),
        ("llama.context_length", Value::U32(128)),
        ("llama.embedding_length", Value::U32(64)),
        ("llama.feed_forward_length", Value::U32(96)),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text(pre)),
        ("tokenizer.ggml.tokens", Value::Array(tokens)),
        ("tokenizer.ggml.token_type", Value::Array(types)),
        ("tokenizer.ggml.merges", Value::Array(vec![text("a b"), text("Ġ a"), text("ab c")])),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
        ("tokenizer.chat_template", text(TEMPLATE)),
    ]
}

/// A tensor's name, shape and format.
pub(crate) type Shaped<'a> = (&'static str, &'a [usize], GgmlDType);

/// Writes a tiny model file.
pub(crate) fn write(path: &Path, metadata: &[(&str, Value)]) {
    let tensors: [Shaped<'_>; 3] = [
        ("token_embd.weight", &[32, 64], GgmlDType::Q8_0),
        ("blk.0.attn_norm.weight", &[64], GgmlDType::F32),
        ("blk.0.ffn_down.weight", &[64, 96], GgmlDType::Q4_1),
    ];
    write_tensors(path, metadata, &tensors);
}

/// Writes a model file with these tensors.
pub(crate) fn write_tensors(path: &Path, metadata: &[(&str, Value)], tensors: &[Shaped<'_>]) {
    let tensors: Vec<_> = tensors.iter().map(|(name, shape, format)| tensor(name, shape, *format)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    gguf_file::write(&mut File::create(path).unwrap(), &metadata, &tensors).unwrap();
}

/// Writes a file that has a tokenizer and no weights.
pub(crate) fn write_vocabulary(path: &Path, metadata: &[(&str, Value)]) {
    let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let mut bytes = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut bytes, &metadata, &[]).unwrap();
    let padding = bytes.get_ref().iter().rev().take_while(|byte| **byte == 0).count();
    let end = bytes.get_ref().len() - padding;
    std::fs::write(path, &bytes.get_ref()[..end]).unwrap();
}

/// What the tiny model in `path` is to be.
pub(crate) fn model(path: &Path) -> StarterModel {
    StarterModel {
        model: ModelId::new("tiny"),
        name: "Tiny",
        file_name: "tiny.Q4_1.gguf",
        bytes: path.metadata().unwrap().len(),
        digest: sha256_file(path, &mut |_| ()).unwrap(),
        licence: "none",
        ladder: vec![Precision::F16, Precision::Q8_0, Precision::Q4_0],
    }
}

fn vocabulary() -> (Vec<Value>, Vec<Value>) {
    let specials = SPECIALS.iter().map(|token| ((*token).to_owned(), 3));
    let letters = LETTERS.chars().map(|letter| (letter.to_string(), 1));
    let merged = ["ab", "Ġa", "abc"].iter().map(|token| ((*token).to_owned(), 1));
    let padding = (0..12).map(|index| (format!("<pad{index}>"), 5));
    let all = specials.chain(letters).chain(merged).chain(padding);
    all.map(|(token, kind)| (Value::String(token), Value::I32(kind))).unzip()
}

fn tensor(name: &'static str, shape: &[usize], format: GgmlDType) -> (&'static str, QTensor) {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0_u16..1009).cycle().take(count).map(|index| (f32::from(index) * 0.37).sin()).collect();
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    (name, QTensor::quantize(&tensor, format).unwrap())
}
