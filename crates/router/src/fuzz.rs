//! What strangers send, almost right: real messages (`socket/fuzz.rs`) and bodies (`http/fuzz.rs`) with random changes.
//! Whatever it is, it is read or refused, in few words, and what was read can be written and read again.
//!
//! As tests these run for a second each; `./dev fuzz SECONDS` lets them run for longer. Every input is made from a seed,
//! which a failure names: `BOLERO_RANDOM_SEED=... cargo test`.

mod almost;

pub(crate) use almost::Almost;

/// Most bytes of an error that a stranger gets: it never says back all that was sent.
pub(crate) const LONGEST_ERROR: usize = 2048;
