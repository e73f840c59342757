//! When nodes that fail are left alone.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// When a node that fails is left alone, for its own good and its users'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerPolicy {
    /// Users' tasks it failed.
    pub failures: NonZeroU32,
    /// Within so many seconds.
    pub window_seconds: u64,
    /// How long it gets no tasks then, in seconds. The first one after that decides.
    pub park_seconds: u64,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: const { NonZeroU32::new(3).unwrap() }, window_seconds: 60, park_seconds: 15 }
    }
}
