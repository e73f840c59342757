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
//! The same for those who choose a precision: [`Distribution`] is what a model expects next, [`Tally`] adds up over a text how
//! far a precision is from the reference ([`Statistics`]), and [`Preference`] says whether someone who votes blindly tells
//! two of them apart. Everything is summed in 64 bits; what cannot be compared is refused, never averaged in.
//!
//! **Invariant:** pure: numbers in, numbers out. No engine, no tokenizer, no clock, no input or output.

mod apart;
mod audit;
mod distribution;
mod margin;
mod preference;
mod tally;
mod vocabulary;

pub use apart::{Nearness, nearness};
pub use audit::{Audit, Calibration, CalibrationError, Evidence, Figures, Scale, Verdict};
pub use distribution::Distribution;
pub use margin::margin;
pub use preference::{LEAST_VOTES, Preference, Told};
pub use tally::{AtPosition, Estimate, Sample, Spread, Statistics, Tally};
pub use vocabulary::{CompareError, first_divergence, same_vocabulary};
