//! The real window on a screen, a session bus and a keychain of its own, driven over `WebDriver`.
//!
//! **Invariant:** links no window: it starts the program that was built.

#![cfg(target_os = "linux")]

mod home;
mod process;
mod session;
mod tray;
mod window;

use std::time::Duration;

pub use home::{Home, MODEL, share_ladder};
pub use process::{Group, program};
pub use session::{Keychain, Session};
pub use tray::Tray;
pub use window::{Desktop, heading};

/// Longer than anything here takes on a busy machine, and less than the driver's client waits: a test that waits for this
/// has failed.
const PATIENCE: Duration = Duration::from_secs(110);
