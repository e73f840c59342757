//! How far a download is, how fast it goes and how long it will take.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Over how long the rate is measured: short enough to follow a change, long enough to be read.
const WINDOW: Duration = Duration::from_secs(5);
/// Samples closer together than this are one.
const GRAIN: Duration = Duration::from_millis(100);

/// Where a download is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// The file.
    pub file: String,
    /// The host it comes from.
    pub host: String,
    /// Bytes of the model that are here.
    pub done: u64,
    /// Bytes of the model.
    pub total: u64,
    /// Bytes a second of late; absent before it is known.
    pub bytes_per_second: Option<u64>,
    /// Seconds that are left at this rate.
    pub seconds_left: Option<u64>,
}

/// What is being done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Sources are asked, and files that are here already are looked at.
    #[default]
    Asking,
    /// Bytes come.
    Downloading,
    /// A source failed and is asked again after a pause.
    Waiting {
        /// The code of what happened.
        code: &'static str,
    },
    /// The whole file is checked.
    Verifying,
    /// It is in its place.
    Finished,
}

/// Who is shown the progress. Must not block.
pub type Show = Arc<dyn Fn(Progress) + Send + Sync>;

/// Adds up what comes and shows it.
pub(crate) struct Reporter {
    show: Show,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    meter: Meter,
}

/// Bytes of late.
#[derive(Default)]
struct Meter {
    samples: VecDeque<(Instant, u64)>,
}

impl Reporter {
    pub(crate) fn new(show: Show) -> Self {
        Self { show, state: Mutex::default() }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Progress)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state.progress);
        (self.show)(state.progress.clone());
    }

    pub(crate) fn stage(&self, stage: Stage) {
        self.change(|progress| progress.stage = stage);
    }

    /// Bytes came from a source.
    pub(crate) fn came(&self, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.meter.add(Instant::now(), bytes);
        let rate = state.meter.rate();
        let progress = &mut state.progress;
        progress.stage = Stage::Downloading;
        progress.done += bytes;
        progress.bytes_per_second = rate;
        let left = progress.total.saturating_sub(progress.done);
        progress.seconds_left = rate.filter(|rate| *rate > 0).map(|rate| left.div_ceil(rate));
        (self.show)(progress.clone());
    }

    /// Bytes that had come are lost again: an answer broke within a chunk.
    pub(crate) fn lost(&self, bytes: u64) {
        self.change(|progress| progress.done = progress.done.saturating_sub(bytes));
    }
}

impl Meter {
    fn add(&mut self, now: Instant, bytes: u64) {
        match self.samples.back_mut() {
            Some((at, count)) if now - *at < GRAIN => *count += bytes,
            _ => self.samples.push_back((now, bytes)),
        }
        while self.samples.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.samples.pop_front();
        }
    }

    /// The first sample only says when counting began.
    fn rate(&self) -> Option<u64> {
        let ((first, _), (last, _)) = (self.samples.front()?, self.samples.back()?);
        let millis = u64::try_from((*last - *first).as_millis()).ok().filter(|millis| *millis > 0)?;
        let bytes: u64 = self.samples.iter().skip(1).map(|(_, bytes)| bytes).sum();
        Some(bytes.saturating_mul(1000) / millis)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rate_and_time_left_follow_the_last_seconds() {
        let seen = Arc::new(Mutex::new(Progress::default()));
        let show = {
            let seen = seen.clone();
            Arc::new(move |progress| *seen.lock().unwrap() = progress)
        };
        let reporter = Reporter::new(show);
        reporter.change(|progress| progress.total = 20_000);
        reporter.came(1000);
        assert_eq!(seen.lock().unwrap().bytes_per_second, None);
        for _ in 0..9 {
            advance(Duration::from_secs(1)).await;
            reporter.came(1000);
        }
        let progress = seen.lock().unwrap().clone();
        assert_eq!((progress.done, progress.bytes_per_second, progress.seconds_left), (10_000, Some(1000), Some(10)));
        advance(Duration::from_secs(60)).await;
        reporter.came(1000);
        advance(Duration::from_secs(1)).await;
        reporter.came(500);
        assert_eq!(seen.lock().unwrap().bytes_per_second, Some(500));
    }
}
