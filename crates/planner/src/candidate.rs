//! What of the variants fits on this machine, where, and how fast it is there.

use std::{cmp::Reverse, iter};

use cortensor_hardware::Hardware;
use cortensor_protocol::known_code;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Load, Measurement, MemoryEstimate, MemoryLimit, PlanSettings, SpeedEstimate, Variant, Verdict,
    device::{DeviceMemory, Devices, Placed, Placement},
    estimate::Estimator,
    estimate_memory, requests_per_hour,
};

/// Whether something fits into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// With the context that was wished for.
    Fits,
    /// With less of it.
    FitsWithLessContext,
    /// Not at all.
    DoesNotFit,
}

/// A variant as it would be loaded here, or why it cannot be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Alternative {
    /// Which.
    pub variant: Variant,
    /// Whether it fits.
    pub fit: Fit,
    /// Why, in words.
    pub reason: String,
    /// The same for programs; nothing where the miner is older, or its code is newer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
    #[ts(optional)]
    pub why: Option<Verdict>,
    /// Where it would compute.
    pub placement: Placement,
    /// With what it would be loaded; with the least if it does not fit.
    pub load: Load,
    /// What that takes.
    pub memory: MemoryEstimate,
    /// By measurement.
    pub measured_requests_per_hour: Option<f64>,
    /// By the speed of memory, beside a measurement too: so one sees how far off it is.
    pub estimate: Option<SpeedEstimate>,
}

pub(crate) const DEFAULT_CONTEXT: u32 = 4096;
pub(crate) const LEAST_CONTEXT: u32 = 512;
/// A faster device is worth losing context for, down to this.
const DECENT_CONTEXT: u32 = 2048;
/// The engine answers one request after the other: others wait in the router, where another node may take them.
const DEFAULT_SLOTS: u32 = 1;
/// A part on cards is worth its trouble only where it makes answers this much faster: estimates are no closer.
const SPLIT_PAYS: f64 = 1.25;
/// A typical request that takes longer is late on a network: a test must be over in as many seconds.
const LONGEST_REQUEST_SECONDS: f64 = 120.0;

#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) variant: Variant,
    pub(crate) load: Load,
    pub(crate) wished_context: u32,
    /// What it would be loaded with if it had not run out of memory with that.
    pub(crate) ran_out: Option<Load>,
    pub(crate) placement: Placement,
    pub(crate) devices: Vec<DeviceMemory>,
    pub(crate) memory: MemoryEstimate,
    pub(crate) per_hour: Option<f64>,
    pub(crate) estimate: Option<SpeedEstimate>,
    /// How much faster it should be than on the processor alone, where a part of it is on cards.
    pub(crate) gained: Option<f64>,
}

impl Candidate {
    /// Measured, or else estimated.
    pub(crate) fn likely_per_hour(&self) -> Option<f64> {
        self.per_hour.or_else(|| Some(self.estimate?.requests_per_hour))
    }

    /// Too slow for a network, even if an estimate errs in its favour.
    pub(crate) fn is_too_slow(&self) -> bool {
        let best = self.per_hour.or_else(|| self.estimate.map(|one| one.requests_per_hour * one.error_factor));
        best.is_some_and(|best| best < 3600.0 / LONGEST_REQUEST_SECONDS)
    }

    pub(crate) fn usable_bytes(&self) -> u64 {
        self.devices.iter().map(|device| device.usable_bytes).sum()
    }

    fn alternative(&self) -> Alternative {
        let less = self.load.context_tokens < self.wished_context;
        let (needed_bytes, usable_bytes) = (self.memory.total(), self.usable_bytes());
        let Load { context_tokens, .. } = self.load;
        let why = match self.ran_out {
            Some(failed) => Verdict::FitsAfterRunningOut { failed, load: self.load, needed_bytes, usable_bytes },
            None if less => Verdict::FitsWithLess { context_tokens, needed_bytes, usable_bytes },
            None => Verdict::Fits { needed_bytes, usable_bytes },
        };
        Alternative {
            variant: self.variant.clone(),
            fit: if less { Fit::FitsWithLessContext } else { Fit::Fits },
            reason: why.to_string(),
            why: Some(why),
            placement: self.placement.clone(),
            load: self.load,
            memory: self.memory,
            measured_requests_per_hour: self.per_hour,
            estimate: self.estimate,
        }
    }
}

/// A variant that does not fit.
pub(crate) struct Misfit {
    pub(crate) variant: Variant,
    /// It would, and ran out of memory with this.
    pub(crate) ran_out: Option<Load>,
    load: Load,
    memory: MemoryEstimate,
    usable_bytes: u64,
}

impl Misfit {
    pub(crate) fn needed_bytes(&self) -> u64 {
        self.memory.total()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self.ran_out {
            Some(Load { context_tokens, .. }) => Verdict::RanOutOfMemory { context_tokens },
            None => Verdict::TooLarge { needed_bytes: self.needed_bytes(), usable_bytes: self.usable_bytes },
        }
    }

    fn alternative(&self) -> Alternative {
        Alternative {
            variant: self.variant.clone(),
            fit: Fit::DoesNotFit,
            reason: self.verdict().to_string(),
            why: Some(self.verdict()),
            placement: Placement::Processor,
            load: self.load,
            memory: self.memory,
            measured_requests_per_hour: None,
            estimate: None,
        }
    }
}

pub(crate) struct Candidates {
    /// The one that precision mode would want most first.
    pub(crate) fitting: Vec<Candidate>,
    pub(crate) too_large: Vec<Misfit>,
    pub(crate) usable_bytes: u64,
    pub(crate) settings: PlanSettings,
    pub(crate) taken_by_others: f32,
}

impl Candidates {
    pub(crate) fn of(
        hardware: &Hardware,
        variants: &[Variant],
        measurements: &[Measurement],
        settings: &PlanSettings,
    ) -> Self {
        let devices = Devices::of(hardware, settings);
        let surveyor = Surveyor {
            devices: &devices,
            estimator: Estimator::new(&devices, variants, measurements, settings.shape),
            measurements,
            settings,
        };
        let mut sorted: Vec<&Variant> = variants.iter().collect();
        sorted.sort_by_key(|variant| by_worth(variant));
        let (mut fitting, mut too_large) = (Vec::new(), Vec::new());
        for variant in sorted {
            match surveyor.candidate(variant) {
                Some(candidate) => fitting.push(candidate),
                None => too_large.push(surveyor.misfit(variant)),
            }
        }
        let taken = measurements.iter().filter_map(|one| one.taken_by_others);
        let taken_by_others = taken.fold(0.0, f32::max);
        Self { fitting, too_large, usable_bytes: devices.most_bytes(), settings: settings.clone(), taken_by_others }
    }

    pub(crate) fn alternatives(&self) -> Vec<Alternative> {
        let fitting = self.fitting.iter().map(Candidate::alternative);
        fitting.chain(self.too_large.iter().map(Misfit::alternative)).collect()
    }
}

/// Full precision before quantized, larger models before smaller ones, more exact formats before others.
fn by_worth(variant: &Variant) -> impl Ord + use<> {
    let (class, parameters) = (variant.precision.class(), variant.geometry.parameters);
    (class, Reverse(parameters), variant.precision, variant.bytes, variant.artifact)
}

/// What a variant is loaded with where memory is no concern.
pub(crate) fn wished_load(variant: &Variant, settings: &PlanSettings) -> Load {
    let wished = settings.context_tokens.unwrap_or(DEFAULT_CONTEXT);
    Load { context_tokens: wished.min(variant.geometry.context_tokens), slots: settings.slots.unwrap_or(DEFAULT_SLOTS) }
}

/// A load and half its context, and half of that, down to the least.
pub(crate) fn ever_less(load: Load) -> impl Iterator<Item = Load> {
    iter::successors(Some(load), |load| {
        let context_tokens = (load.context_tokens / 2).max(LEAST_CONTEXT);
        (load.context_tokens > LEAST_CONTEXT).then_some(Load { context_tokens, ..*load })
    })
}

type Way<'a> = &'a dyn Fn(Load) -> Option<Placed>;

struct Surveyor<'a> {
    devices: &'a Devices,
    estimator: Estimator<'a>,
    measurements: &'a [Measurement],
    settings: &'a PlanSettings,
}

impl Surveyor<'_> {
    fn candidate(&self, variant: &Variant) -> Option<Candidate> {
        let chosen = self.chosen(variant, &self.settings.limits)?;
        let (load, _) = chosen;
        let without = self.chosen(variant, &[]).map(|(load, _)| load);
        Some(self.placed(variant, without.filter(|without| *without != load), chosen))
    }

    /// How it is loaded best by what is estimated, within what is known of running out of memory.
    fn chosen(&self, variant: &Variant, limits: &[MemoryLimit]) -> Option<(Load, Placed)> {
        let wished = wished_load(variant, self.settings);
        let graphics = self.devices.cards.first().map(|card| card.backend);
        let most = |backend| {
            let limit = limits.iter().find(|limit| limit.is_of(variant.artifact, backend));
            limit.map_or(Some(wished), |limit| limit.within(wished))
        };
        let longest = |backend, way: Way<'_>| ever_less(most(backend)?).find_map(|load| Some((load, way(load)?)));
        let cards = longest(graphics, &|load| self.devices.on_cards(variant, load));
        let processor = longest(None, &|load| self.devices.on_processor(variant, load));
        let pays = |placed: &Placed| {
            processor.is_none() || self.gained(variant, placed).is_some_and(|gained| gained >= SPLIT_PAYS)
        };
        let split = longest(graphics, &|load| self.devices.split(variant, load).filter(pays));
        let decent = wished.context_tokens.min(DECENT_CONTEXT);
        let ways: Vec<(Load, Placed)> = [cards, split, processor].into_iter().flatten().collect();
        ways.iter().find(|(load, _)| load.context_tokens >= decent).or_else(|| ways.first()).cloned()
    }

    fn placed(&self, variant: &Variant, ran_out: Option<Load>, (load, placed): (Load, Placed)) -> Candidate {
        let backend = placed.placement.backend();
        let measured = self.measurements.iter().find(|one| one.artifact == variant.artifact && one.backend == backend);
        let estimate = self.estimator.estimate(variant, &placed);
        let is_split = matches!(placed.placement, Placement::Split { .. });
        let gained = if is_split { self.gained(variant, &placed) } else { None };
        Candidate {
            variant: variant.clone(),
            load,
            wished_context: wished_load(variant, self.settings).context_tokens,
            ran_out,
            placement: placed.placement,
            devices: placed.devices,
            memory: placed.memory,
            per_hour: measured.and_then(|one| requests_per_hour(one, self.settings.shape)),
            estimate,
            gained,
        }
    }

    /// How much faster than on the processor alone, as if that had room; `None` where it cannot be told.
    fn gained(&self, variant: &Variant, split: &Placed) -> Option<f64> {
        let whole = DeviceMemory { card: None, layers: variant.geometry.layers, needed_bytes: 0, usable_bytes: 0 };
        let alone = Placed { placement: Placement::Processor, devices: vec![whole], memory: split.memory };
        let [split, alone] = [split, &alone].map(|placed| self.estimator.estimate(variant, placed));
        Some(split?.decode_tokens_per_second / alone?.decode_tokens_per_second)
    }

    fn misfit(&self, variant: &Variant) -> Misfit {
        let load = wished_load(variant, self.settings);
        let load = ever_less(load).last().unwrap_or(load);
        let memory = estimate_memory(variant, load);
        let ran_out = self.chosen(variant, &[]).is_some().then_some(load);
        Misfit { variant: variant.clone(), ran_out, load, memory, usable_bytes: self.devices.most_bytes() }
    }
}
