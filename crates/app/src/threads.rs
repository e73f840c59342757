//! With how many threads the engine computes on the processor: tried, kept, and in force from the program's next start on.
//!
//! A number holds for a whole process, so each is tried in a process of its own, which the host starts. More threads are not always
//! faster: they wait for each other, and two on one core share its arithmetic. Of what is as fast, the fewest are taken:
//! what is left is the user's.
//!
//! **Invariant:** nothing fails for want of a trial. What cannot be tried is computed with as before.

use std::{error::Error, num::NonZeroU32, thread::available_parallelism};

use cortensor_engine::{Device, Engine, LoadOptions};
use cortensor_hardware::{Cpu, Hardware};
use cortensor_models::Artifact;
use cortensor_planner::{Choice, Measurement, Placement, Plan, TYPICAL_REQUEST, requests_per_hour};
use cortensor_protocol::{Mode, ModelId, Precision};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use ts_rs::TS;

use crate::{
    Folders, Machine, Settings, StepName, benchmark,
    files::{FileError, read_json, write_json},
    measurements::{Measure, machine_key},
    status::StatusSender,
    survey,
};

/// What differs less than that from the best is as fast: runs of one number differ by as much.
const AS_FAST: f64 = 0.95;

/// Computes with other numbers of threads than this process does.
pub trait Threads: Send + Sync {
    /// With how many this process does.
    fn in_use(&self) -> NonZeroU32;
    /// Measures with `threads`, in a process of its own. Dropping the future ends it.
    fn measure(&self, trial: Trial, threads: NonZeroU32) -> BoxFuture<'_, Result<Measurement, TrialError>>;
}

/// What is loaded to be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    artifact: Artifact,
    context_tokens: u32,
    slots: u32,
}

/// Why a number of threads was not measured.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// This program did not start once more.
    #[error("the program was not started once more to try a number of threads")]
    Start(#[source] std::io::Error),
    /// It ended without a result.
    #[error("the program that tried a number of threads ended with: {0}")]
    Ended(String),
}

/// With how many threads the engine computes, and what was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ThreadsView {
    /// Now.
    #[ts(type = "number")]
    pub in_use: NonZeroU32,
    /// From the program's next start on, if that is another number.
    #[ts(type = "number | null")]
    pub from_next_start: Option<NonZeroU32>,
    /// What was tried on this machine; nothing where there is no choice, or before.
    pub trials: Option<ThreadTrials>,
}

/// Numbers of threads and what they achieve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ThreadTrials {
    /// The model that was measured.
    pub model: ModelId,
    /// In which format.
    pub precision: Precision,
    /// The most threads first.
    pub trials: Vec<ThreadTrial>,
    /// The best: the fewest of those that are as fast as the fastest.
    #[ts(type = "number")]
    pub best: NonZeroU32,
}

/// What one number of threads achieves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ThreadTrial {
    /// The number.
    #[ts(type = "number")]
    pub threads: NonZeroU32,
    /// Prompt tokens a second.
    pub prefill_tokens_per_second: f64,
    /// Answer tokens a second, one request at a time.
    pub decode_tokens_per_second: f64,
    /// Typical requests in an hour, one after the other.
    pub requests_per_hour: Option<f64>,
    /// Share of the processor (0 to 1) that other programs took meanwhile; `None` where the system does not tell.
    pub taken_by_others: Option<f32>,
}

/// As it is kept, for one machine.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    machine: String,
    trials: ThreadTrials,
}

/// Measures `trial` with this process's threads: what the process of its own does.
pub async fn measure(engine: &dyn Engine, trial: &Trial) -> Result<Measurement, Box<dyn Error + Send + Sync>> {
    let Trial { context_tokens, slots, .. } = *trial;
    let options = LoadOptions { context_tokens, slots, device: Device::Processor };
    benchmark::measure_artifact(engine, &trial.artifact, options, &CancellationToken::new()).await
}

/// What a program that starts now is to compute with: what was best here, on no more cores than the user allows. `None`: all.
pub fn chosen(folders: &Folders) -> Option<NonZeroU32> {
    // Settings that are not understood are told of by whoever starts.
    let allowed = Settings::read(folders).ok().and_then(|settings| settings.hardware.cpu_cores);
    let best = Kept::read(folders).map(|kept| kept.trials.best);
    let all = available_parallelism().ok().and_then(|all| all.try_into().ok());
    least(best, allowed.and_then(NonZeroU32::new), all)
}

fn least(best: Option<NonZeroU32>, allowed: Option<NonZeroU32>, all: Option<NonZeroU32>) -> Option<NonZeroU32> {
    let said = [best, allowed].into_iter().flatten().min()?;
    Some(all.map_or(said, |all| said.min(all)))
}

/// Tries the numbers of threads that are worth it, if that was not done on this machine or is to be done again, and shows what holds.
/// `numbers`: these, in place of what the processor suggests.
pub(crate) async fn settle(
    machine: &Machine,
    status: &StatusSender,
    (hardware, artifacts, plan): (&Hardware, &[Artifact], &Plan),
    (what, numbers): (Measure, Option<Vec<NonZeroU32>>),
    stop: &CancellationToken,
) {
    let Some(threads) = machine.threads.as_deref() else { return };
    let key = machine_key(hardware, machine.engine.name());
    let mut kept = Kept::read(&machine.folders).filter(|kept| kept.machine == key);
    let is_known = kept.is_some() && what == Measure::Missing && numbers.is_none();
    let numbers = numbers.unwrap_or_else(|| worth_trying(&hardware.cpu));
    let mode = status.borrow().mode;
    let trial = trial(plan, mode, artifacts).filter(|_| !is_known && numbers.len() > 1);
    if let Some(trial) = trial {
        let tried = stop.run_until_cancelled(try_each(threads, status, &trial, &numbers)).await;
        kept = tried.flatten().map(|trials| Kept { machine: key, trials }).or(kept);
        if let Some(Err(error)) = kept.as_ref().map(|kept| kept.write(&machine.folders)) {
            tracing::warn!(%error, "numbers of threads are tried again at the next start");
        }
        status.send_modify(|status| survey::show_choice(status, plan));
    }
    let (in_use, from_next_start) = (threads.in_use(), chosen(&machine.folders));
    let from_next_start = from_next_start.filter(|next| *next != in_use);
    let trials = kept.map(|kept| kept.trials);
    status.send_modify(|status| status.threads = Some(ThreadsView { in_use, from_next_start, trials }));
}

/// Numbers that may be the best: every hardware thread, a thread for each core, one core left alone, half of the cores. The
/// most first; a single one where there is nothing to choose.
fn worth_trying(cpu: &Cpu) -> Vec<NonZeroU32> {
    let (all, cores) = (cpu.logical_cores, cpu.physical_cores.min(cpu.logical_cores));
    let one_alone = (cores >= 4).then(|| cores - 1);
    let half = (cores >= 8).then_some(cores / 2);
    let mut numbers: Vec<NonZeroU32> =
        [Some(all), Some(cores), one_alone, half].into_iter().flatten().filter_map(NonZeroU32::new).collect();
    numbers.dedup();
    numbers
}

/// What is served on the processor, if anything is: what the user chose, or else what serves the most.
fn trial(plan: &Plan, mode: Option<Mode>, artifacts: &[Artifact]) -> Option<Trial> {
    let choice = if mode == Some(Mode::Precision) { &plan.precision } else { &plan.volume };
    let Choice { variant, load, placement, .. } = choice;
    let artifact = artifacts.iter().find(|artifact| artifact.digest == variant.artifact)?;
    let (artifact, context_tokens, slots) = (artifact.clone(), load.context_tokens, load.slots);
    (*placement == Placement::Processor).then_some(Trial { artifact, context_tokens, slots })
}

/// Tries all, or nothing is known.
async fn try_each(
    threads: &dyn Threads,
    status: &StatusSender,
    trial: &Trial,
    numbers: &[NonZeroU32],
) -> Option<ThreadTrials> {
    let mut trials = Vec::new();
    for (done, number) in numbers.iter().enumerate() {
        let detail = format!("trying {} ({} of {})", in_words(*number), done + 1, numbers.len());
        #[expect(clippy::cast_precision_loss, reason = "a handful of numbers")]
        let progress = done as f32 / numbers.len() as f32;
        status.send_modify(|status| status.step(StepName::Plan, Some(progress), detail));
        match threads.measure(trial.clone(), *number).await {
            Ok(measured) => trials.push(ThreadTrial::of(*number, &measured)),
            Err(error) => {
                tracing::warn!(%error, threads = %number, "numbers of threads are not compared");
                return None;
            }
        }
    }
    let best = best(&trials)?;
    tracing::info!(?trials, %best, "numbers of threads were tried");
    Some(ThreadTrials { model: trial.artifact.model.clone(), precision: trial.artifact.precision, trials, best })
}

fn in_words(threads: NonZeroU32) -> String {
    if threads == NonZeroU32::MIN { "1 thread".to_owned() } else { format!("{threads} threads") }
}

/// The fewest of those that are as fast as the fastest.
fn best(trials: &[ThreadTrial]) -> Option<NonZeroU32> {
    let rate = |trial: &ThreadTrial| trial.requests_per_hour.unwrap_or_default();
    let most = trials.iter().map(rate).max_by(f64::total_cmp)?;
    trials.iter().filter(|trial| rate(trial) >= most * AS_FAST).map(|trial| trial.threads).min()
}

impl ThreadTrial {
    fn of(threads: NonZeroU32, measured: &Measurement) -> Self {
        let Measurement { prefill_tokens_per_second, decode_tokens_per_second, taken_by_others, .. } = *measured;
        let requests_per_hour = requests_per_hour(measured, TYPICAL_REQUEST);
        Self { threads, prefill_tokens_per_second, decode_tokens_per_second, requests_per_hour, taken_by_others }
    }
}

impl Kept {
    /// What cannot be read is tried again: nothing is lost but a minute.
    fn read(folders: &Folders) -> Option<Self> {
        let kept = read_json(&folders.threads());
        kept.inspect_err(|error| tracing::warn!(%error, "numbers of threads are tried again")).ok().flatten()
    }

    fn write(&self, folders: &Folders) -> Result<(), FileError> {
        write_json(&folders.threads(), self)
    }
}

#[cfg(test)]
mod tests;
