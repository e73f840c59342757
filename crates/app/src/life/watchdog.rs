//! What to do about an engine that breaks down: load again, later and later, with less memory where that was the reason, and
//! not for ever.

use std::time::Duration;

use cortensor_node::BreakdownKind;
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
    /// How often the context was halved since the plan was made.
    pub(super) halvings: u32,
}

impl Watchdog {
    /// What helps now that it has broken down (again).
    pub(super) fn remedy(&mut self, kind: BreakdownKind, at: Instant) -> Remedy {
        if self.last.is_none_or(|last| at.duration_since(last) >= WELL_AFTER) {
            self.in_a_row = 0;
        }
        self.last = Some(at);
        if kind == BreakdownKind::OutOfMemory {
            // What helps is less memory, not time; and it ends at the smallest context.
            self.halvings += 1;
            return Remedy::LoadAgain { after: Duration::ZERO };
        }
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
        let remedies: Vec<_> = (0..6).map(|_| watchdog.remedy(BreakdownKind::Failed, start)).collect();
        let waits = WAITS.map(|after| Remedy::LoadAgain { after });
        assert_eq!(remedies, [&waits[..], &[Remedy::GiveUp, Remedy::GiveUp]].concat());
        assert_eq!(watchdog.halvings, 0);
        watchdog.forget();
        assert_eq!(watchdog.remedy(BreakdownKind::Failed, start), waits[0]);
    }

    #[test]
    fn breakdowns_that_lie_far_apart_are_not_in_a_row() {
        let (mut watchdog, start) = (Watchdog::default(), Instant::now());
        for number in 0..10 {
            let remedy = watchdog.remedy(BreakdownKind::Hung, start + WELL_AFTER * number);
            assert_eq!(remedy, Remedy::LoadAgain { after: Duration::ZERO });
        }
    }

    #[test]
    fn each_time_that_memory_was_short_the_context_is_halved_once_more() {
        let (mut watchdog, start) = (Watchdog::default(), Instant::now());
        for kind in [BreakdownKind::OutOfMemory, BreakdownKind::Failed, BreakdownKind::OutOfMemory] {
            watchdog.remedy(kind, start);
        }
        assert_eq!(watchdog.halvings, 2);
    }
}
