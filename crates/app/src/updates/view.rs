//! What the window shows of updates, and when one may be installed without asking.

use std::time::Duration;

use cortensor_protocol::Millis;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::RolledBack;
use crate::{Phase, Status};

/// How long nothing has to be worked on before an update is installed by itself.
const QUIET: Duration = Duration::from_secs(30);

/// What is done about newer versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum UpdatePolicy {
    /// They are downloaded, and installed when nothing is worked on and nobody looks.
    #[default]
    Automatic,
    /// They are told, and wait for the user.
    Ask,
    /// They are not looked for.
    Off,
}

/// A newer version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct UpdateRelease {
    /// Which.
    pub version: String,
    /// What is new, in its makers' words.
    pub notes: Option<String>,
    /// When it was made, as RFC 3339 has it.
    pub published: Option<String>,
}

/// How far an update is.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum UpdateState {
    /// This program was not made by a release: it does not update itself.
    NotARelease,
    /// Nothing newer is known.
    Idle,
    /// The channel is asked.
    Checking,
    /// There is one, and it waits for the user.
    Available {
        /// Which.
        release: UpdateRelease,
    },
    /// It is downloaded.
    Downloading {
        /// Which.
        release: UpdateRelease,
        /// 0 to 1, if the size is known.
        done: Option<f64>,
    },
    /// It is here, and its signature is right.
    Ready {
        /// Which.
        release: UpdateRelease,
        /// The system will ask for a password, so that it is never installed by itself.
        asks_password: bool,
    },
    /// What runs is finished, then it is installed.
    Installing {
        /// Which.
        release: UpdateRelease,
    },
    /// It did not work; what runs goes on.
    Failed {
        /// What was wrong and what to do.
        message: String,
        /// Of which, if it came that far.
        release: Option<UpdateRelease>,
    },
}

/// Updates, as the window shows them.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct UpdateView {
    /// What runs.
    pub version: String,
    /// When the channel was last looked at.
    pub checked_at: Option<Millis>,
    /// How far.
    pub state: UpdateState,
    /// An update that was undone, until the user has seen that.
    pub rolled_back: Option<RolledBack>,
}

/// Whether an update would disturb nothing: no task, no test, no measuring, and so for a while.
pub fn is_quiet(status: &Status, now: Millis) -> bool {
    let is_still =
        status.running == 0 && status.testing.is_none() && !status.measuring && status.switching_to.is_none();
    let rests = match status.phase {
        Phase::Mining => status.idle_since.is_some_and(|since| now.since(since) >= QUIET),
        Phase::Paused | Phase::Untrusted | Phase::Offline | Phase::Hindered | Phase::Failed | Phase::Stopped => true,
        Phase::Starting | Phase::Testing | Phase::Switching | Phase::Draining => false,
    };
    is_still && rests
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::Mode;

    use super::*;

    #[test]
    fn an_update_waits_for_what_goes_on() {
        let now = Millis(100_000);
        let idle = Status { phase: Phase::Mining, idle_since: Some(Millis(70_000)), ..Status::default() };
        assert!(is_quiet(&idle, now));
        assert!(is_quiet(&Status { phase: Phase::Paused, ..Status::default() }, now));
        let busy: [fn(&mut Status); 8] = [
            |status| status.idle_since = Some(Millis(70_001)),
            |status| status.idle_since = None,
            |status| status.running = 1,
            |status| status.testing = Some((1, 10)),
            |status| status.measuring = true,
            |status| status.switching_to = Some(Mode::Volume),
            |status| status.phase = Phase::Draining,
            |status| status.phase = Phase::Starting,
        ];
        for makes_busy in busy {
            let mut status = idle.clone();
            makes_busy(&mut status);
            assert!(!is_quiet(&status, now), "{status:?}");
        }
    }
}
