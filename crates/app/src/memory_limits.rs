//! What ran out of memory on this machine, kept so that the next start does not run into it again.

use std::{fs, io};

use cortensor_hardware::Hardware;
use cortensor_planner::MemoryLimit;
use serde::{Deserialize, Serialize};

use crate::{
    Folders, Machine, Settings,
    files::{FileError, read_json, write_json},
    measurements::machine_key,
};

/// What ran out of memory within one user's settings: with others it may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemoryLimits {
    within: Within,
    limits: Vec<MemoryLimit>,
}

/// What a limit holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Within {
    machine: String,
    memory_budget_bytes: Option<u64>,
    context_tokens: Option<u32>,
    slots: Option<u32>,
}

/// Forgets what ran out of memory, where no miner runs to do so: the next start plans in full. Says whether there was anything.
pub fn forget_memory_limits(folders: &Folders) -> Result<bool, FileError> {
    let path = folders.memory_limits();
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(FileError::Write { path, source }),
    }
}

impl Within {
    fn of(hardware: &Hardware, engine: &str, settings: &Settings) -> Self {
        let Settings { memory_budget_bytes, context_tokens, slots, .. } = *settings;
        Self { machine: machine_key(hardware, engine), memory_budget_bytes, context_tokens, slots }
    }
}

impl MemoryLimits {
    /// These, of this machine as it is set.
    pub(crate) fn of(machine: &Machine, hardware: &Hardware, limits: Vec<MemoryLimit>) -> Self {
        Self { within: Within::of(hardware, machine.engine.name(), &machine.settings), limits }
    }

    /// What is kept of this machine as it is set. What cannot be read is learnt again.
    pub(crate) fn read(machine: &Machine, hardware: &Hardware) -> Self {
        Self::within(&machine.folders, Within::of(hardware, machine.engine.name(), &machine.settings))
    }

    fn within(folders: &Folders, within: Within) -> Self {
        let kept = read_json::<Self>(&folders.memory_limits());
        let kept = kept.inspect_err(|error| tracing::warn!(%error, "what ran out of memory is learnt again"));
        let kept = kept.ok().flatten().filter(|kept| kept.within == within);
        kept.unwrap_or(Self { within, limits: Vec::new() })
    }

    pub(crate) fn all(&self) -> Vec<MemoryLimit> {
        self.limits.clone()
    }

    /// Adds a limit in place of an earlier one of the same artifact on the same device.
    pub(crate) fn add(&mut self, limit: MemoryLimit) {
        let earlier = self.limits.iter_mut().find(|earlier| earlier.is_of(limit.artifact, limit.backend));
        match earlier {
            Some(earlier) => *earlier = limit.and_before(earlier),
            None => self.limits.push(limit),
        }
    }

    pub(crate) fn write(&self, folders: &Folders) -> Result<(), FileError> {
        write_json(&folders.memory_limits(), self)
    }
}

#[cfg(test)]
mod tests {
    use cortensor_planner::Load;
    use cortensor_protocol::ArtifactDigest;

    use super::*;

    #[test]
    fn what_ran_out_of_memory_is_known_until_the_settings_are_others() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let read = |settings: &Settings, engine: &str| {
            MemoryLimits::within(&folders, Within::of(&Hardware::default(), engine, settings))
        };
        let (default, load) = (Settings::default(), Load { context_tokens: 4096, slots: 1 });
        let mut limits = read(&default, "engine 1");
        assert_eq!(limits.all(), []);
        let first = MemoryLimit::after(ArtifactDigest::new([1; 32]), None, load);
        limits.add(first);
        limits.add(MemoryLimit::after(ArtifactDigest::new([1; 32]), None, first.most.unwrap()));
        limits.add(MemoryLimit::after(ArtifactDigest::new([2; 32]), None, load));
        limits.write(&folders).unwrap();
        let seen = |limits: MemoryLimits| {
            let tokens = |load: Load| load.context_tokens;
            limits.all().iter().map(|one| (tokens(one.failed), one.most.map(tokens))).collect::<Vec<_>>()
        };
        assert_eq!(seen(read(&default, "engine 1")), [(4096, Some(1024)), (4096, Some(2048))]);
        let others = [
            Settings { memory_budget_bytes: Some(2_000_000_000), ..Settings::default() },
            Settings { context_tokens: Some(2048), ..Settings::default() },
            Settings { slots: Some(2), ..Settings::default() },
        ];
        assert!(others.iter().all(|settings| read(settings, "engine 1").all().is_empty()));
        assert_eq!(read(&default, "engine 2").all(), []);
        assert_eq!([(); 2].map(|()| forget_memory_limits(&folders).unwrap()), [true, false]);
        assert_eq!(read(&default, "engine 1").all(), []);
        fs::write(folders.memory_limits(), "{").unwrap();
        assert_eq!(read(&default, "engine 1").all(), []);
    }
}
