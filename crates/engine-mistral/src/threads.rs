//! With how many threads the engine computes on a processor: a matter of the whole process.
//!
//! Rayon's pool and that of the attention are made once, at their first use, with as many threads as a variable of the
//! environment says; full-precision products read it each time. So a number can be chosen before the first of them only.

use std::{num::NonZeroU32, thread::available_parallelism};

/// The variable: what a process that is to compute with another number is started with.
pub const THREADS: &str = "RAYON_NUM_THREADS";

/// What this process computes with: all that it may use, if nothing else was said.
pub fn threads() -> NonZeroU32 {
    let said = std::env::var(THREADS).ok().and_then(|said| said.parse().ok());
    said.or_else(|| available_parallelism().ok()?.try_into().ok()).unwrap_or(NonZeroU32::MIN)
}

/// Has this process compute with `threads`.
///
/// # Safety
///
/// No other thread of the process runs yet: they may read the environment at any time.
pub unsafe fn compute_with(threads: NonZeroU32) {
    // SAFETY: nobody else reads or writes the environment now; that is what the caller promises.
    unsafe { std::env::set_var(THREADS, threads.to_string()) }
}
