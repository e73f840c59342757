//! How long to wait before a source is asked again.

use std::time::Duration;

use crate::DownloadError;

/// Longer pauses after each failure, never the same for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// No pause is longer; a source that asks for a longer one is given up.
    pub longest: Duration,
    /// After so many failures without a byte between them the source is given up.
    pub attempts: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(120), attempts: 6 }
    }
}

impl Backoff {
    /// The pause after this many failures; nothing if the source is to be given up. `chance` is from 0 to 1.
    pub(crate) fn pause(&self, failures: u32, error: &DownloadError, chance: f64) -> Option<Duration> {
        if !error.is_passing() || failures >= self.attempts {
            return None;
        }
        let asked = error.retry_after();
        if asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << failures.min(20).saturating_sub(1)).min(self.longest);
        Some(doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0).max(asked.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(seconds: Option<u64>) -> DownloadError {
        DownloadError::Busy { host: "hub".to_owned(), status: 429, retry_after: seconds.map(Duration::from_secs) }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_what_a_source_asks_for_is_kept() {
        let backoff = Backoff::default();
        let millis =
            |failures, after, chance| backoff.pause(failures, &busy(after), chance).map(|pause| pause.as_millis());
        let cases = [
            (1, None, 1.0, Some(500)),
            (1, None, 0.0, Some(250)),
            (3, None, 1.0, Some(2000)),
            (5, None, 1.0, Some(8000)),
            (6, None, 1.0, None),
            (1, Some(7), 0.5, Some(7000)),
            (1, Some(121), 0.5, None),
        ];
        for (failures, after, chance, expected) in cases {
            assert_eq!(millis(failures, after, chance), expected, "{failures} {after:?} {chance}");
        }
        let lasting = DownloadError::Refused { host: "hub".to_owned(), status: 403 };
        assert_eq!(backoff.pause(1, &lasting, 1.0), None);
    }
}
