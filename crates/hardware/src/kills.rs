//! How many programs the system ended because memory had run out.

use serde::{Deserialize, Serialize};

/// A count that only grows until the system starts anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryKills {
    /// Which start of the system it belongs to.
    boot: String,
    /// Programs ended since.
    count: u64,
}

impl MemoryKills {
    /// Whether there were more since `earlier`.
    pub fn grew_since(&self, earlier: &Self) -> bool {
        self.boot == earlier.boot && self.count > earlier.count
    }
}

/// From `/proc/vmstat` and `/proc/sys/kernel/random/boot_id`.
pub(crate) fn memory_kills(vmstat: &str, boot: &str) -> Option<MemoryKills> {
    let count = vmstat.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
    Some(MemoryKills { boot: boot.trim().to_owned(), count: count.trim().parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_counted_from_one_start_of_the_system_to_the_next() {
        let kills = |vmstat, boot| memory_kills(vmstat, boot).unwrap();
        let (vmstat, boot) = ("pgfault 12\noom_kill 3\ndrop_pagecache 0\n", "6e0c4a12\n");
        let earlier = kills(vmstat, boot);
        for (vmstat, boot, grew) in [
            (vmstat, boot, false),
            ("oom_kill 4\n", boot, true),
            ("oom_kill 4\n", "another", false),
            ("oom_kill 0\n", "another", false),
        ] {
            assert_eq!(kills(vmstat, boot).grew_since(&earlier), grew, "{vmstat} {boot}");
        }
        assert_eq!(memory_kills("pgfault 12\n", boot), None);
        assert_eq!(memory_kills("oom_kill many\n", boot), None);
    }
}
