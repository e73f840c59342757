//! How fast the processor reads main memory: what a model's speed on it follows from, before it is measured.

use std::{
    thread,
    time::{Duration, Instant},
};

/// What is copied in a turn, by all threads together: more than most processors' caches hold, less than anybody misses.
const COPIED_BYTES: usize = 64 << 20;
/// More threads than this no longer make a difference to the memory.
const MOST_THREADS: u32 = 16;
/// The best of as many turns: others may use the machine meanwhile. The first one maps the memory.
const TURNS: usize = 4;

/// Bytes a second that `threads` threads move, read and written counted. Takes less than a tenth of a second on most
/// machines; blocks. `None` if it could not be told. A processor whose cache holds 128 MB is told as too fast.
pub fn memory_bandwidth(threads: u32) -> Option<u64> {
    let threads = usize::try_from(threads.clamp(1, MOST_THREADS)).ok()?;
    let source = vec![1_u8; COPIED_BYTES];
    let mut target = vec![0_u8; COPIED_BYTES];
    let times = (0..TURNS).map(|_| copy(&source, &mut target, threads));
    let best = times.filter(|time| !time.is_zero()).min()?;
    let nanoseconds = u64::try_from(best.as_nanos()).ok()?;
    Some(2 * COPIED_BYTES as u64 * 1_000_000_000 / nanoseconds)
}

/// Copying is the one thing that is as fast in a build without optimisation.
fn copy(source: &[u8], target: &mut [u8], threads: usize) -> Duration {
    let part = source.len().div_ceil(threads);
    let started = Instant::now();
    thread::scope(|scope| {
        for (from, to) in source.chunks(part).zip(target.chunks_mut(part)) {
            scope.spawn(|| to.copy_from_slice(from));
        }
    });
    started.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_as_fast_as_memory_is() {
        for threads in [0, 1, 64] {
            let speed = memory_bandwidth(threads).unwrap();
            assert!((100_000_000..10_000_000_000_000).contains(&speed), "{speed} bytes a second");
        }
    }

    #[test]
    fn everything_is_copied_whatever_the_number_of_threads() {
        let source: Vec<u8> = (0..=255).collect();
        for threads in [1, 3, 16] {
            let mut target = vec![0; source.len()];
            copy(&source, &mut target, threads);
            assert_eq!(target, source);
        }
    }
}
