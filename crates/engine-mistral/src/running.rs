//! A running engine: who may use it, what is in it, and how it ends.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use candle_core::Tensor;
use cortensor_engine::GenerateError;
use cortensor_protocol::TokenId;
use mistralrs::{
    Constraint, CustomLogitsProcessor, MistralRs, NormalRequest, Request, RequestMessage, Response, ResponseOk,
    SamplingParams, core::ResponseErr,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Requests that may wait for their turn.
const WAITING: usize = 64;

/// How long and how often we look whether a thread that panicked has ended, so that it can be started anew.
const ENDING: (u32, Duration) = (200, Duration::from_millis(10));

/// The engine, with as many sequences in it at a time as it has slots. What is scored is alone in it.
pub(crate) struct Running {
    engine: Mutex<Option<Arc<MistralRs>>>,
    slots: u32,
    turn: Arc<Semaphore>,
    places: Arc<Semaphore>,
    stopping: CancellationToken,
    gone: CancellationToken,
    tasks: TaskTracker,
}

/// A place among those who wait for their turn.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// The engine, for as long as a sequence is in it.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// A sequence for the engine.
pub(crate) enum Work {
    /// To be continued; the processor decides how and how long.
    Continue(Arc<dyn CustomLogitsProcessor>),
    /// To be scored. The engine panics if it meets one of these together with one of the others.
    Score,
}

impl Running {
    /// `gone` is cancelled by the engine's end.
    pub(crate) fn new(engine: Arc<MistralRs>, slots: u32, gone: CancellationToken) -> Self {
        Self {
            engine: Mutex::new(Some(engine)),
            slots,
            turn: Arc::new(Semaphore::new(slots as usize)),
            places: Arc::new(Semaphore::new(WAITING)),
            stopping: CancellationToken::new(),
            gone,
            tasks: TaskTracker::new(),
        }
    }

    /// A place to wait at, if there is one left.
    pub(crate) fn place(&self) -> Result<Place, GenerateError> {
        if self.stopping.is_cancelled() {
            return Err(GenerateError::Unloaded);
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let full = |_| GenerateError::Engine("too many requests wait for it already".to_owned());
        place.map(|permit| Place { _permit: permit }).map_err(full)
    }

    /// Waits for a slot; first come, first served.
    pub(crate) async fn turn(&self, place: Place) -> Result<Turn, GenerateError> {
        self.turns(place, 1).await
    }

    /// Waits until nothing else runs, and keeps everything else waiting.
    pub(crate) async fn turn_alone(&self, place: Place) -> Result<Turn, GenerateError> {
        self.turns(place, self.slots).await
    }

    async fn turns(&self, place: Place, slots: u32) -> Result<Turn, GenerateError> {
        let permit = tokio::select! {
            permit = Arc::clone(&self.turn).acquire_many_owned(slots) => permit.map_err(|_| GenerateError::Unloaded),
            () = self.stopping.cancelled() => Err(GenerateError::Unloaded),
        };
        drop(place);
        permit.map(|permit| Turn { _permit: permit })
    }

    /// Has the engine work on a sequence and waits until it let go of it. Scores come back as a tensor.
    ///
    /// The channel of responses is kept open and read to its end: the engine fails every sequence of a batch when one
    /// of them cannot respond.
    pub(crate) async fn work(&self, tokens: Vec<TokenId>, work: Work) -> Result<Option<Tensor>, GenerateError> {
        let (responses, mut inbox) = mpsc::channel(8);
        let request = Request::Normal(Box::new(request(tokens, work, responses)));
        self.sender().await?.send(request).await.map_err(|_| self.ended())?;
        let mut outcome = Err(self.ended());
        while let Some(response) = inbox.recv().await {
            outcome = read(response);
        }
        if self.stopping.is_cancelled() { outcome.map_err(|_| GenerateError::Unloaded) } else { outcome }
    }

    /// Runs `task` to its end, at the latest by [`Running::stop`].
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Tells the engine to end; what runs ends with [`GenerateError::Unloaded`].
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        // The last reference tells the engine's thread to end and forgets the model.
        drop(self.engine.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Waits for the engine's end after [`Running::stop`].
    pub(crate) async fn stopped(&self) {
        self.gone.cancelled().await;
        self.tasks.wait().await;
    }

    /// Starts the engine's thread anew if it died.
    async fn sender(&self) -> Result<mpsc::Sender<Request>, GenerateError> {
        let (times, pause) = ENDING;
        for _ in 0..times {
            let sender = self.current_sender()?;
            if !sender.is_closed() {
                return Ok(sender);
            }
            tokio::time::sleep(pause).await;
        }
        Err(self.ended())
    }

    fn current_sender(&self) -> Result<mpsc::Sender<Request>, GenerateError> {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = engine.as_ref().ok_or(GenerateError::Unloaded)?;
        engine.get_sender(None).map_err(|error| GenerateError::Engine(error.to_string()))
    }

    fn ended(&self) -> GenerateError {
        if self.stopping.is_cancelled() {
            GenerateError::Unloaded
        } else {
            GenerateError::Engine("its thread ended; the next request starts it anew".to_owned())
        }
    }
}

fn request(tokens: Vec<TokenId>, work: Work, response: mpsc::Sender<Response>) -> NormalRequest {
    let (processors, return_raw_logits) = match work {
        Work::Continue(processor) => (Some(vec![processor]), false),
        Work::Score => (None, true),
    };
    // A temperature of zero makes the engine take the likeliest token: the one the processor left it. No `None` here,
    // which means one.
    let sampling_params = SamplingParams { temperature: Some(0.0), ..SamplingParams::neutral() };
    NormalRequest {
        logits_processors: processors,
        return_raw_logits,
        constraint: Constraint::None,
        ..NormalRequest::new_simple(RequestMessage::CompletionTokens(tokens), sampling_params, response, 0, None, None)
    }
}

fn read(response: Response) -> Result<Option<Tensor>, GenerateError> {
    match response.as_result() {
        Ok(ResponseOk::Raw { logits_chunks, .. }) => Ok(logits_chunks.into_iter().next()),
        Ok(_) => Ok(None),
        Err(error) => Err(failure(match *error {
            ResponseErr::InternalError(error) | ResponseErr::ValidationError(error) => error.to_string(),
            ResponseErr::ModelError(message, _) | ResponseErr::CompletionModelError(message, _) => message,
        })),
    }
}

fn failure(message: String) -> GenerateError {
    if is_out_of_memory(&message) { GenerateError::OutOfMemory(message) } else { GenerateError::Engine(message) }
}

/// The engine tells what went wrong in words only; drivers and allocators all say this one.
pub(crate) fn is_out_of_memory(message: &str) -> bool {
    message.to_lowercase().replace('_', " ").contains("out of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_for_want_of_memory_is_told_from_others() {
        for (message, of_memory) in [
            ("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", true),
            ("Out of memory: allocation of 4096 bytes failed", true),
            ("shape mismatch in matmul", false),
        ] {
            let failed = failure(message.to_owned());
            assert_eq!(matches!(failed, GenerateError::OutOfMemory(_)), of_memory, "{message}");
            assert!(failed.to_string().contains(message));
        }
    }
}
