//! How fast a variant should be before it is measured: a token of an answer needs all weights once, so that the speed of
//! memory says how fast they come.
//!
//! Every measurement on the machine corrects the estimates of what was not measured, and tells by how much they are off.

use std::cmp::Ordering;

use cortensor_hardware::Backend;
use cortensor_protocol::PrecisionClass;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Measurement, RequestShape, Variant,
    device::{Devices, Placed},
    memory::read_for_a_token,
    speed::hourly,
};

/// What a variant should do, by the speed of memory.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct SpeedEstimate {
    /// Answer tokens a second.
    pub decode_tokens_per_second: f64,
    /// Typical requests in an hour.
    pub requests_per_hour: f64,
    /// The truth should be within this factor, up or down.
    pub error_factor: f64,
}

/// Part of the speed of copying that answers read at. Two cores read 6 to 10 GB a second for answers of 135 million to a
/// billion parameters (docs/performance.md); other machines were **not measured**.
const PROCESSOR_SHARE: f64 = 0.4;
/// **Not measured** yet.
const CARD_SHARE: f64 = 0.5;
/// What a layer of a token takes on a card however small it is: the processor has to start each of its steps. Measured with
/// the starter model on an H100 with a Xeon: 0.23 to 0.38 ms (docs/cards.md).
const CARD_LAYER_SECONDS: f64 = 0.3e-3;
/// Nothing was measured on the machine.
const UNMEASURED_FACTOR: f64 = 3.0;
/// Formats of one model differ by as much among themselves.
const LEAST_FACTOR: f64 = 1.7;
/// Prompt tokens in the time of an answer's token. Measured on two cores: 2 to 8 for quantized weights, 20 for full precision.
const PREFILL: [(PrecisionClass, f64); 2] = [(PrecisionClass::Full, 20.0), (PrecisionClass::Quantized, 4.0)];
/// On a card. Measured with the starter model on an H100: 110 to 180; larger models were **not measured**.
const CARD_PREFILL: f64 = 30.0;

/// Bytes a second that answers read, and how sure that is.
#[derive(Clone, Copy, Debug)]
struct Reading {
    bytes_per_second: f64,
    factor: f64,
    /// Less than this no layer takes; nothing where it is part of what was measured.
    layer_seconds: f64,
}

/// Estimates the variants of one machine.
pub(crate) struct Estimator<'a> {
    devices: &'a Devices,
    known: Vec<(&'a Variant, &'a Measurement)>,
    shape: RequestShape,
}

impl<'a> Estimator<'a> {
    pub(crate) fn new(
        devices: &'a Devices,
        variants: &'a [Variant],
        measurements: &'a [Measurement],
        shape: RequestShape,
    ) -> Self {
        let known = measurements.iter().filter(|one| one.rates().is_some());
        let known =
            known.filter_map(|one| Some((variants.iter().find(|variant| variant.artifact == one.artifact)?, one)));
        let mut known: Vec<_> = known.collect();
        known.sort_by_key(|(variant, _)| variant.artifact);
        Self { devices, known, shape }
    }

    /// What `variant` should do where it is placed. Its own measurement does not count: so it tells how far off the estimate is.
    pub(crate) fn estimate(&self, variant: &Variant, placed: &Placed) -> Option<SpeedEstimate> {
        let (seconds, factor) = self.seconds_for_a_token(variant, placed)?;
        let decode = 1.0 / seconds;
        let prefill = decode * self.prefill_ratio(variant, placed.placement.backend());
        Some(SpeedEstimate {
            decode_tokens_per_second: decode,
            requests_per_hour: hourly(prefill, decode, self.shape)?,
            error_factor: factor,
        })
    }

    /// Each device reads its layers, one device after the other.
    fn seconds_for_a_token(&self, variant: &Variant, placed: &Placed) -> Option<(f64, f64)> {
        let bytes = as_number(read_for_a_token(variant)) / f64::from(variant.geometry.layers.max(1));
        let (mut seconds, mut factor) = (0.0, 1.0_f64);
        for device in &placed.devices {
            let reading = self.reading(variant, device.card, placed.placement.backend())?;
            let layer_seconds = (bytes / reading.bytes_per_second).max(reading.layer_seconds);
            seconds += f64::from(device.layers) * layer_seconds;
            factor = factor.max(reading.factor);
        }
        (seconds > 0.0).then_some((seconds, factor))
    }

    fn reading(&self, variant: &Variant, card: Option<u32>, backend: Option<Backend>) -> Option<Reading> {
        let backend = backend.filter(|_| card.is_some());
        self.measured(variant, backend).or_else(|| {
            let (bandwidth, share, layer_seconds) = match card {
                None => (self.devices.processor_bandwidth, PROCESSOR_SHARE, 0.0),
                Some(index) => {
                    let card = self.devices.cards.iter().find(|card| card.index == index)?;
                    (card.bandwidth, CARD_SHARE, CARD_LAYER_SECONDS)
                }
            };
            let bytes_per_second = as_number(bandwidth?) * share;
            Some(Reading { bytes_per_second, factor: UNMEASURED_FACTOR, layer_seconds })
        })
    }

    /// The middle of what the others read, and how far they are from it.
    fn measured(&self, variant: &Variant, backend: Option<Backend>) -> Option<Reading> {
        let others = self.others(variant, backend);
        let read =
            |(other, one): &(&Variant, &Measurement)| one.decode_tokens_per_second * as_number(read_for_a_token(other));
        let read: Vec<f64> = others.iter().map(read).collect();
        let middle = geometric_mean(&read)?;
        let furthest = read.iter().map(|one| (one / middle).max(middle / one)).max_by(f64::total_cmp)?;
        Some(Reading { bytes_per_second: middle, factor: furthest.max(LEAST_FACTOR), layer_seconds: 0.0 })
    }

    fn prefill_ratio(&self, variant: &Variant, backend: Option<Backend>) -> f64 {
        let class = variant.precision.class();
        let mut others = self.others(variant, backend);
        others.retain(|(other, _)| other.precision.class() == class);
        let ratios: Vec<f64> =
            others.iter().map(|(_, one)| one.prefill_tokens_per_second / one.decode_tokens_per_second).collect();
        let usual = PREFILL.into_iter().find(|(known, _)| *known == class).map_or(CARD_PREFILL, |(_, ratio)| ratio);
        geometric_mean(&ratios).unwrap_or(if backend.is_some() { CARD_PREFILL } else { usual })
    }

    fn others(&self, variant: &Variant, backend: Option<Backend>) -> Vec<(&'a Variant, &'a Measurement)> {
        let other = |(other, one): &&(&Variant, &Measurement)| {
            other.artifact != variant.artifact && one.backend == backend && read_for_a_token(other) > 0
        };
        self.known.iter().filter(other).copied().collect()
    }
}

fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let mut logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    // The same sum whatever the order.
    logarithms.sort_by(|left, right| left.partial_cmp(right).unwrap_or(Ordering::Equal));
    let count = f64::from(u32::try_from(logarithms.len()).unwrap_or(u32::MAX));
    Some((logarithms.iter().sum::<f64>() / count).exp())
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(crate) fn as_number(bytes: u64) -> f64 {
    bytes as f64
}
