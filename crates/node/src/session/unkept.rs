//! Settlements that the ledger did not take yet.

use std::{collections::VecDeque, time::Duration};

use cortensor_protocol::Settlement;
use tokio::time::Instant;

use super::Ended;

/// Most of them; the router sends what is missing again after the next hello.
const MOST: usize = 1024;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Settlements that are not in the ledger yet, oldest first, and when to try again.
pub(super) struct Unkept {
    settlements: VecDeque<Settlement>,
    wait: Duration,
    next_try: Instant,
}

impl Default for Unkept {
    fn default() -> Self {
        Self { settlements: VecDeque::new(), wait: FIRST_WAIT, next_try: Instant::now() }
    }
}

impl Unkept {
    pub(super) fn is_empty(&self) -> bool {
        self.settlements.is_empty()
    }

    pub(super) fn push(&mut self, settlement: Settlement) -> Result<(), Ended> {
        if self.settlements.len() >= MOST {
            return Err(Ended::TooManyUnkept);
        }
        self.settlements.push_back(settlement);
        Ok(())
    }

    pub(super) fn oldest(&self) -> Option<&Settlement> {
        self.settlements.front()
    }

    /// The oldest is in the ledger.
    pub(super) fn kept(&mut self) -> Option<Settlement> {
        self.wait = FIRST_WAIT;
        self.settlements.pop_front()
    }

    /// The oldest is not: it is tried again, less and less often.
    pub(super) fn wait(&mut self) {
        self.next_try = Instant::now() + self.wait;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }

    pub(super) fn next_try(&self) -> Instant {
        self.next_try
    }
}
