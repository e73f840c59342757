//! What this machine can serve: its hardware, its model files, how fast each precision is, and the plan.

use std::{error::Error, path::Path};

use cortensor_engine::LoadOptions;
use cortensor_hardware::{Build, Hardware};
use cortensor_models::{
    Artifact,
    inventory::Inventory,
    ladder::{LadderProgress, LadderStep, prepare_ladder},
    manifest::ManifestStore,
    starter,
};
use cortensor_node::Work;
use cortensor_planner::{Measurement, MemoryLimit, Plan, PlanError, PlanSettings, Unmeasured, Variant};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    Machine, Measured, ModeView, Problem, ProblemCode, Settings, Status, StepName, benchmark,
    device::{device, try_cards},
    files::FileError,
    lab,
    measurements::{Measure, Measurements, machine_key},
    memory_limits::MemoryLimits,
    status::{StatusSender, problem},
};

pub(crate) async fn detect(machine: &Machine, status: &StatusSender) -> Result<Hardware, Problem> {
    status.send_modify(|status| status.step(StepName::Hardware, None, "looking"));
    let (folder, overrides) = (machine.folders.data().to_owned(), machine.settings.hardware.clone());
    let (folders, engine) = (machine.folders.clone(), machine.engine.name().to_owned());
    let hardware = spawn_blocking(move || {
        let mut hardware = cortensor_hardware::detect(&folder, &overrides);
        // What was measured of a model says more than this could.
        if Measurements::read(&folders).of(&machine_key(&hardware, &engine)).is_empty() {
            hardware.cpu.memory_bandwidth = cortensor_hardware::memory_bandwidth(hardware.cpu.physical_cores);
        }
        hardware
    });
    let mut hardware = hardware.await.map_err(|error| problem(ProblemCode::Engine, &error))?;
    try_cards(machine.engine.as_ref(), &mut hardware).await;
    status.send_modify(|status| {
        status.done(StepName::Hardware, hardware.summary_lines().join("; "));
        status.hardware = Some(hardware.clone());
    });
    Ok(hardware)
}

/// Makes or checks the precision ladder. A dropped future stops the work at the next step; finished files stay.
pub(crate) async fn ladder(machine: &Machine, status: &StatusSender) -> Result<Vec<Artifact>, Problem> {
    status.send_modify(|status| status.step(StepName::Model, Some(0.0), "checking the model files"));
    let model = starter();
    let (source, folder) = (machine.starter_model.clone(), machine.folders.ladder(model.model.as_str()));
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
    // The download is quantized already: what is made from it is exact to the file, not to what was trained.
    let detail = format!(
        "{name}: {}, made from {}; full precision means that file's, unpacked",
        found.join(", "),
        starter().file_name
    );
    status.send_modify(|status| status.done(StepName::Model, detail));
    Ok(artifacts)
}

/// The ladder, and the other models here that the network has a name for. What of them cannot be used is left out: there is
/// always the ladder to serve with.
pub(crate) async fn artifacts(machine: &Machine, status: &StatusSender) -> Result<Vec<Artifact>, Problem> {
    let mut artifacts = ladder(machine, status).await?;
    let (folder, known) = (machine.folders.models(), artifacts.clone());
    let more = spawn_blocking(move || listed_here(&folder, &known)).await;
    match more.map_err(|error| error.to_string()).and_then(|more| more.map_err(|error| error.to_string())) {
        Ok(more) => artifacts.extend(more),
        Err(error) => {
            tracing::warn!(%error, "the models that are here cannot be told; only the starter model is served");
        }
    }
    Ok(artifacts)
}

fn listed_here(folder: &Path, known: &[Artifact]) -> Result<Vec<Artifact>, Box<dyn Error + Send + Sync>> {
    let inventory = Inventory::at(folder);
    let list = ManifestStore::open(folder)?.current()?.manifest;
    let mut found = Vec::new();
    for held in inventory.held()? {
        // The starter model is served as its ladder, not as the download that is made of.
        if known.iter().any(|one| one.model == held.id) || list.model(&held.id).is_err() {
            continue;
        }
        match inventory.artifact(&held) {
            Ok(artifact) => found.push(artifact),
            Err(error) => tracing::warn!(model = %held.id, format = %held.format, %error, "a model is not served"),
        }
    }
    Ok(found)
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

/// Measures what is to be measured, keeping each result at once, then plans. To end it early, cancel `stop` and wait: the
/// model that is being measured is unloaded first.
pub(crate) async fn decide(
    machine: &Machine,
    status: &StatusSender,
    hardware: &Hardware,
    artifacts: &[Artifact],
    measure: Measure,
    stop: &CancellationToken,
) -> Result<Plan, Problem> {
    let variants: Vec<Variant> = artifacts.iter().map(Variant::from).collect();
    let mut limits = MemoryLimits::read(machine, hardware);
    let settings = PlanSettings { limits: limits.all(), ..plan_settings(&machine.settings) };
    let key = machine_key(hardware, machine.engine.name());
    let mut known = Measurements::read(&machine.folders);
    if let Some(threads) = &machine.threads
        && known.hold_for(&key, threads.in_use())
    {
        known.write(&machine.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
    }
    if measure == Measure::All {
        known.forget(&key);
    }
    let missing = cortensor_planner::unmeasured(hardware, &variants, known.of(&key), &settings);
    for (index, Unmeasured { variant, load, placement }) in missing.iter().enumerate() {
        let Some(artifact) = artifacts.iter().find(|artifact| artifact.digest == variant.artifact) else { continue };
        let detail = format!("measuring {} {} ({} of {})", variant.model, variant.precision, index + 1, missing.len());
        #[expect(clippy::cast_precision_loss, reason = "a handful of variants")]
        let progress = index as f32 / missing.len() as f32;
        status.send_modify(|status| status.step(StepName::Benchmark, Some(progress), detail));
        let options = LoadOptions { context_tokens: load.context_tokens, slots: load.slots, device: device(placement) };
        let measured = benchmark::measure_artifact(machine.engine.as_ref(), artifact, options, stop).await;
        match measured {
            Ok(measured) => {
                known.add(&key, Measurement { backend: placement.backend(), ..measured });
                known.write(&machine.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
            }
            // A measurement is a short request: less context would not help.
            Err(error) if benchmark::is_out_of_memory(error.as_ref()) => {
                tracing::warn!(precision = %variant.precision, %error, "it ran out of memory when it was measured");
                limits.add(MemoryLimit {
                    most: None,
                    ..MemoryLimit::after(variant.artifact, placement.backend(), *load)
                });
                limits.write(&machine.folders).map_err(|error| problem(ProblemCode::Files, &error))?;
            }
            Err(error) => return Err(problem(ProblemCode::Engine, error.as_ref())),
        }
    }
    let plan = plan(machine, status, hardware, artifacts, limits.all());
    if let Err(PlanError::RanOutOfMemory { .. }) = plan {
        forget_limits(machine, hardware).map_err(|error| problem(ProblemCode::Files, &error))?;
    }
    let plan = plan.map_err(|error| problem(ProblemCode::Plan, &error))?;
    let losses = lab::losses(&machine.folders, machine.engine.name()).await;
    status.send_modify(|status| status.show_losses(&losses));
    Ok(plan)
}

/// Plans with what is known already and with what ran out of memory, and shows it.
pub(crate) fn plan(
    machine: &Machine,
    status: &StatusSender,
    hardware: &Hardware,
    artifacts: &[Artifact],
    limits: Vec<MemoryLimit>,
) -> Result<Plan, PlanError> {
    let variants: Vec<Variant> = artifacts.iter().map(Variant::from).collect();
    let known = Measurements::read(&machine.folders);
    let measured = known.of(&machine_key(hardware, machine.engine.name()));
    let settings = PlanSettings { limits, ..plan_settings(&machine.settings) };
    let plan = cortensor_planner::plan(hardware, &variants, measured, &settings)?;
    status.send_modify(|status| show(status, &plan, &variants, measured));
    Ok(plan)
}

/// Begins anew with what ran out of memory: where nothing is left to try, or where the user says so.
pub(crate) fn forget_limits(machine: &Machine, hardware: &Hardware) -> Result<(), FileError> {
    MemoryLimits::of(machine, hardware, Vec::new()).write(&machine.folders)
}

pub(crate) fn plan_settings(settings: &Settings) -> PlanSettings {
    PlanSettings {
        memory_budget_bytes: settings.memory_budget_bytes,
        context_tokens: settings.context_tokens,
        slots: settings.slots,
        build: Build::THIS,
        spread: false,
        ..PlanSettings::default()
    }
}

/// Says in the plan's step what the chosen mode serves, why, and what was measured of its loss.
pub(crate) fn show_choice(status: &mut Status, plan: &Plan) {
    let choice = if status.mode == Some(plan.precision.mode) { &plan.precision } else { &plan.volume };
    let measured = status.measurements.iter().find(|one| one.measurement.artifact == choice.variant.artifact);
    let loss =
        measured.and_then(|one| one.loss.as_ref()).map(|loss| format!(" It {}.", loss.words)).unwrap_or_default();
    let words = format!("{} for {}: {}{loss}", choice.variant.precision, choice.mode, choice.reasons.join(" "));
    status.done(StepName::Plan, words);
}

fn show(status: &mut Status, plan: &Plan, variants: &[Variant], measurements: &[Measurement]) {
    let of = |variant: &Variant| measurements.iter().find(|one| one.artifact == variant.artifact).copied();
    let speeds = variants.iter().filter_map(|variant| {
        let Measurement { prefill_tokens_per_second: prefill, decode_tokens_per_second: decode, .. } = of(variant)?;
        Some(format!("{} prefill {prefill:.0}, decode {decode:.1} tokens/s", variant.precision))
    });
    status.done(StepName::Benchmark, speeds.collect::<Vec<_>>().join("; "));
    show_choice(status, plan);
    status.modes = [&plan.precision, &plan.volume]
        .map(|choice| ModeView {
            mode: choice.mode,
            model: choice.variant.model.clone(),
            precision: choice.variant.precision,
            precision_class: choice.variant.precision.class(),
            tier: None,
            predicted_earnings_per_hour: None,
            benchmark: of(&choice.variant),
            predicted_requests_per_hour: choice.predicted_requests_per_hour,
            measured_requests_per_hour: None,
            work: Work::default(),
            loss: None,
        })
        .into();
    let measured = variants.iter().filter_map(|variant| {
        let model = variant.model.clone();
        Some(Measured { model, precision: variant.precision, measurement: of(variant)?, loss: None })
    });
    status.measurements = measured.collect();
    status.plan = Some(plan.clone());
}
