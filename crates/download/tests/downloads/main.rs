//! Downloads from a hub that misbehaves on purpose.

mod double;
mod files;
mod hub;
mod place;
mod queue;
mod stops;
