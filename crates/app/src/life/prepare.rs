//! From a folder to a plan: hardware, identity, model files, benchmark, precision.

use std::sync::Arc;

use cortensor_engine::{Engine, LoadOptions};
use cortensor_hardware::Hardware;
use cortensor_models::{
    Artifact,
    ladder::{LadderProgress, LadderStep, prepare_ladder},
    starter,
};
use cortensor_node::{Identity, Ledger};
use cortensor_planner::{Measurement, Plan, PlanSettings, Variant};
use tokio::{
    sync::watch,
    task::{JoinError, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use super::{Ready, problem};
use crate::{
    AppConfig, ModeView, Problem, ProblemCode, Status, StepName, benchmark,
    measurements::{Measurements, machine_key},
};

type StatusSender = watch::Sender<Status>;

/// Prepares everything up to the first load. Dropping it gives it up; the next start takes it up again.
pub(super) async fn prepare(config: &AppConfig, status: &StatusSender) -> Result<Ready, Problem> {
    let hardware = detect(config, status).await?;
    let identity = identify(config, status).await?;
    let ledger = Ledger::open(&config.folders.ledger()).await;
    let ledger = ledger.map_err(|error| problem(ProblemCode::Files, &error))?;
    let artifacts = ladder(config, status).await?;
    let plan = decide(config, status, &hardware, &artifacts).await?;
    Ok(Ready { hardware, artifacts, plan, identity, ledger })
}

async fn detect(config: &AppConfig, status: &StatusSender) -> Result<Hardware, Problem> {
    status.send_modify(|status| status.step(StepName::Hardware, None, "looking"));
    let (folder, overrides) = (config.folders.data().to_owned(), config.settings.hardware.clone());
    let hardware = spawn_blocking(move || cortensor_hardware::detect(&folder, &overrides)).await;
    let hardware = hardware.map_err(|error| problem(ProblemCode::Engine, &error))?;
    status.send_modify(|status| {
        status.done(StepName::Hardware, hardware.summary_lines().join("; "));
        status.hardware = Some(hardware.clone());
    });
    Ok(hardware)
}

async fn identify(config: &AppConfig, status: &StatusSender) -> Result<Identity, Problem> {
    status.send_modify(|status| status.step(StepName::Identity, None, "opening the node's key"));
    let (folder, ask) = (config.folders.data().to_owned(), Arc::clone(&config.passphrase));
    let identity = spawn_blocking(move || Identity::open(&folder, &|new| ask(new))).await;
    let identity = identity.map_err(|error| problem(ProblemCode::Identity, &error))?;
    let identity = identity.map_err(|error| problem(ProblemCode::Identity, &error))?;
    let kept = match identity.place() {
        cortensor_node::KeyPlace::Keychain => "key in the system keychain",
        cortensor_node::KeyPlace::Keystore => "key in an encrypted file, since no keychain runs here",
    };
    status.send_modify(|status| {
        status.done(StepName::Identity, format!("{}, {kept}", identity.address()));
        status.address = Some(identity.address());
    });
    Ok(identity)
}

/// Makes or checks the precision ladder. A dropped future stops the work at the next step; finished files stay.
async fn ladder(config: &AppConfig, status: &StatusSender) -> Result<Vec<Artifact>, Problem> {
    status.send_modify(|status| status.step(StepName::Model, Some(0.0), "checking the model files"));
    let model = starter();
    let (source, folder) = (config.starter_model.clone(), config.folders.ladder(model.model.as_str()));
    let (shown, cancelled) = (status.clone(), CancellationToken::new());
    let guard = cancelled.clone().drop_guard();
    let prepared = spawn_blocking(move || {
        let mut show = |progress: LadderProgress| {
            shown.send_modify(|status| status.step(StepName::Model, Some(progress.done), words(progress.step)));
        };
        prepare_ladder(&source, &folder, &model, &mut show, &|| cancelled.is_cancelled())
    });
    let artifacts = flatten(prepared.await)?;
    drop(guard);
    let found: Vec<String> = artifacts.iter().map(|artifact| artifact.precision.to_string()).collect();
    let name = artifacts.first().map(|artifact| artifact.model.to_string()).unwrap_or_default();
    status.send_modify(|status| status.done(StepName::Model, format!("{name}: {}", found.join(", "))));
    Ok(artifacts)
}

fn words(step: LadderStep) -> String {
    match step {
        LadderStep::Waiting => "waiting for another program that works on the model files".to_owned(),
        LadderStep::Checking => "checking the model files".to_owned(),
        LadderStep::Tokenizer => "writing the tokenizer".to_owned(),
        LadderStep::Repairing(precision) => format!("{precision} was damaged and is made anew"),
        LadderStep::Deriving(precision) => format!("making {precision}"),
        LadderStep::Writing(precision) => format!("writing {precision}"),
    }
}

fn flatten<E: std::error::Error>(
    joined: Result<Result<Vec<Artifact>, E>, JoinError>,
) -> Result<Vec<Artifact>, Problem> {
    let result = joined.map_err(|error| problem(ProblemCode::Model, &error))?;
    result.map_err(|error| problem(ProblemCode::Model, &error))
}

/// Measures what was not measured yet, then plans.
async fn decide(
    config: &AppConfig,
    status: &StatusSender,
    hardware: &Hardware,
    artifacts: &[Artifact],
) -> Result<Plan, Problem> {
    let variants: Vec<Variant> = artifacts.iter().map(Variant::from).collect();
    let settings = PlanSettings {
        memory_budget_bytes: config.settings.memory_budget_bytes,
        context_tokens: config.settings.context_tokens,
        slots: config.settings.slots,
        ..PlanSettings::default()
    };
    let machine = machine_key(hardware, config.engine.name());
    let mut known = Measurements::read(&config.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
    let missing = cortensor_planner::unmeasured(hardware, &variants, known.of(&machine), &settings);
    for (index, variant) in missing.iter().enumerate() {
        let Some(artifact) = artifacts.iter().find(|artifact| artifact.digest == variant.artifact) else { continue };
        let detail = format!("measuring {} ({} of {})", variant.precision, index + 1, missing.len());
        #[expect(clippy::cast_precision_loss, reason = "a handful of variants")]
        let progress = index as f32 / missing.len() as f32;
        status.send_modify(|status| status.step(StepName::Benchmark, Some(progress), detail));
        let options = cortensor_planner::load_options(variant, &settings);
        let options = LoadOptions { context_tokens: options.context_tokens, slots: options.slots };
        known.add(&machine, measure(config.engine.as_ref(), artifact, variant, options).await?);
        known.write(&config.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
    }
    let plan = cortensor_planner::plan(hardware, &variants, known.of(&machine), &settings);
    let plan = plan.map_err(|error| problem(ProblemCode::Plan, &error))?;
    status.send_modify(|status| show(status, &plan, known.of(&machine)));
    Ok(plan)
}

fn show(status: &mut Status, plan: &Plan, measurements: &[Measurement]) {
    let speeds: Vec<String> = measurements
        .iter()
        .map(|one| {
            format!("prefill {:.0}, decode {:.1} tokens/s", one.prefill_tokens_per_second, one.decode_tokens_per_second)
        })
        .collect();
    status.done(StepName::Benchmark, speeds.join("; "));
    let choice = if status.mode == Some(plan.precision.mode) { &plan.precision } else { &plan.volume };
    status.done(
        StepName::Plan,
        format!("{} for {}: {}", choice.variant.precision, choice.mode, choice.reasons.join(" ")),
    );
    status.modes = [&plan.precision, &plan.volume]
        .map(|choice| ModeView {
            mode: choice.mode,
            precision: choice.variant.precision,
            predicted_requests_per_hour: choice.predicted_requests_per_hour,
            measured_requests_per_hour: None,
            work: cortensor_node::Work::default(),
        })
        .into();
    status.plan = Some(plan.clone());
}

async fn measure(
    engine: &dyn Engine,
    artifact: &Artifact,
    variant: &Variant,
    options: LoadOptions,
) -> Result<Measurement, Problem> {
    let before = cortensor_hardware::process_memory_bytes();
    let loaded = engine.load(artifact, options, watch::Sender::new(0.0)).await;
    let model = loaded.map_err(|error| problem(ProblemCode::Engine, &error))?;
    let speed = benchmark::measure(model.as_ref()).await;
    let after = cortensor_hardware::process_memory_bytes();
    model.unload().await;
    let speed = speed.map_err(|error| problem(ProblemCode::Engine, &error))?;
    let first_token_ms = speed.first_token.as_secs_f64() * 1e3;
    Ok(Measurement {
        artifact: artifact.digest,
        prefill_tokens_per_second: speed.prefill_tokens_per_second,
        decode_tokens_per_second: speed.decode_tokens_per_second,
        first_token_ms,
        memory_bytes: after.zip(before).map_or(0, |(after, before)| after.saturating_sub(before)),
        estimated_memory_bytes: cortensor_planner::estimate_memory(variant, options.context_tokens, options.slots)
            .total(),
    })
}
