//! The router's clocks: one for what is written down, one for what is waited for.

use std::{sync::LazyLock, time::Instant};

use cortensor_protocol::Millis;

/// Where the steady clock starts. Never changes once it is known.
static START: LazyLock<(Millis, Instant)> = LazyLock::new(|| (wall_time(), Instant::now()));

/// Now, for deadlines: goes on evenly when the wall clock is set, so that no task ends early or hangs by that. Not for
/// what outlives the process: a machine that slept makes it late.
pub(crate) fn now() -> Millis {
    let (wall, started) = *START;
    wall + started.elapsed()
}

/// Now, by the wall clock: for what is written down and for people.
pub(crate) fn wall_time() -> Millis {
    Millis(jiff::Timestamp::now().as_millisecond())
}
