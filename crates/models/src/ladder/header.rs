//! The header of a GGUF file, byte by byte as candle's own writer lays it out, which takes all weights at once: digests that
//! nodes agree on hang on it.

use std::collections::BTreeMap;

use candle_core::quantized::{GgmlDType, gguf_file::Value};

use super::recipe::Weights;

/// Weights begin at multiples of this.
const ALIGNMENT: u64 = 32;
const MAGIC: &[u8] = b"GGUF";
const VERSION: u32 = 2;

/// The header of a file with these weights in this order.
pub(super) fn header(metadata: &BTreeMap<&str, Value>, weights: &[Weights<'_>]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    length(&mut bytes, weights.len());
    length(&mut bytes, metadata.len());
    for (key, value) in metadata {
        text(&mut bytes, key);
        bytes.extend(kind(value).to_le_bytes());
        write(&mut bytes, value);
    }
    let mut offset = 0;
    for one in weights {
        describe(&mut bytes, one, offset);
        offset += one.bytes() + padding(one.bytes());
    }
    let end = bytes.len() as u64;
    bytes.resize((end + padding(end)).try_into().unwrap_or(usize::MAX), 0);
    bytes
}

/// Zeros between something that ends here and the next.
pub(super) fn padding(end: u64) -> u64 {
    end.next_multiple_of(ALIGNMENT) - end
}

fn describe(bytes: &mut Vec<u8>, weights: &Weights<'_>, offset: u64) {
    text(bytes, weights.name);
    let dimensions = weights.info.shape.dims();
    bytes.extend(u32::try_from(dimensions.len()).unwrap_or(u32::MAX).to_le_bytes());
    dimensions.iter().rev().for_each(|width| length(bytes, *width));
    bytes.extend(number(weights.kind).to_le_bytes());
    bytes.extend(offset.to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    length(bytes, text.len());
    bytes.extend(text.as_bytes());
}

fn length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend((length as u64).to_le_bytes());
}

fn write(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(value) => bytes.extend(value.to_le_bytes()),
        Value::I8(value) => bytes.extend(value.to_le_bytes()),
        Value::U16(value) => bytes.extend(value.to_le_bytes()),
        Value::I16(value) => bytes.extend(value.to_le_bytes()),
        Value::U32(value) => bytes.extend(value.to_le_bytes()),
        Value::I32(value) => bytes.extend(value.to_le_bytes()),
        Value::U64(value) => bytes.extend(value.to_le_bytes()),
        Value::I64(value) => bytes.extend(value.to_le_bytes()),
        Value::F32(value) => bytes.extend(value.to_le_bytes()),
        Value::F64(value) => bytes.extend(value.to_le_bytes()),
        Value::Bool(value) => bytes.push(u8::from(*value)),
        Value::String(value) => text(bytes, value),
        Value::Array(values) => {
            // Of an empty one it does not matter.
            bytes.extend(values.first().map_or(4, kind).to_le_bytes());
            length(bytes, values.len());
            values.iter().for_each(|value| write(bytes, value));
        }
    }
}

/// GGUF's number for a kind of value.
fn kind(value: &Value) -> u32 {
    match value {
        Value::U8(_) => 0,
        Value::I8(_) => 1,
        Value::U16(_) => 2,
        Value::I16(_) => 3,
        Value::U32(_) => 4,
        Value::I32(_) => 5,
        Value::F32(_) => 6,
        Value::Bool(_) => 7,
        Value::String(_) => 8,
        Value::Array(_) => 9,
        Value::U64(_) => 10,
        Value::I64(_) => 11,
        Value::F64(_) => 12,
    }
}

/// GGUF's number for a format of weights.
fn number(kind: GgmlDType) -> u32 {
    match kind {
        GgmlDType::F32 => 0,
        GgmlDType::F16 => 1,
        GgmlDType::Q4_0 => 2,
        GgmlDType::Q4_1 => 3,
        GgmlDType::Q5_0 => 6,
        GgmlDType::Q5_1 => 7,
        GgmlDType::Q8_0 => 8,
        GgmlDType::Q8_1 => 9,
        GgmlDType::Q2K => 10,
        GgmlDType::Q3K => 11,
        GgmlDType::Q4K => 12,
        GgmlDType::Q5K => 13,
        GgmlDType::Q6K => 14,
        GgmlDType::Q8K => 15,
        GgmlDType::BF16 => 30,
    }
}
