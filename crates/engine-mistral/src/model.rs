//! A loaded artifact.

use std::{sync::Arc, time::Instant};

use candle_core::{D, DType, Tensor};
use cortensor_engine::{
    GenerateError, Generation, GenerationEvent, LoadOptions, Logits, Model, PromptError, check_prompt,
};
use cortensor_models::{Artifact, EncodeError, Tokenizer};
use cortensor_protocol::{FinishReason, Prompt, Sampling, TokenId, Usage};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    decoding::{Decoding, EndTokens, Events, Order},
    memory::GiveBack,
    running::{Place, Running, Work},
};

/// An artifact in the engine.
pub(crate) struct MistralModel {
    /// What is loaded.
    pub(crate) artifact: Artifact,
    /// With what.
    pub(crate) options: LoadOptions,
    /// The artifact's own.
    pub(crate) tokenizer: Arc<Tokenizer>,
    /// What ends answers.
    pub(crate) end_tokens: EndTokens,
    /// The engine.
    pub(crate) running: Arc<Running>,
    /// The tokenizer's tables are tens of megabytes.
    pub(crate) _give_back: GiveBack,
}

impl Model for MistralModel {
    fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    fn options(&self) -> LoadOptions {
        self.options
    }

    fn encode(&self, prompt: &Prompt) -> Result<Vec<TokenId>, PromptError> {
        self.tokenizer.encode(prompt).map_err(|error| match error {
            EncodeError::NoMessages => PromptError::Empty,
            EncodeError::UnknownToken(token) => PromptError::UnknownToken(token),
            EncodeError::Template(cause) => PromptError::Template(cause.to_string()),
            other => PromptError::Template(other.to_string()),
        })
    }

    fn token_text(&self, token: TokenId) -> String {
        self.tokenizer.token_text(token)
    }

    /// The end token is not part of the answer, nor are the tokens of a stop text; the text of the last token is cut
    /// where a stop text begins. `max_tokens` is cut to what the context holds. A dropped stream ends the sequence at
    /// its next token.
    fn generate(&self, prompt: Vec<TokenId>, sampling: Sampling) -> Generation {
        let room = self.room(&prompt, &sampling);
        let (events, stream) = mpsc::channel(room as usize + 1);
        if let Err(error) = self.start(prompt, sampling, room, &events) {
            let _ = events.try_send(Err(error));
        }
        Box::pin(ReceiverStream::new(stream))
    }

    /// Waits until no answer runs, and keeps new ones waiting meanwhile.
    fn score(&self, tokens: Vec<TokenId>) -> BoxFuture<'_, Result<Logits, GenerateError>> {
        Box::pin(async move {
            self.check_window(&tokens)?;
            let place = self.running.place()?;
            let (sender, receiver) = oneshot::channel();
            let running = Arc::clone(&self.running);
            self.running.spawn(async move {
                let _ = sender.send(score(&running, place, tokens).await);
            });
            receiver.await.map_err(|_| GenerateError::Unloaded)?
        })
    }

    fn unload(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.running.stop();
            self.running.stopped().await;
        })
    }
}

impl Drop for MistralModel {
    fn drop(&mut self) {
        self.running.stop();
    }
}

impl MistralModel {
    /// Tokens that an answer may have.
    fn room(&self, prompt: &[TokenId], sampling: &Sampling) -> u32 {
        let prompt_tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        sampling.max_tokens.min(self.options.context_tokens.saturating_sub(prompt_tokens))
    }

    fn start(&self, prompt: Vec<TokenId>, sampling: Sampling, room: u32, events: &Events) -> Result<(), GenerateError> {
        check_prompt(&prompt, self.options)?;
        self.check_vocabulary(&prompt)?;
        let prompt_tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        if room == 0 {
            let _ = events.try_send(Ok(nothing(prompt_tokens)));
            return Ok(());
        }
        let place = self.running.place()?;
        let order = Order { sampling, prompt_tokens, room, asked: Instant::now(), events: events.clone() };
        let decoding = Decoding::new(order, Arc::clone(&self.tokenizer), self.end_tokens.clone());
        let running = Arc::clone(&self.running);
        let listener = events.clone();
        self.running.spawn(async move { answer(&running, place, prompt, Arc::new(decoding), listener).await });
        Ok(())
    }

    fn check_vocabulary(&self, tokens: &[TokenId]) -> Result<(), PromptError> {
        let unknown = tokens.iter().find(|token| **token >= self.artifact.geometry.vocabulary);
        unknown.map_or(Ok(()), |token| Err(PromptError::UnknownToken(*token)))
    }

    fn check_window(&self, tokens: &[TokenId]) -> Result<(), PromptError> {
        let context_tokens = self.options.context_tokens;
        match u32::try_from(tokens.len()).unwrap_or(u32::MAX) {
            0 => Err(PromptError::Empty),
            prompt_tokens if prompt_tokens > context_tokens => {
                Err(PromptError::ContextExceeded { prompt_tokens, context_tokens })
            }
            _ => self.check_vocabulary(tokens),
        }
    }
}

async fn answer(running: &Running, place: Place, prompt: Vec<TokenId>, decoding: Arc<Decoding>, listener: Events) {
    let turn = tokio::select! {
        turn = running.turn(place) => turn,
        () = listener.closed() => return,
    };
    drop(listener);
    let processor = Arc::clone(&decoding);
    let outcome = match turn {
        Ok(turn) => running.work(prompt, Work::Continue(processor)).await.map(|_| drop(turn)),
        Err(error) => Err(error),
    };
    decoding.fail(outcome.err().unwrap_or_else(|| GenerateError::Engine("it ended the answer by itself".to_owned())));
}

async fn score(running: &Running, place: Place, tokens: Vec<TokenId>) -> Result<Logits, GenerateError> {
    let turn = running.turn_alone(place).await?;
    let tensor = running.work(tokens, Work::Score).await?;
    drop(turn);
    let tensor = tensor.ok_or_else(|| GenerateError::Engine("it returned no logits".to_owned()))?;
    let logits = tokio::task::spawn_blocking(move || rows(&tensor)).await;
    let logits = logits.map_err(|error| GenerateError::Engine(error.to_string()))?;
    logits.map_err(|error| GenerateError::Engine(error.to_string()))
}

fn rows(tensor: &Tensor) -> candle_core::Result<Logits> {
    let vocabulary = tensor.dim(D::Minus1)?;
    let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
    Logits::new(vocabulary, values).ok_or_else(|| candle_core::Error::Msg("it returned no logits".to_owned()))
}

/// The answer when none was asked for.
fn nothing(prompt_tokens: u32) -> GenerationEvent {
    GenerationEvent::Finished {
        reason: FinishReason::Length,
        usage: Usage { prompt_tokens, completion_tokens: 0 },
        first_token: std::time::Duration::ZERO,
        total: std::time::Duration::ZERO,
    }
}
