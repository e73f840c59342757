//! The devices of a machine, and where on them a model has room.

use cortensor_hardware::{Backend, Gpu, Hardware};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Load, MemoryEstimate, PlanSettings, Variant,
    memory::{Parts, estimate_on, share},
};

/// Where a model computes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Placement {
    /// On the processor alone.
    #[default]
    Processor,
    /// On graphics cards, by their numbers: the first layers on the first.
    Cards {
        /// Through what.
        backend: Backend,
        /// Which.
        cards: Vec<u32>,
    },
    /// The first layers on graphics cards, the rest on the processor.
    Split {
        /// Through what.
        backend: Backend,
        /// Which.
        cards: Vec<u32>,
        /// Layers on them.
        card_layers: u32,
        /// Layers on the processor.
        processor_layers: u32,
    },
}

/// What a model takes of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceMemory {
    /// The card's number; nothing: the processor's memory.
    pub card: Option<u32>,
    /// Layers there.
    pub layers: u32,
    /// What should be taken.
    pub needed_bytes: u64,
    /// What may be.
    pub usable_bytes: u64,
}

impl Placement {
    /// Through what it computes, beside the processor.
    pub const fn backend(&self) -> Option<Backend> {
        match self {
            Self::Processor => None,
            Self::Cards { backend, .. } | Self::Split { backend, .. } => Some(*backend),
        }
    }
}

/// Share of a cap that is planned with: the estimate may be off by as much, and the cap is to hold.
const CAP_SHARE: (u64, u64) = (9, 10);
/// Of unified memory Apple's driver gives graphics so much by default, of more than [`LARGE_UNIFIED`] three quarters. What
/// programs read from it there; **not measured** here.
const UNIFIED_SHARE: (u64, u64) = (2, 3);
const LARGE_UNIFIED_SHARE: (u64, u64) = (3, 4);
const LARGE_UNIFIED: u64 = 36 << 30;

/// A card that this build computes on.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) index: u32,
    pub(crate) backend: Backend,
    pub(crate) usable_bytes: u64,
    pub(crate) bandwidth: Option<u64>,
}

/// What of a machine may be used.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    /// The largest first.
    pub(crate) cards: Vec<Card>,
    spread: bool,
    pub(crate) processor_bytes: u64,
    pub(crate) processor_bandwidth: Option<u64>,
    /// Of all devices together.
    cap: u64,
}

/// A model with its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) placement: Placement,
    pub(crate) devices: Vec<DeviceMemory>,
    pub(crate) memory: MemoryEstimate,
}

impl Devices {
    pub(crate) fn of(hardware: &Hardware, settings: &PlanSettings) -> Self {
        let cap = settings.memory_budget_bytes.map_or(u64::MAX, |budget| share(budget, CAP_SHARE.0, CAP_SHARE.1));
        let usable = |gpu: &Gpu| gpu.backend.filter(|backend| settings.build.has(*backend));
        let cards = hardware.gpus.iter().filter_map(|gpu| card(hardware, gpu, usable(gpu)?, cap));
        let mut cards: Vec<Card> = cards.collect();
        cards.sort_by_key(|card| (card.backend, std::cmp::Reverse(card.usable_bytes), card.index));
        if !settings.spread {
            cards.truncate(1);
        }
        Self {
            cards,
            spread: settings.spread,
            processor_bytes: hardware.memory.free_bytes.min(cap),
            processor_bandwidth: hardware.cpu.memory_bandwidth,
            cap,
        }
    }

    /// The most that a model could have in one way.
    pub(crate) fn most_bytes(&self) -> u64 {
        let cards = self.cards.iter().map(|card| card.usable_bytes).sum::<u64>().min(self.cap);
        self.processor_bytes.max(cards)
    }

    pub(crate) fn on_processor(&self, variant: &Variant, load: Load) -> Option<Placed> {
        let memory = estimate_on(variant, load, None);
        let device = DeviceMemory {
            card: None,
            layers: variant.geometry.layers,
            needed_bytes: memory.total(),
            usable_bytes: self.processor_bytes,
        };
        let placed = Placed { placement: Placement::Processor, devices: vec![device], memory };
        (memory.total() <= self.processor_bytes).then_some(placed)
    }

    /// On as few cards as can be.
    pub(crate) fn on_cards(&self, variant: &Variant, load: Load) -> Option<Placed> {
        let backend = self.cards.first()?.backend;
        let devices = self.fill(variant, load, backend);
        let whole = devices.iter().map(|device| device.layers).sum::<u32>() == variant.geometry.layers;
        let cards = devices.iter().filter_map(|device| device.card).collect();
        let placed = placed(variant, load, Placement::Cards { backend, cards }, devices);
        (whole && placed.memory.total() <= self.cap).then_some(placed)
    }

    /// As many layers on cards as fit, the rest on the processor.
    pub(crate) fn split(&self, variant: &Variant, load: Load) -> Option<Placed> {
        let backend = self.cards.first().filter(|_| self.spread)?.backend;
        // What shares its memory with the processor gains nothing by it.
        let mut devices = (backend != Backend::Metal).then(|| self.fill(variant, load, backend))?;
        let card_layers: u32 = devices.iter().map(|device| device.layers).sum();
        let processor_layers = variant.geometry.layers.checked_sub(card_layers)?;
        let parts = Parts::of(variant, load, None);
        let needed_bytes = parts.device + u64::from(processor_layers) * parts.layer;
        let cards = devices.iter().filter_map(|device| device.card).collect();
        devices.push(DeviceMemory {
            card: None,
            layers: processor_layers,
            needed_bytes,
            usable_bytes: self.processor_bytes,
        });
        let placement = Placement::Split { backend, cards, card_layers, processor_layers };
        let placed = placed(variant, load, placement, devices);
        let fits = needed_bytes <= self.processor_bytes && placed.memory.total() <= self.cap;
        (fits && card_layers > 0 && processor_layers > 0).then_some(placed)
    }

    /// Fills one card behind the other with layers, the largest first.
    fn fill(&self, variant: &Variant, load: Load, backend: Backend) -> Vec<DeviceMemory> {
        let parts = Parts::of(variant, load, Some(backend));
        let mut left = variant.geometry.layers;
        let mut filled = Vec::new();
        for card in self.cards.iter().filter(|card| card.backend == backend) {
            let besides = parts.device + if filled.is_empty() { parts.outer } else { 0 };
            let room = card.usable_bytes.saturating_sub(besides) / parts.layer.max(1);
            let layers = u32::try_from(room).unwrap_or(u32::MAX).min(left);
            if layers > 0 {
                left -= layers;
                let needed_bytes = besides + u64::from(layers) * parts.layer;
                let usable_bytes = card.usable_bytes;
                filled.push(DeviceMemory { card: Some(card.index), layers, needed_bytes, usable_bytes });
            }
        }
        filled
    }
}

fn card(hardware: &Hardware, gpu: &Gpu, backend: Backend, cap: u64) -> Option<Card> {
    let (free_bytes, bandwidth) = match backend {
        Backend::Cuda => (gpu.free_bytes?, gpu.memory_bandwidth),
        Backend::Metal => {
            let total = hardware.memory.total_bytes;
            let (part, whole) = if total > LARGE_UNIFIED { LARGE_UNIFIED_SHARE } else { UNIFIED_SHARE };
            let allowed = share(total, part, whole).min(hardware.memory.free_bytes);
            // The same memory; graphics read it at least as fast as the cores do.
            (allowed, gpu.memory_bandwidth.or(hardware.cpu.memory_bandwidth))
        }
    };
    Some(Card { index: gpu.index, backend, usable_bytes: free_bytes.min(cap), bandwidth })
}

/// Weights and caches are there once; what each device takes besides as often as there are devices.
fn placed(variant: &Variant, load: Load, placement: Placement, devices: Vec<DeviceMemory>) -> Placed {
    let whole =
        |device: &DeviceMemory| estimate_on(variant, load, placement.backend().filter(|_| device.card.is_some()));
    let memory = MemoryEstimate {
        working_bytes: devices.iter().map(|device| whole(device).working_bytes).sum(),
        engine_bytes: devices.iter().map(|device| whole(device).engine_bytes).sum(),
        ..estimate_on(variant, load, placement.backend())
    };
    Placed { placement, devices, memory }
}
