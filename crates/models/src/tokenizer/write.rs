//! A model file's own tokenizer as `tokenizer.json` and `tokenizer_config.json`.

use std::path::Path;

use cortensor_protocol::TokenId;
use serde_json::{Map, Value, json};

use super::{CONFIG_FILE, Config, TOKENIZER_FILE, TokenizerError};
use crate::{
    gguf::{Gguf, TokenType, TokenizerTables},
    whole,
};

/// The ways of splitting text that are known here, checked against llama.cpp.
pub(super) const KNOWN_SPLITS: [&str; 3] = ["smollm", "qwen2", "llama-bpe"];

/// Writes the tokenizer of a model file into a folder, for us, for the `tokenizers` crate and for `mistral.rs`.
pub fn write_tokenizer(gguf: &Path, folder: &Path) -> Result<(), TokenizerError> {
    let gguf = Gguf::open(gguf).map_err(TokenizerError::Model)?;
    let tables = gguf.tokenizer().map_err(TokenizerError::Model)?;
    if tables.model != "gpt2" {
        return Err(TokenizerError::UnknownKind { path: gguf.path().to_owned(), kind: tables.model });
    }
    let Some(split) = split(&tables.pre) else {
        return Err(TokenizerError::UnknownSplit { path: gguf.path().to_owned(), pre: tables.pre });
    };
    let config = config(&tables, &split, gguf.chat_template());
    std::fs::create_dir_all(folder).map_err(|source| TokenizerError::Write { path: folder.to_owned(), source })?;
    put(&folder.join(TOKENIZER_FILE), &tokenizer(&tables, &split))?;
    put(&folder.join(CONFIG_FILE), &config)
}

/// Whether a folder has a tokenizer. Its files appear whole or not at all, the configuration last.
pub(crate) fn is_written(folder: &Path) -> bool {
    [TOKENIZER_FILE, CONFIG_FILE].iter().all(|name| folder.join(name).is_file())
}

/// How a text is taken apart before it is encoded.
struct Split {
    steps: Value,
    /// A stretch of text that is a token as a whole becomes that token, whatever the merges say.
    whole_words: bool,
    /// Whether a text begins with the start of text if the file does not say.
    add_bos: bool,
}

fn split(pre: &str) -> Option<Split> {
    let digits = json!({ "type": "Digits", "individual_digits": true });
    match pre {
        "smollm" => Some(Split { steps: json!([digits, byte_level(true)]), whole_words: false, add_bos: false }),
        "qwen2" => Some(Split { steps: words(r"\p{N}"), whole_words: false, add_bos: false }),
        "llama-bpe" => Some(Split { steps: words(r"\p{N}{1,3}"), whole_words: true, add_bos: true }),
        _ => None,
    }
}

/// Contractions, words with what precedes them, digits, punctuation, line ends, white space.
fn words(digits: &str) -> Value {
    let pattern = [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        digits,
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
    .join("|");
    let split = json!({ "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false });
    json!([split, byte_level(false)])
}

fn byte_level(use_regex: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex })
}

fn tokenizer(tables: &TokenizerTables, split: &Split) -> Value {
    let vocabulary: Map<_, _> =
        (0..).zip(&tables.tokens).map(|(id, token): (TokenId, _)| (token.clone(), id.into())).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(tables),
        "normalizer": null,
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": split.steps },
        "post_processor": null,
        "decoder": byte_level(true),
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": split.whole_words,
            "vocab": vocabulary,
            "merges": tables.merges,
        },
    })
}

fn added_tokens(tables: &TokenizerTables) -> Vec<Value> {
    let tokens = tables.tokens.iter().zip(&tables.types).enumerate();
    tokens
        .filter(|(_, (_, kind))| **kind != TokenType::Normal)
        .map(|(id, (token, kind))| {
            json!({
                "id": id,
                "content": token,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": *kind == TokenType::Control,
            })
        })
        .collect()
}

fn config(tables: &TokenizerTables, split: &Split, template: Option<&str>) -> Value {
    let name = |id: Option<TokenId>| id.and_then(|id| tables.tokens.get(id as usize)).cloned();
    let config = Config {
        add_bos_token: tables.add_bos.unwrap_or(split.add_bos),
        bos_token: name(tables.bos),
        eos_token: name(tables.eos),
        eot_token: name(tables.eot),
        unk_token: name(tables.unknown),
        chat_template: template.map(str::to_owned),
    };
    json!(config)
}

fn put(path: &Path, content: &Value) -> Result<(), TokenizerError> {
    let content = format!("{content}\n");
    whole::write(path, content.as_bytes())
        .map(|_| ())
        .map_err(|source| TokenizerError::Write { path: path.to_owned(), source })
}
