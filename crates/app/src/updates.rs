//! Updates of the program: which release is taken, and what happens when one does not work here.
//!
//! A release is the program that was tested with a [`Stamp`] in it, which says its version, where newer ones are announced
//! and whose signature they must have; a program without one does not update itself. The host downloads and installs
//! (signatures are its library's business); here is decided what is taken ([`judge`]), and watched whether what was
//! installed works ([`watcher`]). `updates.json` is the record; docs/updates.md describes both halves.
//!
//! **Invariant:** a program that a user had at work is there, whole, until the one in its place has worked.

mod announced;
#[cfg(unix)]
mod display;
mod journal;
mod kept;
mod stamp;
mod trial;
mod view;
pub mod watcher;

pub use announced::{Refusal, UpdateChannel, Verdict, judge};
pub use journal::{Journal, Kept, RolledBack, Trial};
pub use kept::{Installed, stand_in};
pub use stamp::{Stamp, StampError, version};
pub use trial::{Judgement, OnTrial};
pub use view::{UpdatePolicy, UpdateRelease, UpdateState, UpdateView, is_quiet};
