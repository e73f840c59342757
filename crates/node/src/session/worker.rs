//! One task: encode the prompt, stream the answer, bind, commit.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cortensor_engine::{GenerateError, Generation, GenerationEvent, Model, PromptError};
use cortensor_protocol::{
    Assignment, AttemptId, CancelReason, Commit, FailureReason, FinishReason, NodeMessage, Precommit, TaskKind,
    TokenId, Usage, commitment,
};
use futures::{FutureExt, StreamExt, stream::ReadyChunks};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Breakdown, BreakdownKind, NodeEvent, NodeState};
use crate::{Identity, Ledger};

/// Most tokens sent in one message: what is ready goes out together, nothing waits for more.
const LARGEST_BATCH: usize = 32;
/// A model from which nothing comes for this long, and for another second for each token of the prompt, hangs. Nothing slower
/// would be of use to a user.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is said how far a task is: often enough to watch, and next to no work for whoever draws it.
const PROGRESS_PERIOD: Duration = Duration::from_secs(1);

/// Two ways to stop a task: commit what there is, or forget it.
#[derive(Clone, Default)]
pub(super) struct Cancellation {
    finish: CancellationToken,
    forget: CancellationToken,
}

impl Cancellation {
    pub(super) fn cancel(&self, reason: CancelReason) {
        match reason {
            CancelReason::ClientGone | CancelReason::TimeUp => self.finish.cancel(),
            CancelReason::TooLate => self.forget.cancel(),
        }
    }
}

/// A task and what it takes to do it.
pub(super) struct Worker {
    pub(super) assignment: Assignment,
    pub(super) model: Arc<dyn Model>,
    pub(super) identity: Identity,
    pub(super) outgoing: mpsc::Sender<NodeMessage>,
    pub(super) cancellation: Cancellation,
    pub(super) state: watch::Sender<NodeState>,
    pub(super) events: broadcast::Sender<NodeEvent>,
    /// Where prompt and answer are kept, for as long as the user wants that.
    pub(super) ledger: Ledger,
    pub(super) keep_prompts: Arc<AtomicBool>,
}

/// Why a task came to nothing.
enum Given {
    Up(FailureReason),
    /// It is the model's fault.
    Broken(Breakdown),
    /// The router is gone or has no use for it any more.
    Away,
}

struct Answer {
    tokens: Vec<TokenId>,
    text: String,
    told: Option<Instant>,
    finish: FinishReason,
    usage: Usage,
    first_token_ms: u32,
    total_ms: u32,
}

impl Worker {
    /// Does the task. Ends with what was committed, if it was; a panic in the model is a failed task and no more.
    pub(super) async fn run(self) -> (AttemptId, Option<Usage>) {
        let attempt = self.assignment.attempt;
        let forget = self.cancellation.forget.clone();
        let done = tokio::select! {
            done = AssertUnwindSafe(self.serve()).catch_unwind() => {
                done.unwrap_or_else(|_| Err(broken(BreakdownKind::Failed, "the engine panicked")))
            }
            () = forget.cancelled() => Err(Given::Away),
        };
        match done {
            Ok(usage) => (attempt, Some(usage)),
            Err(Given::Away) => (attempt, None),
            Err(Given::Up(reason)) => self.give_up(attempt, reason).await,
            Err(Given::Broken(breakdown)) => {
                let reason = FailureReason::Engine { message: breakdown.message.clone() };
                // Nobody needs to listen.
                let _ = self.events.send(NodeEvent::BrokeDown(breakdown));
                self.give_up(attempt, reason).await
            }
        }
    }

    async fn give_up(&self, attempt: AttemptId, reason: FailureReason) -> (AttemptId, Option<Usage>) {
        tracing::warn!(%attempt, ?reason, "the task could not be done");
        let _ = self.outgoing.send(NodeMessage::Failed { attempt, reason }).await;
        (attempt, None)
    }

    async fn serve(&self) -> Result<Usage, Given> {
        let answer = self.answer().await?;
        let usage = answer.usage;
        let text = self.commit(answer).await?;
        // The slot is free from here on; keeping a prompt must not hold it.
        self.state.send_modify(|state| state.end(self.assignment.attempt, Some(usage)));
        self.keep(&text).await;
        Ok(usage)
    }

    async fn answer(&self) -> Result<Answer, Given> {
        let started = Instant::now();
        let prompt = self.encode().await?;
        let prompt_tokens = u32::try_from(prompt.len()).unwrap_or(u32::MAX);
        let given = u32::try_from(self.assignment.continue_after.len()).unwrap_or(u32::MAX);
        let mut sampling = self.assignment.sampling.clone();
        sampling.max_tokens = sampling.max_tokens.saturating_sub(given).max(1);
        let continued = prompt.into_iter().chain(self.assignment.continue_after.iter().copied()).collect();
        let stream = self.model.generate(continued, sampling).ready_chunks(LARGEST_BATCH);
        let mut answer = Answer {
            tokens: Vec::new(),
            text: String::new(),
            told: None,
            finish: FinishReason::Cancelled,
            usage: Usage { prompt_tokens, completion_tokens: 0 },
            first_token_ms: 0,
            total_ms: 0,
        };
        self.tell(&mut answer);
        self.stream(stream, &mut answer, started).await?;
        answer.total_ms = elapsed_ms(started);
        Ok(answer)
    }

    /// Tokenizing a long prompt takes a while: off the runtime's threads.
    async fn encode(&self) -> Result<Vec<TokenId>, Given> {
        let (model, prompt) = (Arc::clone(&self.model), self.assignment.prompt.clone());
        let encoded = tokio::task::spawn_blocking(move || model.encode(&prompt)).await;
        let encoded = encoded.map_err(|error| engine(error.to_string()))?;
        encoded.map_err(|error| Given::Up(prompt_failure(error)))
    }

    async fn stream(
        &self,
        mut stream: ReadyChunks<Generation>,
        answer: &mut Answer,
        started: Instant,
    ) -> Result<(), Given> {
        let patience = PATIENCE + Duration::from_secs(answer.usage.prompt_tokens.into());
        loop {
            let chunk = tokio::select! {
                chunk = timeout(patience, stream.next()) => chunk,
                () = self.cancellation.finish.cancelled() => return Ok(()),
            };
            let hung = |_| broken(BreakdownKind::Hung, &format!("nothing came of it for {} s", patience.as_secs()));
            let Some(chunk) = chunk.map_err(hung)? else {
                return Err(broken(BreakdownKind::Failed, "the answer broke off"));
            };
            if self.take(chunk, answer, started).await? {
                return Ok(());
            }
        }
    }

    /// Passes tokens on; says whether that was the end.
    async fn take(
        &self,
        chunk: Vec<Result<GenerationEvent, GenerateError>>,
        answer: &mut Answer,
        started: Instant,
    ) -> Result<bool, Given> {
        let mut tokens = Vec::with_capacity(chunk.len());
        let mut finished = false;
        for event in chunk {
            match event.map_err(failure)? {
                GenerationEvent::Token(token) => tokens.push(token),
                GenerationEvent::Finished { reason, .. } => {
                    answer.finish = reason;
                    finished = true;
                }
            }
        }
        if !tokens.is_empty() {
            if answer.tokens.is_empty() {
                answer.first_token_ms = elapsed_ms(started);
            }
            answer.tokens.extend(tokens.iter().map(|token| token.id));
            answer.usage.completion_tokens = u32::try_from(answer.tokens.len()).unwrap_or(u32::MAX);
            if self.keeps() {
                answer.text.extend(tokens.iter().map(|token| token.text.as_str()));
            }
            self.tell(answer);
            self.say(NodeMessage::Tokens { attempt: self.assignment.attempt, tokens }).await?;
        }
        Ok(finished)
    }

    /// Says how far the task is, unless that was said a moment ago.
    fn tell(&self, answer: &mut Answer) {
        let first = answer.usage.completion_tokens <= 1;
        if first || answer.told.is_none_or(|told| told.elapsed() >= PROGRESS_PERIOD) {
            answer.told = Some(Instant::now());
            self.state.send_modify(|state| state.progress(self.assignment.attempt, answer.usage));
        }
    }

    /// Whether the user wants this task's prompt kept, now.
    fn keeps(&self) -> bool {
        self.assignment.kind == TaskKind::User && self.keep_prompts.load(Ordering::SeqCst)
    }

    /// Keeps prompt and answer on this machine, if the user wants that. A task does not fail for it.
    async fn keep(&self, answer: &str) {
        if !self.keeps() {
            return;
        }
        let (task, prompt) = (self.assignment.attempt.task, self.assignment.prompt.as_text());
        let kept = self.ledger.keep_prompt(task, &prompt, answer).await;
        // Turned off meanwhile: what was kept before is deleted already, so this one is too.
        let kept = if self.keeps() { kept } else { self.ledger.forget_prompts().await };
        if let Err(error) = kept {
            tracing::warn!(%error, "a prompt was not kept");
        }
    }

    /// Binds and commits; gives back the answer's text.
    async fn commit(&self, answer: Answer) -> Result<String, Given> {
        let Assignment { attempt, artifact, .. } = &self.assignment;
        let hash = commitment(&self.identity.address(), attempt.task, artifact, &answer.tokens);
        let signature = self.identity.sign(&hash).map_err(|error| engine(error.to_string()))?;
        self.say(NodeMessage::Precommit(Precommit { attempt: *attempt, hash, signature })).await?;
        self.say(NodeMessage::Commit(Commit {
            attempt: *attempt,
            tokens: answer.tokens,
            finish: answer.finish,
            prompt_tokens: answer.usage.prompt_tokens,
            first_token_ms: answer.first_token_ms,
            total_ms: answer.total_ms,
        }))
        .await?;
        Ok(answer.text)
    }

    async fn say(&self, message: NodeMessage) -> Result<(), Given> {
        self.outgoing.send(message).await.map_err(|_| Given::Away)
    }
}

fn engine(message: String) -> Given {
    Given::Up(FailureReason::Engine { message })
}

fn broken(kind: BreakdownKind, message: &str) -> Given {
    Given::Broken(Breakdown { kind, message: message.to_owned() })
}

fn failure(error: GenerateError) -> Given {
    match error {
        GenerateError::Prompt(error) => Given::Up(prompt_failure(error)),
        GenerateError::Unloaded => engine(error.to_string()),
        GenerateError::Engine(message) => broken(BreakdownKind::Failed, &message),
        GenerateError::OutOfMemory(message) => broken(BreakdownKind::OutOfMemory, &message),
    }
}

fn prompt_failure(error: PromptError) -> FailureReason {
    match error {
        PromptError::ContextExceeded { prompt_tokens, context_tokens } => {
            FailureReason::ContextExceeded { prompt_tokens, context_tokens }
        }
        error => FailureReason::BadPrompt { message: error.to_string() },
    }
}

fn elapsed_ms(started: Instant) -> u32 {
    u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX)
}
