//! What the rest of the program knows of an inference engine.
//!
//! Mining, benchmarking and, later, comparing and validating use these two traits and nothing else: [`Engine`] loads an
//! artifact, [`Model`] is what was loaded. The `mistral.rs` adapter is `engine-mistral`; [`scripted`] is an engine whose
//! answers are written down beforehand, for fast tests of everything around it.
//!
//! **Invariant:** knows no engine by name. Token ids are those of the artifact's own tokenizer, exactly.

pub mod scripted;

use std::{pin::Pin, sync::Arc, time::Duration};

use cortensor_models::Artifact;
use cortensor_protocol::{DeviceKind, FinishReason, Prompt, Sampling, StreamedToken, TokenId, Usage};
use futures::{Stream, future::BoxFuture};
use tokio::sync::watch;

/// Loads artifacts.
pub trait Engine: Send + Sync + 'static {
    /// Name and version, such as `mistral.rs 0.8.1`: measurements hold for one version only.
    fn name(&self) -> &str;

    /// Loads `artifact`; `progress` goes from 0 to 1 on the way. Dropping the future gives the load up.
    fn load<'a>(
        &'a self,
        artifact: &'a Artifact,
        options: LoadOptions,
        progress: watch::Sender<f32>,
    ) -> BoxFuture<'a, Result<Arc<dyn Model>, LoadError>>;

    /// Computes something small on `device`: whether it can be loaded on, and if not, why, in words. What the driver lists
    /// may still be too old for this build. The default says yes to the processor alone.
    fn try_device(&self, device: Device) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            match device {
                Device::Processor => Ok(()),
                Device::Card(_) => Err("this engine computes on the processor only".to_owned()),
            }
        })
    }
}

/// What was asked for with a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Most tokens of prompt and answer together.
    pub context_tokens: u32,
    /// Requests worked on at a time.
    pub slots: u32,
    /// Where.
    pub device: Device,
}

/// Where a model computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// On the processor.
    #[default]
    Processor,
    /// On the graphics card of this number, among those that this build computes on.
    Card(u32),
}

impl Device {
    /// What the network is told: Apple's systems have Apple's graphics, all others are NVIDIA's.
    pub const fn kind(self) -> DeviceKind {
        match self {
            Self::Processor => DeviceKind::Processor,
            Self::Card(_) if cfg!(target_os = "macos") => DeviceKind::Metal,
            Self::Card(_) => DeviceKind::Cuda,
        }
    }
}

/// A loaded artifact. Unloaded, and its memory given back, by [`Model::unload`] or when the last reference is dropped.
pub trait Model: Send + Sync + 'static {
    /// What is loaded.
    fn artifact(&self) -> &Artifact;

    /// With what.
    fn options(&self) -> LoadOptions;

    /// The token ids of `prompt`, chat template and start-of-text token included.
    fn encode(&self, prompt: &Prompt) -> Result<Vec<TokenId>, PromptError>;

    /// One token for people to read; of the same vocabulary, every token the same.
    fn token_text(&self, token: TokenId) -> String;

    /// Starts an answer to `prompt` (token ids). Dropping the stream cancels it and frees its slot.
    fn generate(&self, prompt: Vec<TokenId>, sampling: Sampling) -> Generation;

    /// Scores a given sequence: the logits behind each of its tokens. One window at a time: the answer takes
    /// `4 × tokens × vocabulary` bytes.
    fn score(&self, tokens: Vec<TokenId>) -> BoxFuture<'_, Result<Logits, GenerateError>>;

    /// Stops what is running and gives the memory back; done when it is.
    fn unload(&self) -> BoxFuture<'_, ()>;
}

/// An answer on its way. The last item is [`GenerationEvent::Finished`] or an error.
pub type Generation = Pin<Box<dyn Stream<Item = Result<GenerationEvent, GenerateError>> + Send>>;

/// What comes of a [`Generation`].
#[derive(Clone, Debug, PartialEq)]
pub enum GenerationEvent {
    /// The next token.
    Token(StreamedToken),
    /// The end.
    Finished {
        /// Why.
        reason: FinishReason,
        /// Tokens in and out.
        usage: Usage,
        /// From the request to the first token: waiting and prefill.
        first_token: Duration,
        /// From the request to the end.
        total: Duration,
    },
}

/// Logits of a sequence: row `i` is the distribution of what follows token `i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Logits {
    vocabulary: usize,
    values: Vec<f32>,
}

impl Logits {
    /// Rows of `vocabulary` values one after the other, in natural units before softmax.
    ///
    /// Returns `None` unless the rows are whole.
    pub fn new(vocabulary: usize, values: Vec<f32>) -> Option<Self> {
        (vocabulary > 0 && values.len().is_multiple_of(vocabulary)).then_some(Self { vocabulary, values })
    }

    /// Number of rows: tokens scored.
    pub fn rows(&self) -> usize {
        self.values.len() / self.vocabulary
    }

    /// Values in a row.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// What follows token `index`, as logits; `None` beyond the end.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        self.values.chunks_exact(self.vocabulary).nth(index)
    }

    /// Natural logarithm of the probability of `token` behind token `index`, summed in 64 bits.
    pub fn log_probability(&self, index: usize, token: TokenId) -> Option<f64> {
        let row = self.row(index)?;
        let chosen = f64::from(*row.get(usize::try_from(token).ok()?)?);
        let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum: f64 = row.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
        Some(chosen - largest - sum.ln())
    }

    /// The likeliest token behind token `index`; of equals, the first.
    pub fn likeliest(&self, index: usize) -> Option<TokenId> {
        let row = self.row(index)?;
        let best = row.iter().enumerate().rev().max_by(|left, right| left.1.total_cmp(right.1))?;
        TokenId::try_from(best.0).ok()
    }
}

/// Why an artifact was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file does not match its digest, is damaged, or is of a kind the engine cannot load.
    #[error("{artifact} cannot be loaded: {message}; delete the file and start again to make it anew")]
    Artifact {
        /// Which.
        artifact: String,
        /// What the engine said.
        message: String,
    },
    /// There is not enough memory, or the user allows no more.
    #[error(
        "{artifact} needs {} MB of memory and {} MB may be used; close other programs, raise memory_budget_bytes or choose a smaller model",
        needed_bytes / 1_000_000,
        free_bytes / 1_000_000
    )]
    Memory {
        /// Which.
        artifact: String,
        /// What it takes, as far as is known.
        needed_bytes: u64,
        /// What is free now and allowed.
        free_bytes: u64,
    },
    /// Memory ran out on the way, whatever was free before.
    #[error(
        "{artifact} ran out of memory while it was loaded with a context of {} tokens: {message}; close other programs or choose a smaller model",
        options.context_tokens
    )]
    OutOfMemory {
        /// Which.
        artifact: String,
        /// With what it was to be loaded.
        options: LoadOptions,
        /// What the engine said.
        message: String,
    },
    /// The engine failed on the way.
    #[error("the engine failed to load {artifact}: {message}; `cortensor doctor` checks this machine")]
    Engine {
        /// Which.
        artifact: String,
        /// What it said.
        message: String,
    },
}

/// Why a prompt cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// No tokens.
    #[error("the prompt is empty; send at least one message with text")]
    Empty,
    /// Longer than the context, or no room for an answer.
    #[error(
        "the prompt has {prompt_tokens} tokens and the context holds {context_tokens} with at least one for the answer; shorten the prompt"
    )]
    ContextExceeded {
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Most tokens there may be.
        context_tokens: u32,
    },
    /// The model's chat template refuses the conversation.
    #[error("the model's chat template does not take this conversation: {0}")]
    Template(String),
    /// A token id that is not in the vocabulary.
    #[error("token {0} is not in the model's vocabulary")]
    UnknownToken(TokenId),
}

/// Why an answer ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The prompt cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The model was unloaded meanwhile.
    #[error("the model was unloaded; send the request again")]
    Unloaded,
    /// The engine failed.
    #[error("the engine failed: {0}; send the request again")]
    Engine(String),
    /// There was no memory left for it.
    #[error("the engine ran out of memory: {0}; send a shorter request, or close other programs")]
    OutOfMemory(String),
}

/// Refuses a prompt that is empty or leaves no room for an answer. Every adapter calls this before it starts.
pub fn check_prompt(prompt: &[TokenId], options: LoadOptions) -> Result<(), PromptError> {
    let prompt_tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
    match prompt_tokens {
        0 => Err(PromptError::Empty),
        tokens if tokens >= options.context_tokens => {
            Err(PromptError::ContextExceeded { prompt_tokens, context_tokens: options.context_tokens })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_probabilities_of_a_row_add_up_to_one() {
        let logits = Logits::new(3, vec![0.0, 1.0, 2.0, 1000.0, -1000.0, 1000.0]).unwrap();
        for row in 0..logits.rows() {
            let sum: f64 = (0..3).map(|token| logits.log_probability(row, token).unwrap().exp()).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        assert_eq!((logits.likeliest(0), logits.likeliest(1), logits.likeliest(2)), (Some(2), Some(0), None));
        assert_eq!(logits.log_probability(0, 3), None);
    }

    #[test]
    fn ragged_logits_are_refused() {
        assert_eq!(Logits::new(3, vec![0.0; 4]), None);
        assert_eq!(Logits::new(0, vec![]), None);
    }

    #[test]
    fn a_prompt_needs_room_for_an_answer() {
        let options = LoadOptions { context_tokens: 4, slots: 1, device: Device::Processor };
        assert_eq!(check_prompt(&[], options), Err(PromptError::Empty));
        assert!(check_prompt(&[1, 2, 3], options).is_ok());
        let refused = check_prompt(&[1, 2, 3, 4], options).unwrap_err();
        assert_eq!(refused, PromptError::ContextExceeded { prompt_tokens: 4, context_tokens: 4 });
    }
}
