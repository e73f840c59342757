//! What was measured on this machine, kept by device, engine version and artifact.

use std::{collections::BTreeMap, num::NonZeroU32};

use cortensor_hardware::{GpuUse, Hardware};
use cortensor_planner::Measurement;
use serde::{Deserialize, Serialize};

use crate::{
    Folders,
    files::{FileError, read_json, write_json},
};

/// What of the measuring is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// What was not measured yet.
    Missing,
    /// Everything, again.
    All,
}

/// Measurements by device and engine; those of another engine version are kept and not used.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Measurements {
    by_machine: BTreeMap<String, Vec<Measurement>>,
    /// With how many threads a machine's were made.
    #[serde(default)]
    threads: BTreeMap<String, NonZeroU32>,
}

impl Measurements {
    /// What is known. Measurements that cannot be read are made again: nothing is lost but a minute.
    pub(crate) fn read(folders: &Folders) -> Self {
        let known = read_json(&folders.measurements());
        known.inspect_err(|error| tracing::warn!(%error, "measuring again")).ok().flatten().unwrap_or_default()
    }

    pub(crate) fn write(&self, folders: &Folders) -> Result<(), FileError> {
        write_json(&folders.measurements(), self)
    }

    pub(crate) fn of(&self, machine: &str) -> &[Measurement] {
        self.by_machine.get(machine).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn forget(&mut self, machine: &str) {
        self.by_machine.remove(machine);
    }

    /// Forgets what was measured with another number of threads. Whether there is something new to write.
    pub(crate) fn hold_for(&mut self, machine: &str, threads: NonZeroU32) -> bool {
        let before = self.threads.insert(machine.to_owned(), threads);
        if before.is_some_and(|before| before != threads) {
            self.forget(machine);
        }
        before != Some(threads)
    }

    /// Adds a measurement in place of an older one of the same artifact.
    pub(crate) fn add(&mut self, machine: &str, measurement: Measurement) {
        let known = self.by_machine.entry(machine.to_owned()).or_default();
        known.retain(|older| older.artifact != measurement.artifact);
        known.push(measurement);
    }
}

/// What a measurement holds for.
pub(crate) fn machine_key(hardware: &Hardware, engine: &str) -> String {
    let processor = format!("{} × {}", hardware.cpu.model, hardware.cpu.physical_cores);
    let cards = hardware.gpus.iter().filter(|card| card.backend.is_some() && card.usable == GpuUse::Usable);
    let parts = [processor].into_iter().chain(cards.map(|card| card.model.clone())).chain([engine.to_owned()]);
    parts.collect::<Vec<_>>().join(" | ")
}
