use std::fs;

use super::*;
use crate::synthetic;

fn opened(metadata: &[(&str, Value)]) -> (tempfile::TempDir, Result<Gguf, GgufError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    synthetic::write(&path, metadata);
    let gguf = Gguf::open(&path);
    (folder, gguf)
}

#[test]
fn a_file_tells_its_shape_its_precision_and_its_tokenizer() {
    let (_folder, gguf) = opened(&synthetic::metadata("smollm"));
    let gguf = gguf.unwrap();
    let geometry = Geometry {
        parameters: 32 * 64 + 64 + 64 * 96,
        layers: 1,
        hidden: 64,
        feed_forward: 96,
        heads: 4,
        kv_heads: 2,
        head_width: 16,
        context_tokens: 128,
        vocabulary: 32,
        tied_embeddings: true,
    };
    assert_eq!(gguf.geometry().unwrap(), geometry);
    assert_eq!(gguf.precision().unwrap(), Precision::Q4_1);
    let tables = gguf.tokenizer().unwrap();
    assert_eq!((tables.bos, tables.eos, tables.eot, tables.add_bos), (Some(1), Some(2), None, None));
    assert_eq!(tables.types.iter().filter(|kind| **kind == TokenType::Control).count(), 3);
    assert!(gguf.chat_template().is_some_and(|template| template.contains("<|im_start|>")));
}

#[test]
fn what_a_file_does_not_say_is_named() {
    let mut metadata = synthetic::metadata("smollm");
    metadata.retain(|(key, _)| *key != "llama.block_count");
    let (_folder, gguf) = opened(&metadata);
    let message = gguf.unwrap().geometry().unwrap_err().to_string();
    assert!(message.contains("`llama.block_count`"), "{message}");
}

#[test]
fn truncated_and_foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    synthetic::write(&path, &synthetic::metadata("smollm"));
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 64]).unwrap();
    assert!(matches!(Gguf::open(&path), Err(GgufError::Truncated { .. })));
    for content in [&whole[..100], b"<html>not found</html>", b""] {
        fs::write(&path, content).unwrap();
        assert!(matches!(Gguf::open(&path), Err(GgufError::Header { .. })));
    }
    assert!(matches!(Gguf::open(&folder.path().join("none")), Err(GgufError::Open { .. })));
}

#[test]
fn a_file_without_weights_still_tells_its_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocabulary.gguf");
    synthetic::write_vocabulary(&path, &synthetic::metadata("smollm"));
    assert_eq!(Gguf::open(&path).unwrap().tokenizer().unwrap().tokens.len(), 32);
}

#[test]
fn a_header_that_lies_about_a_length_is_refused_before_memory_is_reserved_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    synthetic::write(&path, &synthetic::metadata("smollm"));
    let good = fs::read(&path).unwrap();
    let key = b"general.architecture";
    let at = good.windows(key.len()).position(|window| window == key).unwrap();
    // Counts of tensors and values, the length of the first key, and that of its text.
    for place in [8, 16, at - 8, at + key.len() + 4] {
        let mut bad = good.clone();
        bad[place..place + 8].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
        fs::write(&path, bad).unwrap();
        assert!(matches!(Gguf::open(&path), Err(GgufError::Header { .. })), "{place}");
    }
}
