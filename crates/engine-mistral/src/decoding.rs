//! One answer, token by token, inside the engine's hook between logits and sampling.
//!
//! The engine's stream has no token ids, its log-probabilities of greedy picks are not log-probabilities, and it can
//! only be told to stop by token. So the hook does not watch the engine sample: it picks the token itself and answers
//! with logits that leave the engine no other choice. To end a sequence (the model ended it, a stop text came, the
//! limit is reached, nobody listens) it makes the engine pick an end token, in the same step and without another one.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use candle_core::{Device, Storage, Tensor};
use cortensor_engine::{GenerateError, GenerationEvent};
use cortensor_models::{TextDecoder, Tokenizer};
use cortensor_protocol::{FinishReason, Sampling, StreamedToken, TokenId, TokenLogprob, Usage};
use mistralrs::CustomLogitsProcessor;
use tokio::sync::mpsc;

use crate::{
    answer::{Answer, Shown},
    pick::{LogProbabilities, Picker},
};

/// What comes of a generation.
pub(crate) type Events = mpsc::Sender<Result<GenerationEvent, GenerateError>>;

/// What an answer is made with.
pub(crate) struct Order {
    /// How tokens are picked.
    pub(crate) sampling: Sampling,
    /// Tokens of the prompt.
    pub(crate) prompt_tokens: u32,
    /// Most tokens of the answer.
    pub(crate) room: u32,
    /// When it was asked for.
    pub(crate) asked: Instant,
    /// Where the answer goes; holds `room` events and the last one.
    pub(crate) events: Events,
}

/// Tokens that end answers.
#[derive(Clone)]
pub(crate) struct EndTokens {
    /// One that the engine ends a sequence at.
    pub(crate) engine: TokenId,
    /// All of them.
    pub(crate) all: Arc<[TokenId]>,
}

/// An answer in the making, shared by the engine's thread and the task that waits for it.
pub(crate) struct Decoding {
    state: Mutex<State>,
}

struct State {
    tokenizer: Arc<Tokenizer>,
    end_tokens: EndTokens,
    decoder: TextDecoder,
    picker: Picker,
    answer: Answer,
    top_logprobs: Option<usize>,
    prompt_tokens: u32,
    room: u32,
    picked: u32,
    shown: u32,
    asked: Instant,
    first_token: Option<Duration>,
    /// `None` once the last event was sent.
    events: Option<Events>,
}

impl Decoding {
    /// Nothing decoded yet.
    pub(crate) fn new(order: Order, tokenizer: Arc<Tokenizer>, end_tokens: EndTokens) -> Self {
        let Order { sampling, prompt_tokens, room, asked, events } = order;
        let state = State {
            decoder: tokenizer.decoder(),
            tokenizer,
            end_tokens,
            answer: Answer::new(sampling.stop.clone()),
            top_logprobs: sampling.top_logprobs.map(usize::from),
            picker: Picker::new(sampling),
            prompt_tokens,
            room,
            picked: 0,
            shown: 0,
            asked,
            first_token: None,
            events: Some(events),
        };
        Self { state: Mutex::new(state) }
    }

    /// The engine let go of the sequence: if the answer has no end yet, this is it.
    pub(crate) fn fail(&self, error: GenerateError) {
        self.state().end(Err(error));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CustomLogitsProcessor for Decoding {
    fn apply(&self, logits: &Tensor, context: &[u32]) -> candle_core::Result<Tensor> {
        let (storage, layout) = logits.storage_and_layout();
        let (Storage::Cpu(storage), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
            candle_core::bail!("logits to sample from are one row in main memory")
        };
        let row = &storage.as_slice::<f32>()?[start..end];
        let next = self.state().step(row, context.len());
        only(next, row.len())
    }
}

/// Logits that leave no choice.
fn only(token: TokenId, vocabulary: usize) -> candle_core::Result<Tensor> {
    let mut row = vec![0.0_f32; vocabulary];
    if let Some(chosen) = row.get_mut(token as usize) {
        *chosen = 1.0;
    }
    Tensor::from_vec(row, vocabulary, &Device::Cpu)
}

impl State {
    /// The token for the engine to append to a sequence of `length` tokens.
    fn step(&mut self, logits: &[f32], length: usize) -> TokenId {
        let ended = self.events.as_ref().is_none_or(mpsc::Sender::is_closed);
        if ended {
            self.events = None;
            return self.end_tokens.engine;
        }
        if length != (self.prompt_tokens + self.picked) as usize {
            return self.end(Err(GenerateError::Engine("it lost count of the answer's tokens".to_owned())));
        }
        match self.picker.pick(logits) {
            None => self.end(Err(GenerateError::Engine("the model's numbers overflowed".to_owned()))),
            Some(token) if self.end_tokens.all.contains(&token) => self.finish(FinishReason::Stop),
            Some(token) => self.append(token, logits),
        }
    }

    fn append(&mut self, id: TokenId, logits: &[f32]) -> TokenId {
        self.picked += 1;
        self.first_token.get_or_insert_with(|| self.asked.elapsed());
        let token = StreamedToken { id, text: self.decoder.push(id), logprob: self.logprob(id, logits) };
        match self.answer.push(token) {
            Shown::Stopped(tokens) => {
                self.show(tokens);
                self.end_well(FinishReason::Stop)
            }
            Shown::Tokens(tokens) => {
                self.show(tokens);
                if self.picked >= self.room { self.finish(FinishReason::Length) } else { id }
            }
        }
    }

    fn logprob(&self, id: TokenId, logits: &[f32]) -> Option<TokenLogprob> {
        let count = self.top_logprobs?;
        let all = LogProbabilities::new(logits)?;
        let text = |token| self.tokenizer.token_text(token);
        let top = all.likeliest(count).into_iter().map(|token| (token, text(token), all.of(token)));
        Some(TokenLogprob { logprob: all.of(id), top: top.collect() })
    }

    /// Shows what was held back, then the end.
    fn finish(&mut self, reason: FinishReason) -> TokenId {
        let rest = self.decoder.finish();
        let held = self.answer.finish(&rest);
        self.show(held);
        self.end_well(reason)
    }

    fn end_well(&mut self, reason: FinishReason) -> TokenId {
        let total = self.asked.elapsed();
        let usage = Usage { prompt_tokens: self.prompt_tokens, completion_tokens: self.shown };
        let first_token = self.first_token.unwrap_or(total);
        self.end(Ok(GenerationEvent::Finished { reason, usage, first_token, total }))
    }

    fn end(&mut self, last: Result<GenerationEvent, GenerateError>) -> TokenId {
        self.send(last);
        self.events = None;
        self.end_tokens.engine
    }

    fn show(&mut self, tokens: Vec<StreamedToken>) {
        for token in tokens {
            self.shown += 1;
            self.send(Ok(GenerationEvent::Token(token)));
        }
    }

    fn send(&self, event: Result<GenerationEvent, GenerateError>) {
        if let Some(events) = &self.events {
            // Full it cannot be, it has room for the longest answer; closed is seen at the next step.
            let _ = events.try_send(event);
        }
    }
}
