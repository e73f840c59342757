//! Getting model files from a hub or another server: in several ranges at once, resumed after a kill, checked chunk by chunk and
//! as a whole, and not at all where another program has the same bytes already.
//!
//! **Invariant:** knows no engine, no node and no router. A file is in its place only after its digest was checked; the hub's
//! token goes to the hub's own host and nowhere else.

mod backoff;
mod error;
mod hub;
mod journal;
mod library;
mod pace;
mod part;
mod progress;
mod queue;
mod remote;
mod transfer;
mod web;

pub use backoff::Backoff;
pub use error::DownloadError;
pub use hub::{Hub, Token};
pub use library::{Library, Limits};
pub use pace::Pace;
pub use progress::{Progress, Show, Stage};
pub use queue::{Download, DownloadId, DownloadState, Queue, QueueError};
