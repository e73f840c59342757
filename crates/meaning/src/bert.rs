//! The forward pass of BERT, for one text at a time: no padding, so no mask, and the same result whatever else is asked.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::{
    Embedding, LayerNorm, Linear, Module as _, VarBuilder, embedding, layer_norm, linear, ops::softmax_last_dim,
};
use serde::Deserialize;

/// What of the model's `config.json` its shape depends on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Shape {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    type_vocab_size: usize,
    layer_norm_eps: f64,
}

pub(crate) struct Bert {
    words: Embedding,
    positions: Embedding,
    types: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    norm: LayerNorm,
}

impl Bert {
    pub(crate) fn new(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Self> {
        let (hidden, given) = (shape.hidden_size, weights.pp("embeddings"));
        let layers =
            (0..shape.num_hidden_layers).map(|layer| Layer::new(shape, &weights.pp(format!("encoder.layer.{layer}"))));
        Ok(Self {
            words: embedding(shape.vocab_size, hidden, given.pp("word_embeddings"))?,
            positions: embedding(shape.max_position_embeddings, hidden, given.pp("position_embeddings"))?,
            types: embedding(shape.type_vocab_size, hidden, given.pp("token_type_embeddings"))?,
            norm: layer_norm(hidden, shape.layer_norm_eps, given.pp("LayerNorm"))?,
            layers: layers.collect::<Result<_>>()?,
        })
    }

    /// A row for each token.
    pub(crate) fn forward(&self, tokens: &[u32]) -> Result<Tensor> {
        let count = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        let words = self.words.forward(&Tensor::new(tokens, &Device::Cpu)?)?;
        let positions = self.positions.forward(&Tensor::arange(0, count, &Device::Cpu)?)?;
        // One text, not a pair: all its tokens are of the first type.
        let types = self.types.forward(&Tensor::zeros(tokens.len(), DType::U32, &Device::Cpu)?)?;
        let mut rows = self.norm.forward(&((words + positions)? + types)?)?;
        for layer in &self.layers {
            rows = layer.forward(&rows)?;
        }
        Ok(rows)
    }
}

impl Layer {
    fn new(shape: &Shape, weights: &VarBuilder<'_>) -> Result<Self> {
        let (hidden, wide, eps) = (shape.hidden_size, shape.intermediate_size, shape.layer_norm_eps);
        let square = |name: &str| linear(hidden, hidden, weights.pp(name));
        Ok(Self {
            heads: shape.num_attention_heads,
            query: square("attention.self.query")?,
            key: square("attention.self.key")?,
            value: square("attention.self.value")?,
            attended: square("attention.output.dense")?,
            attended_norm: layer_norm(hidden, eps, weights.pp("attention.output.LayerNorm"))?,
            wide: linear(hidden, wide, weights.pp("intermediate.dense"))?,
            narrow: linear(wide, hidden, weights.pp("output.dense"))?,
            norm: layer_norm(hidden, eps, weights.pp("output.LayerNorm"))?,
        })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let attended = self.attended.forward(&self.attend(rows)?)?;
        let rows = self.attended_norm.forward(&(rows + attended)?)?;
        let wide = self.wide.forward(&rows)?.gelu_erf()?;
        self.norm.forward(&(&rows + self.narrow.forward(&wide)?)?)
    }

    fn attend(&self, rows: &Tensor) -> Result<Tensor> {
        let (tokens, hidden) = rows.dims2()?;
        let size = hidden / self.heads;
        let heads = |of: &Linear| of.forward(rows)?.reshape((tokens, self.heads, size))?.transpose(0, 1)?.contiguous();
        let (query, key, value) = (heads(&self.query)?, heads(&self.key)?, heads(&self.value)?);
        #[expect(clippy::cast_precision_loss, reason = "the size of a head is far below 2^52")]
        let scores = (query.matmul(&key.transpose(D::Minus1, D::Minus2)?.contiguous()?)? / (size as f64).sqrt())?;
        softmax_last_dim(&scores)?.matmul(&value)?.transpose(0, 1)?.reshape((tokens, hidden))
    }
}
