//! What is in memory, noted for as long as it is.
//!
//! On a processor nobody is told that memory has run out: the system ends the program. Whoever finds this note at the next
//! start knows that the last one had no end, and by the system's own count whether it ended programs for want of memory
//! meanwhile.

use cortensor_engine::LoadOptions;
use cortensor_hardware::{Backend, MemoryKills};
use cortensor_models::Artifact;
use cortensor_planner::Load;
use cortensor_protocol::{ArtifactDigest, Mode, ModelId, Precision};
use serde::{Deserialize, Serialize};

use crate::{
    Folders,
    device::backend,
    files::{read_json, write_json},
};

/// A model in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtWork {
    pub(crate) artifact: ArtifactDigest,
    pub(crate) model: ModelId,
    pub(crate) precision: Precision,
    pub(crate) mode: Mode,
    pub(crate) backend: Option<Backend>,
    pub(crate) load: Load,
    kills: MemoryKills,
}

impl AtWork {
    /// Notes what is about to be loaded. Where the system does not count, nothing could be learnt from it.
    pub(crate) fn note(folders: &Folders, artifact: &Artifact, mode: Mode, options: LoadOptions) {
        let Some(kills) = cortensor_hardware::memory_kills() else { return };
        let noted = Self {
            artifact: artifact.digest,
            model: artifact.model.clone(),
            precision: artifact.precision,
            mode,
            backend: backend(options.device),
            load: Load { context_tokens: options.context_tokens, slots: options.slots },
            kills,
        };
        if let Err(error) = write_json(&folders.at_work(), &noted) {
            tracing::warn!(%error, "what is loaded is not noted");
        }
    }

    /// Nothing is in memory any more.
    pub(crate) fn over(folders: &Folders) {
        // It is not there where nothing is counted; where it cannot be removed, a kill of something else is needed to believe it.
        let _ = std::fs::remove_file(folders.at_work());
    }

    /// What was in memory when the system ended the last life for want of it.
    pub(crate) fn killed(folders: &Folders) -> Option<Self> {
        Self::of_last_life(folders, cortensor_hardware::memory_kills().as_ref())
    }

    fn of_last_life(folders: &Folders, kills: Option<&MemoryKills>) -> Option<Self> {
        let noted = read_json::<Self>(&folders.at_work()).ok().flatten()?;
        Self::over(folders);
        kills?.grew_since(&noted.kills).then_some(noted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kills(count: u64) -> MemoryKills {
        serde_json::from_value(serde_json::json!({ "boot": "this", "count": count })).unwrap()
    }

    #[test]
    fn a_life_that_the_system_ended_for_want_of_memory_is_known_at_the_next_start_and_only_there() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let noted = AtWork {
            artifact: ArtifactDigest::new([7; 32]),
            model: ModelId::new("model"),
            precision: Precision::Q8_0,
            mode: Mode::Volume,
            backend: None,
            load: Load { context_tokens: 4096, slots: 1 },
            kills: kills(3),
        };
        for (since, known) in [(Some(kills(4)), true), (Some(kills(3)), false), (None, false)] {
            write_json(&folders.at_work(), &noted).unwrap();
            let found = AtWork::of_last_life(&folders, since.as_ref());
            assert_eq!(found, known.then(|| noted.clone()), "{since:?}");
            assert_eq!(AtWork::of_last_life(&folders, since.as_ref()), None, "once");
        }
        write_json(&folders.at_work(), &noted).unwrap();
        AtWork::over(&folders);
        assert_eq!(AtWork::of_last_life(&folders, Some(&kills(4))), None, "it ended by itself");
    }
}
