//! What every host of the miner does the same: choose the engine, start the embedded practice router, open the door for
//! other processes, write logs.
//!
//! [`Running`] is one miner from start to stop, as the command line wants it. [`Miner`] is one that can be started again
//! and whose status stays, as a window wants it.
//!
//! **Invariant:** knows no window and no terminal, and decides nothing that `app` or `router` decide.

mod about;
mod beginning;
mod diagnosis;
mod logs;
mod miner;
mod network;
mod practice;
mod removal;
mod running;
mod signals;
pub mod threads;
mod withdrawal;

pub use about::{About, Component};
pub use cortensor_status_page as status_page;
pub use diagnosis::{DiagnosisError, write_diagnosis};
pub use logs::{LogLevel, LogLine, LogTail, Logs, Terminal};
pub use miner::Miner;
pub use network::{NetworkView, network, network_url};
pub use practice::{Practice, operator_key, start_router, validator_key};
pub use running::{Options, Running, StartError, engine, machine};
pub use signals::interrupted;
pub use withdrawal::withdraw;
