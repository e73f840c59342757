//! An engine whose answers are written down beforehand, for fast tests of everything around the engine.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cortensor_models::Artifact;
use cortensor_protocol::{
    FinishReason, Precision, PrecisionClass, Prompt, Sampling, StreamedToken, TokenId, TokenLogprob, Usage,
};
use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, GenerateError, Generation, GenerationEvent, LoadError, LoadOptions, Logits, Model, PromptError,
    check_prompt,
};

/// From a prompt's text to the pieces of its answer.
pub type Answer = Arc<dyn Fn(&str) -> Vec<String> + Send + Sync>;

/// From a text to the token that is likeliest behind it; `None`: the one that came last.
pub type Next = Arc<dyn Fn(&str) -> Option<TokenId> + Send + Sync>;

/// The time between two tokens of an artifact of this precision.
pub type Pace = Arc<dyn Fn(Precision) -> Duration + Send + Sync>;

/// The answer of an artifact of this precision to a prompt's text, in place of [`Script::answer`]. Its tokens are the same
/// for the same piece.
pub type AnswerOf = Arc<dyn Fn(Precision, &str) -> Option<Vec<String>> + Send + Sync>;

/// What an artifact of this precision expects behind a token: logits of some tokens; all others' are 0.
pub type Expects = Arc<dyn Fn(Precision, TokenId) -> Vec<(TokenId, f32)> + Send + Sync>;

/// What a token of this precision's vocabulary is.
pub type TokenTexts = Arc<dyn Fn(Precision, TokenId) -> String + Send + Sync>;

/// Natural logarithm of nine in ten.
const LIKELY: f32 = -0.105_360_5;

/// What a scripted engine does.
#[derive(Clone)]
pub struct Script {
    /// The answer to a prompt's text, as pieces: one token each.
    pub answer: Answer,
    /// The answers of single precisions, where they differ.
    pub answer_of: AnswerOf,
    /// What scores say.
    pub expects: Expects,
    /// The vocabularies.
    pub token_texts: TokenTexts,
    /// Time between two tokens.
    pub pace: Pace,
    /// What it holds likeliest behind a text that is scored.
    pub next: Next,
    /// Whether it tells the log-probabilities of its tokens where they are asked for: each one's is that of nine in ten.
    pub tells_top: bool,
    /// What a load says instead of loading, if anything.
    pub load_failure: Option<String>,
}

impl Script {
    /// Answers every prompt with these pieces, as fast as it can.
    pub fn saying(pieces: &[&str]) -> Self {
        let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        Self {
            answer: Arc::new(move |_| pieces.clone()),
            answer_of: Arc::new(|_, _| None),
            // Every token is expected to come again.
            expects: Arc::new(|_, before| vec![(before, 10.0)]),
            token_texts: Arc::new(|_, token| format!("<{token}>")),
            pace: Arc::new(|_| Duration::ZERO),
            next: Arc::new(|_| None),
            tells_top: false,
            load_failure: None,
        }
    }

    /// The same answers, holding this likeliest behind a text that is scored.
    #[must_use]
    pub fn expecting(mut self, next: impl Fn(&str) -> Option<TokenId> + Send + Sync + 'static) -> Self {
        self.next = Arc::new(next);
        self
    }

    /// The same answers with a pause before each token.
    #[must_use]
    pub fn paced(mut self, pace: Duration) -> Self {
        self.pace = Arc::new(move |_| pace);
        self
    }

    /// The same answers, full precision slower by as much.
    #[must_use]
    pub fn with_slower_full_precision(mut self, by: Duration) -> Self {
        let pace = self.pace;
        self.pace = Arc::new(move |precision| match precision.class() {
            PrecisionClass::Full => pace(precision) + by,
            PrecisionClass::Quantized => pace(precision),
        });
        self
    }
}

/// The engine. Its tokens are bytes for prompts and, if nothing else is said, positions in the answer for answers.
pub struct ScriptedEngine {
    script: Script,
    load_failure: Mutex<Option<String>>,
    memory: Mutex<Option<u64>>,
    failures: Failures,
    loaded: Arc<AtomicU32>,
}

/// How the next answers fail, one after the other.
type Failures = Arc<Mutex<VecDeque<GenerateError>>>;

impl ScriptedEngine {
    /// An engine that follows `script`.
    pub fn new(script: Script) -> Self {
        let load_failure = Mutex::new(script.load_failure.clone());
        Self { script, load_failure, memory: Mutex::default(), failures: Failures::default(), loaded: Arc::default() }
    }

    /// From now on every load says this instead of loading.
    pub fn fails_to_load(&self, message: &str) {
        *self.load_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.to_owned());
    }

    /// From now on every load of more tokens than this, of all slots together, runs out of memory.
    pub fn has_memory_for(&self, tokens: u64) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(tokens);
    }

    /// The next answer that is asked of any of its models fails like this. Several times: the next ones.
    pub fn fails_to_answer(&self, error: GenerateError) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push_back(error);
    }

    fn load_failure(&self) -> Option<String> {
        self.load_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn check_memory(&self, artifact: &Artifact, options: LoadOptions) -> Result<(), LoadError> {
        let wanted = u64::from(options.context_tokens) * u64::from(options.slots);
        let memory = *self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.is_none_or(|memory| wanted <= memory) {
            return Ok(());
        }
        let message = format!("no memory for {wanted} tokens");
        Err(LoadError::OutOfMemory { artifact: artifact.precision.to_string(), options, message })
    }

    /// Models loaded and not unloaded.
    pub fn loaded(&self) -> u32 {
        self.loaded.load(Ordering::SeqCst)
    }
}

impl Engine for ScriptedEngine {
    fn name(&self) -> &'static str {
        "scripted 1"
    }

    fn load<'a>(
        &'a self,
        artifact: &'a Artifact,
        options: LoadOptions,
        progress: watch::Sender<f32>,
    ) -> BoxFuture<'a, Result<Arc<dyn Model>, LoadError>> {
        async move {
            if let Some(message) = self.load_failure() {
                return Err(LoadError::Engine { artifact: artifact.precision.to_string(), message });
            }
            self.check_memory(artifact, options)?;
            progress.send_replace(1.0);
            self.loaded.fetch_add(1, Ordering::SeqCst);
            let model = ScriptedModel {
                artifact: artifact.clone(),
                options,
                script: self.script.clone(),
                slots: Arc::new(Semaphore::new(options.slots as usize)),
                unloaded: CancellationToken::new(),
                failures: Arc::clone(&self.failures),
                loaded: Arc::clone(&self.loaded),
            };
            Ok(Arc::new(model) as Arc<dyn Model>)
        }
        .boxed()
    }
}

struct ScriptedModel {
    artifact: Artifact,
    options: LoadOptions,
    script: Script,
    slots: Arc<Semaphore>,
    unloaded: CancellationToken,
    failures: Failures,
    loaded: Arc<AtomicU32>,
}

impl Model for ScriptedModel {
    fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    fn options(&self) -> LoadOptions {
        self.options
    }

    fn encode(&self, prompt: &Prompt) -> Result<Vec<TokenId>, PromptError> {
        let text = match prompt {
            Prompt::Chat { messages } => {
                messages.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n")
            }
            Prompt::Text { text } => text.clone(),
            Prompt::Tokens { ids } => return Ok(ids.clone()),
        };
        Ok(text.bytes().map(TokenId::from).collect())
    }

    fn token_text(&self, token: TokenId) -> String {
        (self.script.token_texts)(self.artifact.precision, token)
    }

    fn generate(&self, prompt: Vec<TokenId>, sampling: Sampling) -> Generation {
        let (sender, receiver) = mpsc::channel(8);
        let failure = || self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let checked = check_prompt(&prompt, self.options).map_err(GenerateError::from);
        if let Err(error) = checked.and_then(|()| failure().map_or(Ok(()), Err)) {
            let _ = sender.try_send(Err(error));
            return Box::pin(ReceiverStream::new(receiver));
        }
        let run = Run {
            precision: self.artifact.precision,
            pace: (self.script.pace)(self.artifact.precision),
            script: self.script.clone(),
            slots: Arc::clone(&self.slots),
            room: self.options.context_tokens - u32::try_from(prompt.len()).unwrap_or_default(),
        };
        let unloaded = self.unloaded.clone();
        tokio::spawn(async move {
            let closed = sender.clone();
            tokio::select! {
                () = run.answer(prompt, sampling, &sender) => {}
                () = closed.closed() => {}
                () = unloaded.cancelled() => { let _ = closed.send(Err(GenerateError::Unloaded)).await; }
            }
        });
        Box::pin(ReceiverStream::new(receiver))
    }

    fn score(&self, tokens: Vec<TokenId>) -> BoxFuture<'_, Result<Logits, GenerateError>> {
        let vocabulary = self.artifact.geometry.vocabulary as usize;
        let mut values = vec![0.0; tokens.len() * vocabulary];
        let next = (self.script.next)(&text(&tokens));
        let last = tokens.len().saturating_sub(1);
        for (at, (row, before)) in values.chunks_exact_mut(vocabulary.max(1)).zip(&tokens).enumerate() {
            let before = before.checked_rem(self.artifact.geometry.vocabulary).unwrap_or_default();
            let told = next.filter(|_| at == last).map(|token| vec![(token, 10.0)]);
            for (token, logit) in told.unwrap_or_else(|| (self.script.expects)(self.artifact.precision, before)) {
                if let Some(value) = row.get_mut(token as usize) {
                    *value = logit;
                }
            }
        }
        let logits = Logits::new(vocabulary, values).ok_or_else(|| GenerateError::Engine("no vocabulary".into()));
        async move { logits }.boxed()
    }

    fn unload(&self) -> BoxFuture<'_, ()> {
        if !self.unloaded.is_cancelled() {
            self.unloaded.cancel();
            self.loaded.fetch_sub(1, Ordering::SeqCst);
        }
        async {}.boxed()
    }
}

/// Tokens of a prompt are bytes.
fn text(tokens: &[TokenId]) -> String {
    let bytes: Vec<u8> = tokens.iter().map(|token| u8::try_from(*token).unwrap_or(b'?')).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The same for the same text, and within the vocabularies of models that tests use.
fn id_of(text: &str) -> TokenId {
    text.bytes().fold(0, |id: TokenId, byte| (id * 31 + TokenId::from(byte)) % 32_000)
}

struct Run {
    script: Script,
    precision: Precision,
    pace: Duration,
    slots: Arc<Semaphore>,
    room: u32,
}

impl Run {
    async fn answer(
        self,
        prompt: Vec<TokenId>,
        sampling: Sampling,
        sender: &mpsc::Sender<Result<GenerationEvent, GenerateError>>,
    ) {
        let started = Instant::now();
        let Ok(_slot) = self.slots.acquire().await else { return };
        let text = text(&prompt);
        let own = (self.script.answer_of)(self.precision, &text);
        let own_ids = own.is_some();
        let pieces = own.unwrap_or_else(|| (self.script.answer)(&text));
        let room = sampling.max_tokens.min(self.room) as usize;
        let mut first_token = None;
        for (id, text) in (0..).zip(pieces.iter().take(room)) {
            if !self.pace.is_zero() {
                tokio::time::sleep(self.pace).await;
            }
            first_token.get_or_insert_with(|| started.elapsed());
            let id = if own_ids { id_of(text) } else { id };
            let told = sampling.top_logprobs.filter(|_| self.script.tells_top);
            let logprob = told.map(|_| TokenLogprob { logprob: LIKELY, top: vec![(id, text.clone(), LIKELY)] });
            let token = StreamedToken { id, text: text.clone(), logprob };
            if sender.send(Ok(GenerationEvent::Token(token))).await.is_err() {
                return;
            }
        }
        let total = started.elapsed();
        let finished = GenerationEvent::Finished {
            reason: if pieces.len() > room { FinishReason::Length } else { FinishReason::Stop },
            usage: Usage {
                prompt_tokens: u32::try_from(prompt.len()).unwrap_or(u32::MAX),
                completion_tokens: u32::try_from(pieces.len().min(room)).unwrap_or(u32::MAX),
            },
            first_token: first_token.unwrap_or(total),
            total,
        };
        let _ = sender.send(Ok(finished)).await;
    }
}
