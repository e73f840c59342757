//! Whether tokens are those that a reference model would have chosen, and how sure one can be of it.
//!
//! A node claims that its answer came from one artifact, decoded greedily. Whoever has the same artifact scores prompt and
//! answer in one pass and sees for every token by how much the reference preferred another one: its [`margin`]. One margin
//! says little, because two honest machines round differently; [`Audit`] adds them up into a verdict whose error is bounded
//! however long one looks.
//!
//! Sampled answers differ word by word although they come of the same artifact. Of them one can see at most whether one is
//! about something else than the others: [`nearness`].
//!
//! **Invariant:** pure: numbers in, numbers out. No engine, no tokenizer, no clock, no input or output.

mod apart;
mod audit;
mod margin;

pub use apart::{Nearness, nearness};
pub use audit::{Audit, Calibration, CalibrationError, Evidence, Figures, Scale, Verdict};
pub use margin::margin;
