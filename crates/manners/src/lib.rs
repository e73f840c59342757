//! When the miner steps aside for whoever owns the machine: rules over what is known of it, with reasons in words.
//!
//! [`Manners::look`] is given [`Readings`] about once a second. A rule holds from the first reading that breaks it, so
//! that the machine is given back at once, and lets go only after some calm, so that a model is not loaded and unloaded
//! at every flicker. What cannot be read holds nothing back: a rule that this machine cannot know of is no reason.
//!
//! **Invariant:** pure. No clock, no files, no operating system: time and readings are given.

mod hours;
mod reason;
mod rules;

use std::{collections::BTreeMap, time::Duration};

pub use hours::{Hours, HoursError, LocalTime, Weekday};
pub use reason::Reason;
pub use rules::Rules;

use reason::Kind;

/// What is known of the machine now. `None`: it cannot be told here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// Since the last key or movement of the mouse.
    pub untouched: Option<Duration>,
    /// Whether it runs on its battery.
    pub on_battery: Option<bool>,
    /// Whether a program fills the screen.
    pub full_screen: Option<bool>,
    /// Whether its connection is paid for by volume.
    pub metered: Option<bool>,
    /// The first of the named programs that runs.
    pub program: Option<String>,
    /// The hottest of its sensors, in degrees Celsius.
    pub celsius: Option<f32>,
    /// Share of the processor (0 to 1) that other programs take.
    pub others_cpu: Option<f32>,
    /// Share of the graphics cards' time (0 to 1) that other programs take.
    pub others_gpu: Option<f32>,
    /// The clock on the wall.
    pub local_time: Option<LocalTime>,
}

/// What holds the miner back, over time.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    held: BTreeMap<Kind, Held>,
}

#[derive(Clone, Debug)]
struct Held {
    reason: Reason,
    /// When it was last so.
    last: Duration,
}

impl Manners {
    /// The reasons not to mine at `now`, a time that only grows. Empty: go on.
    pub fn look(&mut self, now: Duration, rules: &Rules, readings: &Readings) -> Vec<Reason> {
        let broken = rules.broken(readings, |kind| self.held.contains_key(&kind));
        for reason in broken {
            // As first seen: a temperature that moves is still the same reason.
            self.held.entry(reason.kind()).and_modify(|held| held.last = now).or_insert(Held { reason, last: now });
        }
        self.held.retain(|kind, held| rules.asks_for(*kind) && now.saturating_sub(held.last) <= kind.calm());
        self.held.values().map(|held| held.reason.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
