//! Numbers of threads: each tried in a process of its own, and the best of them held by a program that starts.
//!
//! The other process is this program once more. It is told by the environment what to measure, does that instead of anything
//! else, and writes the result to its standard output.

use std::{
    env,
    num::NonZeroU32,
    process::{ExitCode, Stdio},
};

use cortensor_app::{
    Folders,
    threads::{self, Threads, Trial, TrialError},
};
use cortensor_engine_mistral::THREADS;
use cortensor_planner::Measurement;
use futures::future::BoxFuture;
use tokio::process::Command;

use crate::engine;

/// What to measure, in JSON.
const TRIAL: &str = "CORTENSOR_THREAD_TRIAL";

/// Measures in processes of their own, with the engine that this program is built with.
pub struct OwnProcess;

impl Threads for OwnProcess {
    fn in_use(&self) -> NonZeroU32 {
        cortensor_engine_mistral::threads()
    }

    fn measure(&self, trial: Trial, threads: NonZeroU32) -> BoxFuture<'_, Result<Measurement, TrialError>> {
        Box::pin(elsewhere(trial, threads))
    }
}

async fn elsewhere(trial: Trial, threads: NonZeroU32) -> Result<Measurement, TrialError> {
    let trial = serde_json::to_string(&trial).map_err(|error| TrialError::Start(error.into()))?;
    let mut program = Command::new(env::current_exe().map_err(TrialError::Start)?);
    program.env(TRIAL, trial).env(THREADS, threads.to_string()).stdin(Stdio::null()).kill_on_drop(true);
    let ended = program.output().await.map_err(TrialError::Start)?;
    let result = serde_json::from_slice(&ended.stdout);
    result.map_err(|error| {
        let said = String::from_utf8_lossy(&ended.stderr);
        let last = said.lines().last().map_or_else(|| error.to_string(), str::to_owned);
        TrialError::Ended(format!("{last} ({})", ended.status))
    })
}

/// Measures, if this process was started for that: then it is to end with this. The first thing that a program does.
pub fn instead() -> Option<ExitCode> {
    let trial = env::var(TRIAL).ok()?;
    Some(match measured(&trial) {
        Ok(measurement) => {
            println!("{measurement}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    })
}

fn measured(trial: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let trial = serde_json::from_str(trial)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let measurement = runtime.block_on(threads::measure(engine().as_ref(), &trial))?;
    Ok(serde_json::to_string(&measurement)?)
}

/// Has this program compute with as many threads as were found best on this machine, and on no more cores than the user allows.
///
/// # Safety
///
/// No other thread of the process runs yet: it changes the environment.
pub unsafe fn hold(folders: &Folders) {
    if let Some(threads) = threads::chosen(folders) {
        // SAFETY: that is what the caller promises.
        unsafe { cortensor_engine_mistral::compute_with(threads) };
    }
}
