//! How fast windows are scored, and how long the rest will take.

use std::time::Duration;

use cortensor_models::Artifact;

use super::windows::WINDOW;
use crate::lab::report::ScoringSpeed;

/// Counts windows and their time.
pub(super) struct Pace {
    /// Windows scored in this run and their time, by model: the reference first.
    scored: Vec<(usize, Duration)>,
    /// All there are to be scored in this run.
    all: usize,
    resumed: usize,
}

#[expect(clippy::cast_precision_loss, reason = "thousands of windows")]
impl Pace {
    /// For models of which `done` windows are known each.
    pub(super) fn new(done: &[usize], windows: usize) -> Self {
        let resumed = done.iter().copied().min().unwrap_or_default().min(windows);
        let others: usize = done.iter().map(|done| windows - (*done).min(windows)).sum();
        Self { scored: vec![(0, Duration::ZERO); done.len() + 1], all: others + windows - resumed, resumed }
    }

    /// Windows that no model has to score again.
    pub(super) fn resumed(&self) -> usize {
        self.resumed
    }

    /// A window was scored by the model at `index`.
    pub(super) fn scored(&mut self, index: usize, took: Duration) {
        let (windows, time) = &mut self.scored[index];
        (*windows, *time) = (*windows + 1, *time + took);
    }

    /// 0 to 1.
    pub(super) fn progress(&self) -> f32 {
        if self.all == 0 { 1.0 } else { (self.windows() as f32 / self.all as f32).min(1.0) }
    }

    /// Over all models.
    pub(super) fn tokens_per_second(&self) -> Option<f64> {
        rate(self.windows(), self.time())
    }

    /// Until the end, as fast as so far.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        let left = self.all.saturating_sub(self.windows());
        Some((left * WINDOW) as f64 / self.tokens_per_second()?)
    }

    /// By model.
    pub(super) fn by_model(&self, artifacts: &[Artifact]) -> Vec<ScoringSpeed> {
        let speeds = artifacts.iter().zip(&self.scored).filter_map(|(artifact, (windows, time))| {
            Some(ScoringSpeed { precision: artifact.precision, tokens_per_second: rate(*windows, *time)? })
        });
        speeds.collect()
    }

    fn windows(&self) -> usize {
        self.scored.iter().map(|(windows, _)| windows).sum()
    }

    fn time(&self) -> Duration {
        self.scored.iter().map(|(_, time)| time).sum()
    }
}

#[expect(clippy::cast_precision_loss, reason = "thousands of windows")]
fn rate(windows: usize, time: Duration) -> Option<f64> {
    (windows > 0 && !time.is_zero()).then(|| (windows * WINDOW) as f64 / time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_already_is_not_counted_again() {
        let mut pace = Pace::new(&[2, 4], 4);
        assert_eq!((pace.resumed(), pace.all, pace.progress(), pace.seconds_left()), (2, 4, 0.0, None));
        for index in [0, 1] {
            pace.scored(index, Duration::from_secs(1));
        }
        assert_eq!((pace.progress(), pace.tokens_per_second(), pace.seconds_left()), (0.5, Some(512.0), Some(2.0)));
        assert!((Pace::new(&[4, 5], 4).progress() - 1.0).abs() < 1e-12);
    }
}
