//! A short measurement of a loaded model, by the same path that serves.

use std::time::Duration;

use cortensor_engine::{GenerateError, GenerationEvent, Model};
use cortensor_protocol::{FinishReason, Prompt, Sampling, TokenId};
use futures::StreamExt;

/// Tokens of the prompt that prefill is measured with.
pub const PREFILL_TOKENS: usize = 256;
/// Tokens that decode is measured with.
pub const DECODE_TOKENS: u32 = 48;

/// What a model does on this machine, one request at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Prompt tokens a second.
    pub prefill_tokens_per_second: f64,
    /// Answer tokens a second.
    pub decode_tokens_per_second: f64,
    /// From a short request to its first token.
    pub first_token: Duration,
}

/// Measures: a warm-up, then a long prompt for prefill, then a long answer for decode.
pub async fn measure(model: &dyn Model) -> Result<Speed, GenerateError> {
    let text = "Once upon a time, in a village by the sea, there lived a clockmaker who counted the waves. ";
    let short = model.encode(&Prompt::Text { text: text.to_owned() })?;
    answer(model, short.clone(), 4).await?;
    let long: Vec<TokenId> = short.iter().copied().cycle().take(prefill_length(model)).collect();
    let prefilled = answer(model, long.clone(), 1).await?;
    let decoded = answer(model, short, DECODE_TOKENS).await?;
    Ok(Speed {
        prefill_tokens_per_second: per_second(long.len(), prefilled.first_token),
        decode_tokens_per_second: per_second(
            decoded.tokens.saturating_sub(1),
            decoded.total.saturating_sub(decoded.first_token),
        ),
        first_token: decoded.first_token,
    })
}

fn prefill_length(model: &dyn Model) -> usize {
    PREFILL_TOKENS.min(model.options().context_tokens as usize / 2)
}

struct Answered {
    tokens: usize,
    first_token: Duration,
    total: Duration,
}

async fn answer(model: &dyn Model, prompt: Vec<TokenId>, max_tokens: u32) -> Result<Answered, GenerateError> {
    let mut stream = model.generate(prompt, Sampling::greedy(max_tokens));
    let mut tokens = 0;
    while let Some(event) = stream.next().await {
        match event? {
            GenerationEvent::Token(_) => tokens += 1,
            GenerationEvent::Finished { reason: FinishReason::Cancelled, .. } => break,
            GenerationEvent::Finished { first_token, total, .. } => return Ok(Answered { tokens, first_token, total }),
        }
    }
    Err(GenerateError::Engine("the answer broke off".to_owned()))
}

fn per_second(tokens: usize, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "hundreds of tokens")]
    let tokens = tokens as f64;
    tokens / time.as_secs_f64().max(1e-6)
}
