//! What a GGUF file says of itself: shape, precision, tokenizer and chat template.
//!
//! Reads the header only. A header tells its own lengths: they are checked against the file's before anything is read by them.

mod lengths;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Seek},
    path::{Path, PathBuf},
};

use candle_core::quantized::{
    GgmlDType,
    gguf_file::{Content, TensorInfo, Value},
};
use cortensor_protocol::{Precision, TokenId};

use crate::Geometry;

/// An opened GGUF file.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    content: Content,
}

/// The tokenizer as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizerTables {
    /// Kind, such as `gpt2` for byte-level pair encoding.
    pub model: String,
    /// How text is split before it is encoded, such as `smollm`.
    pub pre: String,
    /// Tokens by id.
    pub tokens: Vec<String>,
    /// Types of the tokens by id.
    pub types: Vec<TokenType>,
    /// Merges by rank: two tokens with a space between them.
    pub merges: Vec<String>,
    /// Start of text.
    pub bos: Option<TokenId>,
    /// End of text.
    pub eos: Option<TokenId>,
    /// End of a turn, where the file names it.
    pub eot: Option<TokenId>,
    /// Unknown text.
    pub unknown: Option<TokenId>,
    /// Whether a text begins with `bos`; absent where the file leaves it to the kind of tokenizer.
    pub add_bos: Option<bool>,
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// Text.
    Normal,
    /// Structure, such as the end of a turn; text never becomes one by itself.
    Control,
    /// Added text that is always one token.
    UserDefined,
}

/// Why a GGUF file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It cannot be read.
    #[error("{path} cannot be read; check that the file exists and that you may read it")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not GGUF, or damaged.
    #[error("{path} is not a GGUF file that can be read; delete it and get it again")]
    Header {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        #[source]
        source: candle_core::Error,
    },
    /// Tensors end behind the end of the file.
    #[error("{path} ends after {found} bytes and its weights need {expected}; delete it and get it again")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes there must be.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A value is missing or of the wrong type.
    #[error("{path} does not say `{key}` as a model file must; use another file of this model")]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// Its weights are in no format known here.
    #[error("the weights of {path} are {format}, which is not supported; use one of {known}", known = Precision::ALL.map(Precision::as_str).join(", "))]
    Precision {
        /// The file.
        path: PathBuf,
        /// What most weights are.
        format: String,
    },
}

impl Gguf {
    /// Reads the header of a file and checks that all its tensors are there.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let open = |source| GgufError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(open)?;
        let found = file.metadata().map_err(open)?.len();
        let header = |source| GgufError::Header { path: path.to_owned(), source };
        lengths::check_lengths(&file, found).map_err(candle_core::Error::from).map_err(header)?;
        (&file).rewind().map_err(open)?;
        let content = Content::read(&mut BufReader::new(file)).map_err(header)?;
        let ends = content.tensor_infos.values().map(tensor_end).max();
        let expected = ends.map_or(0, |end| content.tensor_data_offset.saturating_add(end));
        if found < expected {
            return Err(GgufError::Truncated { path: path.to_owned(), expected, found });
        }
        Ok(Self { path: path.to_owned(), content })
    }

    /// The shape of the model.
    pub fn geometry(&self) -> Result<Geometry, GgufError> {
        let heads = self.of_architecture("attention.head_count")?;
        let hidden = self.of_architecture("embedding_length")?;
        Ok(Geometry {
            parameters: self.content.tensor_infos.values().map(|info| info.shape.elem_count() as u64).sum(),
            layers: self.of_architecture("block_count")?,
            hidden,
            feed_forward: self.of_architecture("feed_forward_length")?,
            heads,
            kv_heads: self.of_architecture("attention.head_count_kv").unwrap_or(heads),
            head_width: self.of_architecture("attention.key_length").unwrap_or(hidden / heads.max(1)),
            context_tokens: self.of_architecture("context_length")?,
            vocabulary: match self.of_architecture("vocab_size") {
                Ok(size) => size,
                Err(_) => u32::try_from(self.list("tokenizer.ggml.tokens")?.len()).unwrap_or(u32::MAX),
            },
            tied_embeddings: !self.content.tensor_infos.contains_key("output.weight"),
        })
    }

    /// The format of most weights. Vectors do not count: they stay in full precision in every format.
    pub fn precision(&self) -> Result<Precision, GgufError> {
        let mut weights: HashMap<String, (usize, GgmlDType)> = HashMap::new();
        for info in self.content.tensor_infos.values().filter(|info| info.shape.rank() > 1) {
            let entry = weights.entry(format!("{:?}", info.ggml_dtype)).or_insert((0, info.ggml_dtype));
            entry.0 += info.shape.elem_count();
        }
        let most = weights.into_iter().max_by_key(|(_, (count, _))| *count);
        let (format, (_, kind)) = most.ok_or_else(|| self.missing("tensors"))?;
        precision_of(kind).ok_or_else(|| GgufError::Precision { path: self.path.clone(), format })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> Result<TokenizerTables, GgufError> {
        let tokens = self.texts("tokenizer.ggml.tokens")?;
        Ok(TokenizerTables {
            model: self.text("tokenizer.ggml.model")?.to_owned(),
            pre: self.text("tokenizer.ggml.pre").unwrap_or("default").to_owned(),
            types: self.token_types(tokens.len())?,
            tokens,
            merges: self.texts("tokenizer.ggml.merges").unwrap_or_default(),
            bos: self.number("tokenizer.ggml.bos_token_id"),
            eos: self.number("tokenizer.ggml.eos_token_id"),
            eot: self.number("tokenizer.ggml.eot_token_id"),
            unknown: self.number("tokenizer.ggml.unknown_token_id"),
            add_bos: self.content.metadata.get("tokenizer.ggml.add_bos_token").and_then(|value| value.to_bool().ok()),
        })
    }

    /// What the file calls the model.
    pub fn title(&self) -> Option<&str> {
        self.text("general.name").ok().map(str::trim).filter(|name| !name.is_empty())
    }

    /// The template that makes one text of a conversation.
    pub fn chat_template(&self) -> Option<&str> {
        self.text("tokenizer.chat_template").ok()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    fn token_types(&self, count: usize) -> Result<Vec<TokenType>, GgufError> {
        let key = "tokenizer.ggml.token_type";
        let Ok(values) = self.list(key) else { return Ok(vec![TokenType::Normal; count]) };
        let types: Vec<_> = values.iter().map(token_type).collect();
        if types.len() == count { Ok(types) } else { Err(self.missing(key)) }
    }

    fn of_architecture(&self, key: &str) -> Result<u32, GgufError> {
        let key = format!("{}.{key}", self.text("general.architecture")?);
        self.number(&key).ok_or_else(|| self.missing(&key))
    }

    fn number(&self, key: &str) -> Option<u32> {
        self.content.metadata.get(key).and_then(whole_number)
    }

    fn text(&self, key: &str) -> Result<&str, GgufError> {
        let text = self.content.metadata.get(key).and_then(|value| value.to_string().ok());
        text.map(String::as_str).ok_or_else(|| self.missing(key))
    }

    fn list(&self, key: &str) -> Result<&[Value], GgufError> {
        let list = self.content.metadata.get(key).and_then(|value| value.to_vec().ok());
        list.map(Vec::as_slice).ok_or_else(|| self.missing(key))
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, GgufError> {
        let texts = self.list(key)?.iter().map(|value| value.to_string().ok().cloned()).collect();
        Option::<Vec<_>>::ok_or_else(texts, || self.missing(key))
    }

    fn missing(&self, key: &str) -> GgufError {
        GgufError::Metadata { path: self.path.clone(), key: key.to_owned() }
    }
}

/// Bytes of a tensor as it is stored.
pub(crate) fn stored_bytes(elements: usize, kind: GgmlDType) -> u64 {
    (elements.div_ceil(kind.block_size()) * kind.type_size()) as u64
}

fn tensor_end(info: &TensorInfo) -> u64 {
    info.offset.saturating_add(stored_bytes(info.shape.elem_count(), info.ggml_dtype))
}

fn whole_number(value: &Value) -> Option<u32> {
    let wide = value.to_u64().ok();
    let signed = || value.to_i64().ok().or_else(|| value.to_i32().ok().map(i64::from));
    wide.and_then(|number| number.try_into().ok()).or_else(|| signed()?.try_into().ok())
}

/// GGUF numbers the types: 2 is unknown, 3 control, 4 user defined. Text never becomes an unknown token by itself either.
fn token_type(value: &Value) -> TokenType {
    match whole_number(value) {
        Some(2 | 3) => TokenType::Control,
        Some(4) => TokenType::UserDefined,
        _ => TokenType::Normal,
    }
}

pub(crate) fn precision_of(kind: GgmlDType) -> Option<Precision> {
    Some(match kind {
        GgmlDType::F32 => Precision::F32,
        GgmlDType::BF16 => Precision::Bf16,
        GgmlDType::F16 => Precision::F16,
        GgmlDType::Q8_0 => Precision::Q8_0,
        GgmlDType::Q6K => Precision::Q6K,
        GgmlDType::Q5_1 => Precision::Q5_1,
        GgmlDType::Q5_0 => Precision::Q5_0,
        GgmlDType::Q5K => Precision::Q5K,
        GgmlDType::Q4_1 => Precision::Q4_1,
        GgmlDType::Q4_0 => Precision::Q4_0,
        GgmlDType::Q4K => Precision::Q4K,
        GgmlDType::Q3K => Precision::Q3K,
        GgmlDType::Q2K => Precision::Q2K,
        GgmlDType::Q8_1 | GgmlDType::Q8K => return None,
    })
}

#[cfg(test)]
mod tests;
