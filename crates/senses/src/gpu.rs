//! What other programs take of NVIDIA cards. Of other makers' cards nothing is known.

use std::cell::OnceCell;

use nvml_wrapper::Nvml;

#[derive(Default)]
pub(crate) struct Others {
    /// Opened by the first reading. Where there is no driver, none is looked for again.
    library: OnceCell<Option<Nvml>>,
    /// Microseconds: samples up to here were seen.
    seen: u64,
}

impl Others {
    /// The largest share of any card that other processes took since the last reading.
    pub(crate) fn share(&mut self) -> Option<f32> {
        let library = self.library.get_or_init(|| Nvml::init().ok()).as_ref()?;
        let own = std::process::id();
        let (mut most, mut latest) = (None, self.seen);
        for index in 0..library.device_count().ok()? {
            // A card on which nothing ran has no samples, and says so with an error.
            let samples = library.device_by_index(index).ok()?.process_utilization_stats(self.seen).unwrap_or_default();
            latest = samples.iter().map(|sample| sample.timestamp).fold(latest, u64::max);
            let others: u32 = samples.iter().filter(|sample| sample.pid != own).map(|sample| sample.sm_util).sum();
            most = most.max(Some(others.min(100)));
        }
        self.seen = latest;
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        most.map(|percent| percent as f32 / 100.0)
    }
}
