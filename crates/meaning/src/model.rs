//! The embedding model, loaded from a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use tokenizers::{Tokenizer, TruncationParams};

use crate::bert::{Bert, Shape};

/// Most tokens of a text that count: as many as the model was made for. What is behind them is left out.
const MOST_TOKENS: usize = 256;

/// What a text means, as a vector of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// The direction of these numbers. Of nothing but zeros there is none, and it is similar to nothing.
    pub fn new(mut numbers: Vec<f32>) -> Self {
        let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
        if length > 0.0 {
            numbers.iter_mut().for_each(|number| *number /= length);
        }
        Self(numbers)
    }

    /// Its numbers.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The cosine of the angle between the two: 1 means the same, around 0 something else.
    pub fn similarity(&self, other: &Self) -> f32 {
        self.0.iter().zip(&other.0).map(|(one, other)| one * other).sum()
    }

    /// 0 means the same.
    pub fn distance(&self, other: &Self) -> f32 {
        1.0 - self.similarity(other)
    }
}

/// Why the model does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum MeaningError {
    /// A file is not there or cannot be read.
    #[error("the embedding model's {path} cannot be read; `./dev demo network` gets all-MiniLM-L6-v2", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The shape is not that of such a model.
    #[error("{path} does not describe a BERT model; get all-MiniLM-L6-v2 anew", path = path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The tokenizer does not open, or does not take a text.
    #[error("the tokenizer {path} cannot be used; get all-MiniLM-L6-v2 anew", path = path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: tokenizers::Error,
    },
    /// The weights are not those of such a model.
    #[error("the weights {path} cannot be used; get all-MiniLM-L6-v2 anew", path = path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What the library said.
        #[source]
        source: candle_core::Error,
    },
    /// A text could not be embedded.
    #[error("a text could not be embedded; report this with the text")]
    Embed(#[source] candle_core::Error),
}

/// all-MiniLM-L6-v2, loaded.
pub struct MeaningModel {
    bert: Bert,
    tokenizer: Tokenizer,
    tokenizer_path: PathBuf,
}

impl MeaningModel {
    /// Loads the model from a folder with `config.json`, `tokenizer.json` and `model.safetensors`.
    pub fn open(folder: &Path) -> Result<Self, MeaningError> {
        let tokenizer_path = folder.join("tokenizer.json");
        let shape = shape(&folder.join("config.json"))?;
        let tokenizer = tokenizer(&tokenizer_path)?;
        let bert = bert(&folder.join("model.safetensors"), &shape)?;
        Ok(Self { bert, tokenizer, tokenizer_path })
    }

    /// What each of these texts means, in their order.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, MeaningError> {
        texts.iter().map(|text| self.embed_one(text)).collect()
    }

    fn embed_one(&self, text: &str) -> Result<Embedding, MeaningError> {
        let encoding = self.tokenizer.encode(text, true);
        let encoding = encoding.map_err(|source| tokenizer_error(&self.tokenizer_path, source))?;
        self.mean(encoding.get_ids()).map(Embedding::new).map_err(MeaningError::Embed)
    }

    fn mean(&self, tokens: &[u32]) -> candle_core::Result<Vec<f32>> {
        self.bert.forward(tokens)?.mean(0)?.to_vec1()
    }
}

fn shape(path: &Path) -> Result<Shape, MeaningError> {
    let text = fs::read(path).map_err(|source| MeaningError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|source| MeaningError::Shape { path: path.to_owned(), source })
}

fn tokenizer_error(path: &Path, source: tokenizers::Error) -> MeaningError {
    MeaningError::Tokenizer { path: path.to_owned(), source }
}

fn tokenizer(path: &Path) -> Result<Tokenizer, MeaningError> {
    let text = fs::read(path).map_err(|source| MeaningError::Read { path: path.to_owned(), source })?;
    let wrong = |source| tokenizer_error(path, source);
    let mut tokenizer = Tokenizer::from_bytes(text).map_err(wrong)?;
    // The file asks for 128 tokens, always; one text at a time needs no padding.
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length: MOST_TOKENS, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(wrong)?;
    Ok(tokenizer)
}

fn bert(path: &Path, shape: &Shape) -> Result<Bert, MeaningError> {
    let wrong = |source| MeaningError::Weights { path: path.to_owned(), source };
    fs::metadata(path).map_err(|source| MeaningError::Read { path: path.to_owned(), source })?;
    let weights = candle_core::safetensors::load(path, &Device::Cpu).map_err(wrong)?;
    Bert::new(shape, &VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu)).map_err(wrong)
}
