//! What an app can be told, and what it answers.

use std::fmt;

use cortensor_protocol::Mode;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::PauseLength;

/// What an app can be told.
pub(crate) enum Command {
    Mode(Mode, Reply),
    Pause(PauseLength, Reply),
    Resume(Reply),
    Lend(Reply),
    TakeBack(Reply),
    ShowLosses(Reply),
    Measure(Reply),
    ForgetLimits(Reply),
    Seen(Reply),
    Quit(Reply),
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(mode, _) => write!(f, "mine for {mode}"),
            Self::Pause(..) => f.write_str("pause"),
            Self::Resume(_) => f.write_str("resume"),
            Self::Lend(_) => f.write_str("lend the memory"),
            Self::TakeBack(_) => f.write_str("take the memory back"),
            Self::ShowLosses(_) => f.write_str("show what was measured"),
            Self::Measure(_) => f.write_str("measure again"),
            Self::ForgetLimits(_) => f.write_str("forget what ran out of memory"),
            Self::Seen(_) => f.write_str("show the breakdown no longer"),
            Self::Quit(_) => f.write_str("quit"),
        }
    }
}

pub(crate) type Reply = oneshot::Sender<Result<(), CommandError>>;

/// Why the app did not do as told. What was before goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CommandError {
    /// The app has ended.
    #[error("the miner has stopped; start it again with `cortensor mine`")]
    Stopped,
    /// The other model did not load; the one before is still served where it could be kept.
    #[error("{message}")]
    NotLoaded {
        /// What was wrong and what to do.
        message: String,
    },
    /// The choice could not be written down.
    #[error("{message}")]
    NotKept {
        /// What was wrong and what to do.
        message: String,
    },
}
