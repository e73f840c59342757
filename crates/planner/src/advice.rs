//! What this build leaves idle, and which would use it.

use cortensor_hardware::{Backend, Gpu, Hardware};

use crate::{PlanSettings, Variant, candidate::Candidates, device::Placement, in_megabytes};

/// One sentence for each build that would compute on cards which this one leaves alone.
pub(crate) fn advice(hardware: &Hardware, variants: &[Variant], settings: &PlanSettings) -> Vec<String> {
    let builds = [Backend::Cuda, Backend::Metal].into_iter().filter(|backend| !settings.build.has(*backend));
    builds.filter_map(|backend| about(backend, hardware, variants, settings)).collect()
}

fn about(backend: Backend, hardware: &Hardware, variants: &[Variant], settings: &PlanSettings) -> Option<String> {
    let idle: Vec<&Gpu> = hardware.gpus.iter().filter(|gpu| gpu.backend == Some(backend)).collect();
    let names: Vec<String> = idle.iter().map(|gpu| named(gpu)).collect();
    let build = backend.as_str();
    let would = would_compute(backend, hardware, variants, settings).map_or_else(
        || "none of the model files would fit there".to_owned(),
        |variant| format!("{} {} would compute there", variant.model, variant.precision),
    );
    (!idle.is_empty())
        .then(|| format!("This build does not use {}; with the {build} build {would}.", names.join(" and ")))
}

fn named(gpu: &Gpu) -> String {
    let free = gpu.free_bytes.map_or_else(String::new, |free| format!(", {} free", in_megabytes(free)));
    format!("card {} ({}{free})", gpu.index, gpu.model)
}

/// The worthiest that such a build would have there as a whole.
fn would_compute(
    backend: Backend,
    hardware: &Hardware,
    variants: &[Variant],
    settings: &PlanSettings,
) -> Option<Variant> {
    let settings = PlanSettings { build: settings.build.with(backend), ..settings.clone() };
    let there = Candidates::of(hardware, variants, &[], &settings).fitting;
    let there = there.into_iter().find(|one| matches!(one.placement, Placement::Cards { .. }));
    there.map(|one| one.variant)
}
