//! What to do about an engine that breaks down: load again, later and later, and not for ever.

use std::time::Duration;

use tokio::time::Instant;

/// How long to wait before the model is loaded again, after each breakdown in a row.
const WAITS: [Duration; 4] = [Duration::ZERO, Duration::from_secs(15), Duration::from_mins(1), Duration::from_mins(5)];
/// An engine that has worked for as long is well again.
const WELL_AFTER: Duration = Duration::from_mins(30);

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Load again after a while.
    LoadAgain { after: Duration },
    /// It broke down too often: the user must look.
    GiveUp,
}

/// Counts breakdowns.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watchdog {
    in_a_row: usize,
    last: Option<Instant>,
}

impl Watchdog {
    /// What helps now that it has broken down (again), and not for want of memory.
    pub(super) fn remedy(&mut self, at: Instant) -> Remedy {
        if self.last.is_none_or(|last| at.duration_since(last) >= WELL_AFTER) {
            self.in_a_row = 0;
        }
        self.last = Some(at);
        let remedy = WAITS.get(self.in_a_row).map_or(Remedy::GiveUp, |after| Remedy::LoadAgain { after: *after });
        self.in_a_row += 1;
        remedy
    }

    /// The user says to go on: whatever was wrong may be mended.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_breaks_down_is_loaded_again_later_and_later_and_then_given_up() {
        let (mut watchdog, start) = (Watchdog::default(), Instant::now());
        let remedies: Vec<_> = (0..6).map(|_| watchdog.remedy(start)).collect();
        let waits = WAITS.map(|after| Remedy::LoadAgain { after });
        assert_eq!(remedies, [&waits[..], &[Remedy::GiveUp, Remedy::GiveUp]].concat());
        watchdog.forget();
        assert_eq!(watchdog.remedy(start), waits[0]);
    }

    #[test]
    fn breakdowns_that_lie_far_apart_are_not_in_a_row() {
        let (mut watchdog, start) = (Watchdog::default(), Instant::now());
        for number in 0..10 {
            let remedy = watchdog.remedy(start + WELL_AFTER * number);
            assert_eq!(remedy, Remedy::LoadAgain { after: Duration::ZERO });
        }
    }
}
