//! What ran out of memory at work, and with how much less it is loaded since.
//!
//! An estimate may be right and memory still run out: other programs take it, drivers need more, or the model's own cache
//! grows otherwise than thought. What happened counts for more than what was estimated.

use cortensor_hardware::Backend;
use cortensor_protocol::ArtifactDigest;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Load, Plan, candidate::LEAST_CONTEXT};

/// That an artifact ran out of memory on a device of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MemoryLimit {
    /// Which file.
    pub artifact: ArtifactDigest,
    /// On what it computed; nothing: the processor.
    pub backend: Option<Backend>,
    /// The most that it ran out of memory with.
    pub failed: Load,
    /// The most that it is loaded with since; nothing: there is no less, so it is not loaded at all.
    pub most: Option<Load>,
}

impl MemoryLimit {
    /// After `artifact` ran out of memory with `load`: fewer requests at a time first, since that changes nothing for any one
    /// of them, then half the context.
    pub fn after(artifact: ArtifactDigest, backend: Option<Backend>, load: Load) -> Self {
        Self { artifact, backend, failed: load, most: less(load) }
    }

    /// Once more, after an earlier time.
    #[must_use]
    pub fn and_before(self, earlier: &Self) -> Self {
        Self { failed: earlier.failed, ..self }
    }

    /// Whether it is of the same artifact on the same device.
    pub fn is_of(&self, artifact: ArtifactDigest, backend: Option<Backend>) -> bool {
        self.artifact == artifact && self.backend == backend
    }

    /// What of `wished` is left; `None`: nothing.
    pub(crate) fn within(&self, wished: Load) -> Option<Load> {
        let Load { context_tokens, slots } = self.most?;
        Some(Load { context_tokens: wished.context_tokens.min(context_tokens), slots: wished.slots.min(slots) })
    }
}

impl Plan {
    /// What ran out of memory, and what became of it since: a line for each.
    pub fn limits_in_words(&self) -> Vec<String> {
        let name = |artifact: ArtifactDigest| {
            let known = self.alternatives.iter().find(|one| one.variant.artifact == artifact);
            let name = known.map(|one| format!("{} {}", one.variant.model, one.variant.precision));
            name.unwrap_or_else(|| "a model that is not here".to_owned())
        };
        let words = |limit: &MemoryLimit| format!("{} {}", name(limit.artifact), in_words(limit));
        self.limits.iter().map(words).collect()
    }
}

fn in_words(limit: &MemoryLimit) -> String {
    let failed = limit.failed;
    match limit.most {
        None => "ran out of memory even with the least context and is not loaded since".to_owned(),
        Some(most) if most.context_tokens < failed.context_tokens => {
            let (before, now) = (failed.context_tokens, most.context_tokens);
            format!("ran out of memory at {before} tokens of context and is loaded with {now} since")
        }
        Some(most) => {
            format!("ran out of memory with {} requests at a time and works on {} since", failed.slots, most.slots)
        }
    }
}

fn less(load: Load) -> Option<Load> {
    let Load { context_tokens, slots } = load;
    let fewer = (slots > 1).then_some(Load { slots: slots / 2, ..load });
    let shorter = Load { context_tokens: (context_tokens / 2).max(LEAST_CONTEXT), ..load };
    fewer.or_else(|| (context_tokens > LEAST_CONTEXT).then_some(shorter))
}
