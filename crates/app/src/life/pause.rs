//! Pausing for a while, and going on by itself when it is over.

use std::time::Duration;

use cortensor_protocol::Millis;
use tokio::time::{MissedTickBehavior, interval};

use super::Life;
use crate::{Clock, CommandError, PauseLength, pause::millis};

/// How often the clock on the wall is looked at. A timer would not do: it stands still while the machine sleeps.
const PERIOD: Duration = Duration::from_secs(1);

impl Life {
    /// Finishes what runs and gives the memory back.
    pub(super) async fn pause(&mut self, length: PauseLength) -> Result<(), CommandError> {
        let until = length.end(&(self.config.clock)());
        self.keep(self.choice.paused(until))?;
        self.make_room().await;
        Ok(())
    }

    /// Goes on, because a pause is over. A reason to step aside still is one: nobody said to mine all the same.
    pub(super) async fn wake(&mut self) {
        let next = self.choice.resumed();
        if let Err(error) = self.keep(next) {
            // The file says when the pause was over, which is as good at the next start.
            tracing::warn!(%error, "the end of the pause was not written down");
            self.choice = next;
            self.status.send_modify(|status| next.show(status));
        }
        tracing::info!("the pause is over");
        if let Err(error) = self.go_on().await {
            tracing::warn!(%error, "the miner did not go on by itself");
        }
    }
}

/// Done when the clock has come to `until`; never, if that is no time.
pub(super) async fn over(until: Option<Millis>, clock: Clock) {
    let Some(until) = until else { return std::future::pending().await };
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while millis(&clock()) < until {
        period.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use jiff::{ToSpan, Zoned};
    use tokio::time::{Instant, timeout};

    use super::*;

    /// A clock that goes with the paused time of the test, and as much ahead as it is told.
    fn clock() -> (Clock, Arc<AtomicI64>) {
        let (begun, started, ahead) = (Zoned::now(), Instant::now(), Arc::new(AtomicI64::new(0)));
        let told = Arc::clone(&ahead);
        let passed = move || i64::try_from(started.elapsed().as_millis()).unwrap() + told.load(Ordering::SeqCst);
        (Arc::new(move || begun.checked_add(passed().milliseconds()).unwrap()), ahead)
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_over_in_time_also_where_the_machine_slept_meanwhile() {
        for (slept, expected) in
            [(Duration::ZERO, 900), (Duration::from_secs(600), 300), (Duration::from_secs(5000), 0)]
        {
            let (clock, ahead) = clock();
            let (until, started) = (PauseLength::QuarterHour.end(&clock()), Instant::now());
            let waiting = tokio::spawn(over(until, clock));
            ahead.store(i64::try_from(slept.as_millis()).unwrap(), Ordering::SeqCst);
            waiting.await.unwrap();
            let waited = started.elapsed().as_secs();
            assert!((expected..=expected + 1).contains(&waited), "{slept:?}: {waited} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_without_an_end_has_none() {
        let waiting = timeout(Duration::from_secs(1_000_000), over(None, clock().0));
        assert!(waiting.await.is_err());
    }
}
