//! A short measurement of every precision, by the same path that serves.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use cortensor_engine::{Engine, GenerateError, GenerationEvent, LoadError, LoadOptions, Model};
use cortensor_models::Artifact;
use cortensor_planner::{Load, Measurement, Plan, TYPICAL_REQUEST, Variant, estimate_memory, requests_per_hour};
use cortensor_protocol::{FinishReason, ModelId, Precision, Prompt, Sampling, TokenId};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    Machine, Problem, Status, ThreadsView,
    device::taken_bytes,
    measurements::{Measure, Measurements, machine_key},
    status::StatusSender,
    survey, threads,
};

/// Tokens of the prompt that prefill is measured with.
const PREFILL_TOKENS: usize = 256;
/// Tokens that decode is measured with.
const DECODE_TOKENS: u32 = 48;

/// What a model does on this machine, one request at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Speed {
    /// Prompt tokens a second.
    prefill_tokens_per_second: f64,
    /// Answer tokens a second.
    decode_tokens_per_second: f64,
    /// From a short request to its first token.
    first_token: Duration,
}

/// What was measured of every precision that fits, and the plan that comes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The most exact first.
    pub precisions: Vec<Row>,
    /// What would be served.
    pub plan: Plan,
    /// With how many threads the engine computes on the processor.
    pub threads: Option<ThreadsView>,
}

/// What was measured of one precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The model.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// Size of the file.
    pub file_bytes: u64,
    /// Speed and memory.
    pub measurement: Measurement,
    /// Typical requests in an hour, one after the other.
    pub requests_per_hour: Option<f64>,
}

/// Measures every precision anew, then numbers of threads (`threads`, in place of what the processor suggests), and keeps the
/// results for the next start. The host watches the status and holds the folders' lock; `None` at the end means that the status
/// has a problem.
pub fn start(
    machine: Machine,
    threads: Option<Vec<NonZeroU32>>,
) -> (watch::Receiver<Status>, JoinHandle<Option<Report>>) {
    let status = StatusSender::new(Status::default());
    let shown = status.subscribe();
    let measuring = tokio::spawn(async move {
        match run(&machine, threads, &status).await {
            Ok(report) => Some(report),
            Err(problem) => {
                status.send_modify(|status| status.problem = Some(problem));
                None
            }
        }
    });
    (shown, measuring)
}

async fn run(machine: &Machine, threads: Option<Vec<NonZeroU32>>, status: &StatusSender) -> Result<Report, Problem> {
    let hardware = survey::detect(machine, status).await?;
    let artifacts = survey::artifacts(machine, status).await?;
    let stop = CancellationToken::new();
    let plan = survey::decide(machine, status, &hardware, &artifacts, Measure::All, &stop).await?;
    threads::settle(machine, status, (&hardware, &artifacts, &plan), (Measure::All, threads), &stop).await;
    let known = Measurements::read(&machine.folders);
    let measured = known.of(&machine_key(&hardware, machine.engine.name()));
    let row = |artifact: &Artifact| {
        let measurement = *measured.iter().find(|one| one.artifact == artifact.digest)?;
        let requests_per_hour = requests_per_hour(&measurement, TYPICAL_REQUEST);
        let (model, precision, file_bytes) = (artifact.model.clone(), artifact.precision, artifact.bytes);
        Some(Row { model, precision, file_bytes, measurement, requests_per_hour })
    };
    Ok(Report {
        precisions: artifacts.iter().filter_map(row).collect(),
        plan,
        threads: status.borrow().threads.clone(),
    })
}

/// Loads, measures, unloads; unloads at once when told to stop.
pub(crate) async fn measure_artifact(
    engine: &dyn Engine,
    artifact: &Artifact,
    options: LoadOptions,
    stop: &CancellationToken,
) -> Result<Measurement, Box<dyn std::error::Error + Send + Sync>> {
    let (started, before) = (Instant::now(), taken_bytes(options.device));
    let model = engine.load(artifact, options, watch::Sender::new(0.0)).await?;
    let load_seconds = started.elapsed().as_secs_f64();
    let times = cortensor_hardware::processor_times();
    let speed = stop.run_until_cancelled(measure(model.as_ref())).await;
    let taken_by_others = times.zip(cortensor_hardware::processor_times());
    let after = taken_bytes(options.device);
    model.unload().await;
    let speed = speed.ok_or("the measuring was stopped")??;
    Ok(Measurement {
        artifact: artifact.digest,
        backend: None,
        prefill_tokens_per_second: speed.prefill_tokens_per_second,
        decode_tokens_per_second: speed.decode_tokens_per_second,
        first_token_ms: speed.first_token.as_secs_f64() * 1e3,
        load_seconds,
        taken_by_others: taken_by_others.and_then(|(before, after)| after.taken_by_others_since(&before)),
        memory_bytes: after.zip(before).map_or(0, |(after, before)| after.saturating_sub(before)),
        estimated_memory_bytes: estimate_memory(&Variant::from(artifact), used(options)).total(),
    })
}

/// Whether a measurement came to nothing for want of memory.
pub(crate) fn is_out_of_memory(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let loading = error.downcast_ref().is_some_and(|error| matches!(error, LoadError::OutOfMemory { .. }));
    loading || error.downcast_ref().is_some_and(|error| matches!(error, GenerateError::OutOfMemory(_)))
}

/// What of the context and the slots a measurement uses.
fn used(options: LoadOptions) -> Load {
    let tokens = u32::try_from(PREFILL_TOKENS).unwrap_or(u32::MAX);
    Load { context_tokens: options.context_tokens.min(tokens), slots: 1 }
}

/// Measures: a warm-up, then a long prompt for prefill, then a long answer for decode.
async fn measure(model: &dyn Model) -> Result<Speed, GenerateError> {
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
