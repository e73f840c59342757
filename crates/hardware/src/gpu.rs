//! Graphics cards: what the system and NVIDIA's management library see, and which of them this build computes on.

use nvml_wrapper::{Device, Nvml, enum_wrappers::device::Clock, error::NvmlError, struct_wrappers::device::MemoryInfo};

use crate::{Backend, Gpu, GpuUse};

/// What the engine of a build can compute on, beside the processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// NVIDIA cards.
    pub cuda: bool,
    /// Apple's graphics cores.
    pub metal: bool,
}

impl Build {
    /// This one.
    pub const THIS: Self = Self { cuda: cfg!(feature = "cuda"), metal: cfg!(feature = "metal") };

    /// Whether it computes through `backend`.
    pub const fn has(self, backend: Backend) -> bool {
        match backend {
            Backend::Cuda => self.cuda,
            Backend::Metal => self.metal,
        }
    }

    /// What it computes on, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self { cuda: true, .. } => "NVIDIA's cards (CUDA) and the processor",
            Self { metal: true, .. } => "Apple's graphics cores (Metal) and the processor",
            Self { .. } => "the processor only",
        }
    }

    /// One that computes through `backend` too.
    #[must_use]
    pub const fn with(self, backend: Backend) -> Self {
        match backend {
            Backend::Cuda => Self { cuda: true, ..self },
            Backend::Metal => Self { metal: true, ..self },
        }
    }
}

/// A card as the operating system lists it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    vendor: String,
    model: Option<String>,
    total_bytes: Option<u64>,
    used_bytes: Option<u64>,
    bus: u32,
}

/// A card as NVIDIA's driver tells it.
#[derive(Clone, Debug)]
pub(crate) struct Nvidia {
    model: String,
    memory: Option<(u64, u64)>,
    driver: Option<String>,
    /// Megahertz and bits of its memory.
    clock_and_width: Option<(u32, u32)>,
}

/// All cards of this machine.
pub(crate) fn detect(build: Build) -> Vec<Gpu> {
    let nvidia = nvidia().unwrap_or_default();
    cards(seen(), nvidia, build)
}

/// The list of both sources without saying a card twice, NVIDIA's own answers first.
pub(crate) fn cards(seen: Vec<Seen>, nvidia: Vec<Nvidia>, build: Build) -> Vec<Gpu> {
    let answered = !nvidia.is_empty();
    let own = nvidia.into_iter().map(|card| from_driver(card, build));
    let others = seen.into_iter().filter(|card| !(answered && vendor_name(&card.vendor) == "NVIDIA"));
    let all = own.chain(others.map(|card| from_system(card, build)));
    (0..).zip(all).map(|(index, card)| Gpu { index, ..card }).collect()
}

fn from_driver(card: Nvidia, build: Build) -> Gpu {
    let usable = match (build.cuda, card.memory) {
        (false, _) => not_yet("this build computes on the processor only; install the CUDA build to use this card"),
        (true, None) => not_yet("its driver does not tell how much memory it has; update the driver"),
        (true, Some(_)) => GpuUse::Usable,
    };
    Gpu {
        index: 0,
        vendor: "NVIDIA".to_owned(),
        model: card.model,
        total_bytes: card.memory.map(|(_, total)| total),
        free_bytes: card.memory.map(|(free, _)| free),
        usable,
        // Only cards with memory of their own answer with it.
        integrated: card.memory.map(|_| false),
        driver: card.driver,
        backend: card.memory.map(|_| Backend::Cuda),
        memory_bandwidth: card.clock_and_width.map(|(megahertz, bits)| bandwidth(megahertz, bits)),
    }
}

/// Its memory passes a value at both edges of the clock that the driver tells.
fn bandwidth(megahertz: u32, bits: u32) -> u64 {
    u64::from(megahertz) * 1_000_000 * 2 * u64::from(bits) / 8
}

fn from_system(card: Seen, build: Build) -> Gpu {
    let vendor = vendor_name(&card.vendor);
    let usable = match vendor {
        "Apple" if build.metal => GpuUse::Usable,
        "Apple" => not_yet("this build computes on the processor only; install the Metal build to use it"),
        "NVIDIA" => not_yet("its driver does not answer; install NVIDIA's driver and restart"),
        "AMD" | "Intel" => not_yet("seen, not usable by this engine yet"),
        _ => not_yet("seen, not known to this engine"),
    };
    let integrated = match vendor {
        "Apple" => Some(true),
        // Intel's processors put their own graphics on bus 0; a card in a slot is behind a bridge.
        "Intel" => Some(card.bus == 0),
        _ => None,
    };
    let free_bytes = card.total_bytes.zip(card.used_bytes).map(|(total, used)| total.saturating_sub(used));
    let model = card.model.unwrap_or_else(|| "card of unknown model".to_owned());
    Gpu {
        index: 0,
        vendor: vendor.to_owned(),
        model,
        total_bytes: card.total_bytes,
        free_bytes,
        usable,
        integrated,
        driver: None,
        backend: (vendor == "Apple").then_some(Backend::Metal),
        memory_bandwidth: None,
    }
}

fn not_yet(reason: &str) -> GpuUse {
    GpuUse::NotYet { reason: reason.to_owned() }
}

fn vendor_name(text: &str) -> &str {
    let upper = text.to_uppercase();
    [("NVIDIA", "NVIDIA"), ("AMD", "AMD"), ("ADVANCED MICRO", "AMD"), ("INTEL", "Intel"), ("APPLE", "Apple")]
        .into_iter()
        .find(|(part, _)| upper.contains(part))
        .map_or(text, |(_, name)| name)
}

fn seen() -> Vec<Seen> {
    let Ok(gpus) = sysinfo::Gpus::new_with_refreshed_list() else { return Vec::new() };
    let list = gpus.iter().map(|gpu| Seen {
        vendor: gpu.vendor().unwrap_or("unknown maker").to_owned(),
        model: gpu.model().map(str::to_owned),
        total_bytes: gpu.total_memory(),
        used_bytes: gpu.used_memory(),
        bus: gpu.pci().bus,
    });
    list.collect()
}

/// Any error means: no NVIDIA driver, hence no card that can be used.
fn nvidia() -> Result<Vec<Nvidia>, NvmlError> {
    let library = Nvml::init()?;
    let driver = library.sys_driver_version().ok();
    let cards = (0..library.device_count()?).filter_map(|index| library.device_by_index(index).ok());
    let told = cards.map(|device| Nvidia {
        model: device.name().unwrap_or_else(|_| "card of unknown model".to_owned()),
        memory: device.memory_info().ok().map(|memory| (memory.free, memory.total)),
        driver: driver.clone(),
        clock_and_width: clock_and_width(&device),
    });
    Ok(told.collect())
}

fn clock_and_width(device: &Device<'_>) -> Option<(u32, u32)> {
    Some((device.max_clock_info(Clock::Memory).ok()?, device.memory_bus_width().ok()?))
}

/// Bytes free now on the NVIDIA card of this number; `None` if there is none or its driver does not tell.
pub fn card_free_bytes(index: u32) -> Option<u64> {
    memory(index).ok().map(|memory| memory.free)
}

/// Bytes that all programs together hold now on the NVIDIA card of this number; `None` as above.
pub fn card_taken_bytes(index: u32) -> Option<u64> {
    memory(index).ok().map(|memory| memory.used)
}

fn memory(index: u32) -> Result<MemoryInfo, NvmlError> {
    Nvml::init()?.device_by_index(index)?.memory_info()
}

/// Cards for tests of what is done with a list of them.
#[cfg(test)]
pub(crate) fn listed(count: u32) -> Vec<Gpu> {
    let card = |_| Nvidia { model: "card".to_owned(), memory: Some((6, 8)), driver: None, clock_and_width: None };
    cards(Vec::new(), (0..count).map(card).collect(), Build::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: Build = Build { cuda: false, metal: false };
    const CUDA: Build = Build { cuda: true, metal: false };
    const METAL: Build = Build { cuda: false, metal: true };

    fn system(vendor: &str, bus: u32) -> Seen {
        Seen { vendor: vendor.to_owned(), model: None, total_bytes: Some(8), used_bytes: Some(3), bus }
    }

    fn driver(memory: Option<(u64, u64)>) -> Nvidia {
        let clock_and_width = Some((2619, 5120));
        Nvidia { model: "NVIDIA H100".to_owned(), memory, driver: Some("580.65".to_owned()), clock_and_width }
    }

    #[test]
    fn each_card_is_said_to_be_usable_or_why_not() {
        for (seen, nvidia, build, vendor, integrated, reason) in [
            (vec![], vec![driver(Some((6, 8)))], CUDA, "NVIDIA", Some(false), None),
            (vec![system("NVIDIA", 1)], vec![driver(Some((6, 8)))], CUDA, "NVIDIA", Some(false), None),
            (vec![], vec![driver(Some((6, 8)))], CPU, "NVIDIA", Some(false), Some("CUDA build")),
            (vec![], vec![driver(None)], CUDA, "NVIDIA", None, Some("update the driver")),
            (vec![system("NVIDIA", 1)], vec![], CUDA, "NVIDIA", None, Some("install NVIDIA's driver")),
            (vec![system("Advanced Micro Devices, Inc.", 3)], vec![], CUDA, "AMD", None, Some("not usable")),
            (vec![system("Intel Corporation", 0)], vec![], CUDA, "Intel", Some(true), Some("not usable")),
            (vec![system("Intel", 3)], vec![], CUDA, "Intel", Some(false), Some("not usable")),
            (vec![system("Apple", 255)], vec![], METAL, "Apple", Some(true), None),
            (vec![system("Apple", 255)], vec![], CPU, "Apple", Some(true), Some("Metal build")),
            (vec![system("Red Hat, Inc.", 0)], vec![], CUDA, "Red Hat, Inc.", None, Some("not known")),
        ] {
            let cards = cards(seen, nvidia, build);
            let [card] = &cards[..] else { panic!("one card, not {cards:?}") };
            assert_eq!((card.vendor.as_str(), card.integrated), (vendor, integrated));
            match (&card.usable, reason) {
                (GpuUse::Usable, None) => {}
                (GpuUse::NotYet { reason }, Some(part)) => assert!(reason.contains(part), "{reason}"),
                (usable, _) => panic!("{card:?} is {usable:?}"),
            }
        }
    }

    #[test]
    fn a_card_says_which_build_it_needs_and_how_fast_its_memory_is() {
        // The maker gives 3.35 TB/s for the first, 936 GB/s for a card with the second's clock and width.
        let [card] = &cards(vec![], vec![driver(Some((6, 8)))], CPU)[..] else { panic!("one card") };
        assert_eq!((card.backend, card.memory_bandwidth), (Some(Backend::Cuda), Some(3_352_320_000_000)));
        assert_eq!(bandwidth(9751, 384), 936_096_000_000);
        for (seen, backend) in [(system("Apple", 255), Some(Backend::Metal)), (system("NVIDIA", 1), None)] {
            assert_eq!(cards(vec![seen], vec![], CPU)[0].backend, backend);
        }
        assert!(CUDA.has(Backend::Cuda) && !CUDA.has(Backend::Metal) && METAL.has(Backend::Metal));
    }

    #[test]
    fn cards_of_several_makers_are_all_listed() {
        let cards = cards(vec![system("Intel", 0), system("NVIDIA", 1)], vec![driver(Some((6, 8)))], CUDA);
        let vendors: Vec<&str> = cards.iter().map(|card| card.vendor.as_str()).collect();
        assert_eq!(vendors, ["NVIDIA", "Intel"]);
        assert_eq!(cards.iter().map(|card| card.index).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((cards[1].total_bytes, cards[1].free_bytes), (Some(8), Some(5)));
    }

    #[test]
    fn a_machine_without_the_driver_has_no_cards_and_no_error() {
        let _ = nvidia();
        let _ = detect(CUDA);
    }
}
