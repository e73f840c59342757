//! Why the miner does not mine just now.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::LocalTime;

/// Why the miner steps aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reason {
    /// Somebody uses the computer.
    InUse,
    /// It runs on its battery.
    Battery,
    /// A program fills the screen.
    FullScreen,
    /// A program that the user named runs.
    Program {
        /// Which.
        name: String,
    },
    /// Too hot.
    Hot {
        /// The hottest sensor when it was first too hot, in degrees Celsius.
        celsius: u32,
        /// What was set.
        limit: u32,
    },
    /// Others need the processor.
    Processor {
        /// What they took when it was first too much, in percent of all cores.
        percent: u32,
        /// What was set.
        limit: u32,
    },
    /// Others need the graphics card.
    Graphics {
        /// What they took when it was first too much, in percent.
        percent: u32,
        /// What was set.
        limit: u32,
    },
    /// The connection is paid for by volume.
    Metered,
    /// Not the time for it.
    Hours {
        /// When it goes on.
        until: LocalTime,
    },
}

/// The same without figures: one reason of a kind at a time, told in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Hours,
    Battery,
    Program,
    FullScreen,
    InUse,
    Hot,
    Processor,
    Graphics,
    Metered,
}

impl Kind {
    /// How long a reason must be gone before it is over.
    pub(crate) const fn calm(self) -> Duration {
        match self {
            // These say themselves for how long.
            Self::Hours | Self::InUse => Duration::ZERO,
            Self::Battery | Self::Metered => Duration::from_secs(3),
            // Between two levels of a game, or two films.
            Self::Program | Self::FullScreen => Duration::from_secs(10),
            Self::Hot | Self::Processor | Self::Graphics => Duration::from_secs(15),
        }
    }
}

impl Reason {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::InUse => Kind::InUse,
            Self::Battery => Kind::Battery,
            Self::FullScreen => Kind::FullScreen,
            Self::Program { .. } => Kind::Program,
            Self::Hot { .. } => Kind::Hot,
            Self::Processor { .. } => Kind::Processor,
            Self::Graphics { .. } => Kind::Graphics,
            Self::Metered => Kind::Metered,
            Self::Hours { .. } => Kind::Hours,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("somebody uses this computer"),
            Self::Battery => f.write_str("on battery"),
            Self::FullScreen => f.write_str("a program fills the screen"),
            Self::Program { name } => write!(f, "{name} runs"),
            Self::Hot { celsius, limit } => write!(f, "{celsius} °C, more than the {limit} °C that are set"),
            Self::Processor { percent, limit } => {
                write!(f, "other programs take {percent} % of the processor, more than the {limit} % that are set")
            }
            Self::Graphics { percent, limit } => {
                write!(f, "other programs take {percent} % of the graphics card, more than the {limit} % that are set")
            }
            Self::Metered => f.write_str("the connection is metered"),
            Self::Hours { until } => write!(f, "outside the hours that are set, until {until}"),
        }
    }
}
