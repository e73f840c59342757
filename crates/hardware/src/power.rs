//! What the processor and a graphics card took between two moments: from their own counters, read again and again.

use std::time::{Duration, Instant, SystemTime};

use nvml_wrapper::{Device, Nvml};

use crate::energy::{Count, counts};

/// Readings further apart than this say nothing: the machine slept, or the counters may have begun anew more than once.
const LONGEST_GAP: Duration = Duration::from_secs(60);
/// By how much the clock on the wall and the one that only goes forward may differ over such a time. A machine that slept, or
/// whose clock was set, differs by more.
const MOST_DIFFERENCE: Duration = Duration::from_secs(5);

/// Reads the counters. Keeps what makes the next reading cheap.
pub struct PowerMeter {
    started: Instant,
    driver: Option<Nvml>,
}

/// What the counters say at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerReading {
    /// Since the meter was made, by a clock that only goes forward. Some systems stop it while they sleep.
    at: Duration,
    /// By the clock on the wall.
    wall: SystemTime,
    processors: Option<Vec<Count>>,
    card: Option<CardReading>,
}

/// What the driver says of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CardReading {
    index: u32,
    /// Milliwatts now.
    power: Option<u32>,
    /// Millijoules since the driver was loaded. Older cards do not count them.
    energy: Option<u64>,
}

/// What was taken between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Energy {
    /// How far they are apart.
    pub lasted: Duration,
    /// Millijoules of the whole processor packages, whatever ran on them; `None` where that cannot be read.
    pub processor_mj: Option<u64>,
    /// Millijoules of the card; `None` where that cannot be read, or none was asked for.
    pub card_mj: Option<u64>,
}

impl Default for PowerMeter {
    /// Looks for the driver once. Takes some milliseconds where there is one; blocks.
    fn default() -> Self {
        Self { started: Instant::now(), driver: Nvml::init().ok() }
    }
}

impl PowerMeter {
    /// What the counters of the processors, and of this card, say now. Blocks for a moment.
    pub fn read(&self, card: Option<u32>) -> PowerReading {
        PowerReading {
            at: self.started.elapsed(),
            wall: SystemTime::now(),
            processors: counts(),
            card: card.and_then(|index| self.card(index)),
        }
    }

    fn card(&self, index: u32) -> Option<CardReading> {
        let card: Device<'_> = self.driver.as_ref()?.device_by_index(index).ok()?;
        Some(CardReading { index, power: card.power_usage().ok(), energy: card.total_energy_consumption().ok() })
    }
}

impl PowerReading {
    /// What was taken since `earlier`; `None` if the time between them cannot be told: the machine slept, its clock was set, or
    /// they are too far apart.
    pub fn since(&self, earlier: &Self) -> Option<Energy> {
        let lasted = self.at.checked_sub(earlier.at)?;
        let by_wall = self.wall.duration_since(earlier.wall).ok()?;
        if lasted.max(by_wall) > LONGEST_GAP || lasted.abs_diff(by_wall) > MOST_DIFFERENCE {
            return None;
        }
        let processors = self.processors.as_ref().zip(earlier.processors.as_ref());
        let cards = self.card.zip(earlier.card).filter(|(now, before)| now.index == before.index);
        Some(Energy {
            lasted,
            processor_mj: processors.and_then(|(now, before)| of_processors(now, before)),
            card_mj: cards.and_then(|(now, before)| of_card(now, before, lasted)),
        })
    }
}

fn of_processors(now: &[Count], before: &[Count]) -> Option<u64> {
    let taken = || now.iter().zip(before).map(|(now, before)| now.since(*before)).fold(0, u64::saturating_add);
    (now.len() == before.len()).then(|| taken() / 1000)
}

/// By its own counter, or else by its power at both ends. A counter that went back began anew with its driver.
fn of_card(now: CardReading, before: CardReading, lasted: Duration) -> Option<u64> {
    if let Some((now, before)) = now.energy.zip(before.energy) {
        return now.checked_sub(before);
    }
    let (now, before) = now.power.zip(before.power)?;
    let milliseconds = u64::try_from(lasted.as_millis()).ok()?;
    Some((u64::from(now) + u64::from(before)).saturating_mul(milliseconds) / 2000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: u64 = 262_143_328_850;

    fn reading(at_ms: u64, wall_ms: u64, microjoules: Option<u64>) -> PowerReading {
        PowerReading {
            at: Duration::from_millis(at_ms),
            wall: SystemTime::UNIX_EPOCH + Duration::from_millis(wall_ms),
            processors: microjoules.map(|microjoules| vec![Count { microjoules, most: MOST }]),
            card: None,
        }
    }

    fn with_card(at_ms: u64, index: u32, power: Option<u32>, energy: Option<u64>) -> PowerReading {
        PowerReading { card: Some(CardReading { index, power, energy }), ..reading(at_ms, at_ms, None) }
    }

    #[test]
    fn time_in_which_the_machine_slept_or_its_clock_was_set_is_left_out() {
        let before = reading(0, 100_000, Some(0));
        for (at, wall, counted) in [
            (10_000, 110_000, true),
            (10_000, 114_000, true),
            (10_000, 116_000, false),
            (10_000, 4_000_000, false),
            (10_000, 90_000, false),
            (60_000, 160_000, true),
            (61_000, 161_000, false),
        ] {
            let energy = reading(at, wall, Some(5_000)).since(&before);
            assert_eq!(energy.is_some(), counted, "{at} {wall}");
        }
    }

    #[test]
    fn a_processor_that_cannot_be_read_leaves_its_part_out() {
        let energy = reading(10_000, 10_000, None).since(&reading(0, 0, Some(1))).unwrap();
        assert_eq!((energy.lasted.as_secs(), energy.processor_mj, energy.card_mj), (10, None, None));
    }

    #[test]
    fn a_card_is_counted_by_its_own_counter_or_else_by_its_power() {
        for (before, after, expected) in [
            ((0, Some(100_000), Some(5_000)), (0, Some(100_000), Some(6_500)), Some(1_500)),
            ((0, Some(100_000), None), (0, Some(300_000), None), Some(2_000_000)),
            ((0, None, Some(9_000)), (0, None, Some(1_000)), None),
            ((0, None, None), (0, Some(1), None), None),
            ((0, None, Some(5_000)), (1, None, Some(6_500)), None),
        ] {
            let one = |at, (index, power, energy)| with_card(at, index, power, energy);
            let energy = one(10_000, after).since(&one(0, before)).unwrap();
            assert_eq!(energy.card_mj, expected, "{before:?} {after:?}");
        }
    }

    proptest! {
        /// However often the counter begins anew, all that was taken is counted, if it is read in time.
        #[test]
        fn what_is_counted_adds_up_over_the_end_of_the_counter(
            start in 0..MOST,
            steps in prop::collection::vec(0..MOST / 2, 1..40),
        ) {
            let (mut at, mut counter, mut counted, mut taken) = (0, start, 0, 0_u64);
            let mut before = reading(0, 0, Some(counter));
            for step in &steps {
                (at, counter, taken) = (at + 10_000, (counter + step) % MOST, taken + step);
                let now = reading(at, at, Some(counter));
                counted += now.since(&before).unwrap().processor_mj.unwrap();
                before = now;
            }
            // Each reading is cut to whole millijoules.
            prop_assert!(taken / 1000 - counted <= steps.len() as u64, "{taken} {counted}");
        }
    }
}
