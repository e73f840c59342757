//! Which answers validators look at, and when a claim is found false.

use std::time::Duration;

use cortensor_fidelity::{Calibration, Figures, Scale};
use cortensor_protocol::{ArtifactDigest, DeviceKind, PrecisionClass};
use serde::{Deserialize, Serialize};

/// Which answers validators look at, and when a claim is found false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditPolicy {
    /// Users' answers of a claim that are looked at before it is trusted (BOINC's figure), one verdict besides.
    pub trusted_after: u32,
    /// Of the n-th answer of a trusted claim on, 1/n are looked at, and never fewer than this share.
    pub least_share: f64,
    /// How long a claim is not believed after it was found false, in seconds. Each further time doubles this.
    pub bar_seconds: u64,
    /// The longest that gets, in seconds: there is always a way back.
    pub longest_bar_seconds: u64,
    /// How long, in seconds, pay may be taken back by an audit, and not be withdrawn, at the most. It is final sooner if an
    /// answer of the same claim that was settled later is found consistent. As long as a test is good for: by then
    /// every claim that is still served was tested anew. Without a validator this age alone makes pay final.
    pub final_after_seconds: u64,
    /// Answers that may wait for a validator; the oldest are dropped. They are kept in memory only.
    pub queue: usize,
    /// Of these, answers of one claim: a busy node does not crowd out the others.
    pub queue_per_claim: usize,
    /// Answers that a validator is given at a time.
    pub hand_out: usize,
    /// How long a validator may look at what it was given, in seconds.
    pub within_seconds: u64,
    /// How long a validator that asks waits for answers, in seconds.
    pub wait_seconds: u64,
    /// Answers are kept only while a validator has asked within so many seconds.
    pub validator_seconds: u64,
    /// What honest answers and the nearest lie look like, for artifacts that were not measured. Wide enough for other
    /// kinds of devices than the reference's: a 4-bit artifact that poses as an exact one is found out, a nearly equal
    /// one (`Q8_0` as `F16`) is not.
    pub calibration: Calibration,
    /// The same for quantized artifacts on graphics cards, whose kernels round more than the weights: to a processor the likeliest
    /// token is another one in one place of 32 (`Q8_0`) to one of 11 (`Q4_0`), where it is the same everywhere for `F16`
    /// (docs/cards.md). How far the scores of such answers go was not measured; another model that poses as such an
    /// artifact is found out, a neighbouring precision is not.
    pub quantized_on_cards: Calibration,
    /// The same for artifacts that were, each on one kind of device: `precision_audit` measures them (docs/performance.md).
    pub calibrations: Vec<MeasuredCalibration>,
}

/// What was measured of an artifact on a kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredCalibration {
    /// The file.
    pub artifact: ArtifactDigest,
    /// What the nodes compute on that it holds for.
    #[serde(default)]
    pub device: DeviceKind,
    /// What honest answers of it and the nearest lie look like there.
    pub figures: Calibration,
}

/// Evaluated by the compiler, which refuses what makes no sense.
const WIDE: Calibration = calibrated(0.01, 0.05);
const WIDER: Calibration = calibrated(0.03, 0.12);

const fn calibrated(honest_mean: f64, lie_mean: f64) -> Calibration {
    let scale = Scale { tie: 0.05, clear: 1.0 };
    match Calibration::new(Figures { scale, honest_mean, lie_mean, false_alarm: 1e-5, missed_lie: 1e-3 }) {
        Ok(calibration) => calibration,
        Err(_) => panic!("figures that make no sense together"),
    }
}

impl Default for AuditPolicy {
    fn default() -> Self {
        Self {
            trusted_after: 10,
            least_share: 0.02,
            bar_seconds: 24 * 3600,
            longest_bar_seconds: 30 * 24 * 3600,
            final_after_seconds: 7 * 24 * 3600,
            queue: 256,
            queue_per_claim: 32,
            hand_out: 8,
            within_seconds: 300,
            wait_seconds: 25,
            validator_seconds: 60,
            calibration: WIDE,
            quantized_on_cards: WIDER,
            calibrations: Vec::new(),
        }
    }
}

impl AuditPolicy {
    /// What is known of an artifact's honest answers on a kind of device.
    pub(crate) fn calibration(
        &self,
        artifact: &ArtifactDigest,
        device: DeviceKind,
        class: PrecisionClass,
    ) -> Calibration {
        let usual = match (device, class) {
            (DeviceKind::Cuda | DeviceKind::Metal, PrecisionClass::Quantized) => self.quantized_on_cards,
            _ => self.calibration,
        };
        let measured = |one: &&MeasuredCalibration| one.artifact == *artifact && one.device == device;
        self.calibrations.iter().find(measured).map_or(usual, |one| one.figures)
    }

    /// How long a claim is barred that was found false so often before.
    pub(crate) fn bar(&self, failures: u32) -> Duration {
        let doubled = self.bar_seconds.saturating_mul(2_u64.saturating_pow(failures));
        Duration::from_secs(doubled.min(self.longest_bar_seconds))
    }

    pub(crate) const fn final_after(&self) -> Duration {
        Duration::from_secs(self.final_after_seconds)
    }

    pub(crate) const fn within(&self) -> Duration {
        Duration::from_secs(self.within_seconds)
    }

    pub(crate) const fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_seconds)
    }

    /// Long enough to span the time that a validator looks and does not ask.
    pub(crate) const fn validator(&self) -> Duration {
        Duration::from_secs(self.validator_seconds.saturating_add(self.within_seconds))
    }
}
