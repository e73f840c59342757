//! A limit of bytes per second over everything that is downloaded.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// The limit, shared by all transfers; it can be changed while they run.
#[derive(Debug, Default)]
pub struct Pace {
    /// 0 is none.
    bytes_per_second: AtomicU64,
    free_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// A limit, or none.
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        let pace = Self::default();
        pace.set(bytes_per_second);
        pace
    }

    /// Changes the limit, from the next bytes on.
    pub fn set(&self, bytes_per_second: Option<u64>) {
        self.bytes_per_second.store(bytes_per_second.unwrap_or_default(), Ordering::Relaxed);
    }

    /// The limit.
    pub fn limit(&self) -> Option<u64> {
        Some(self.bytes_per_second.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    /// Waits until these bytes, which have come, are paid for.
    pub(crate) async fn take(&self, bytes: usize) {
        if let Some(until) = self.book(bytes, Instant::now()) {
            sleep_until(until).await;
        }
    }

    fn book(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.bytes_per_second.load(Ordering::Relaxed);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        if rate == 0 {
            *free_at = None;
            return None;
        }
        let start = free_at.map_or(now, |free_at| free_at.max(now));
        let nanos = (bytes as u128 * 1_000_000_000) / u128::from(rate);
        let end = start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        *free_at = Some(end);
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_takers_together_keep_the_limit_and_a_change_holds_at_once() {
        let pace = Pace::new(Some(1000));
        let start = Instant::now();
        tokio::join!(pace.take(500), pace.take(500), pace.take(1000));
        assert!((2000..2003).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
        pace.set(None);
        pace.take(1_000_000).await;
        assert!(start.elapsed().as_millis() < 2003);
    }
}
