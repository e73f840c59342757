//! What this machine is: processor, memory, disk and graphics cards, read once and told in plain words.
//!
//! The planner decides from it and `cortensor doctor` shows it. What the operating system does not tell is said to be
//! unknown, not guessed: detection never fails, it only knows less. The texts of `/proc` and of control groups are read
//! by pure parsers, tested on recordings of several kinds of machine.
//!
//! **Invariant:** knows no engine, no model and no plan, and changes nothing on the machine.

mod bandwidth;
mod detect;
mod energy;
mod features;
mod gpu;
mod kills;
mod linux;
mod power;
mod times;
mod words;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use bandwidth::memory_bandwidth;
pub use detect::{current_load, detect, memory_kills, operating_system, process_memory_bytes, processor_times};
pub use energy::{EnergyMeter, ProcessorCounter, energy_meter, processor_counter};
pub use gpu::{Build, card_free_bytes, card_taken_bytes};
pub use kills::MemoryKills;
pub use power::{Energy, PowerMeter, PowerReading};
pub use times::ProcessorTimes;
pub use words::bytes_in_words;

/// This machine, as far as it can be known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Hardware {
    /// The processor.
    pub cpu: Cpu,
    /// Main memory.
    pub memory: Memory,
    /// The disk the data folder is on.
    pub disk: Disk,
    /// Every graphics card that was seen, usable or not.
    pub gpus: Vec<Gpu>,
    /// Operating system and its version.
    pub os: String,
}

/// The processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Cpu {
    /// As the maker calls it, such as `AMD Ryzen 9 7950X 16-Core Processor`.
    pub model: String,
    /// The maker; empty if unknown.
    pub vendor: String,
    /// Instruction set family: `x86_64`, `aarch64`.
    pub architecture: String,
    /// Instruction set extensions an engine asks for, such as `avx2`, `fma`, `avx512f`, `neon`; empty if unknown.
    pub features: Vec<String>,
    /// Cores, as far as this process may use them; where the system does not tell, the logical ones.
    pub physical_cores: u32,
    /// Hardware threads this process may use.
    pub logical_cores: u32,
    /// Bytes a second that its cores read from main memory together; `None` until [`memory_bandwidth`] measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub memory_bandwidth: Option<u64>,
}

/// Main memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Memory {
    /// What this process could ever have: installed memory, or less in a container or under an override.
    pub total_bytes: u64,
    /// What can be taken now without swapping, within the same limits.
    pub free_bytes: u64,
}

/// The disk that holds the data folder. Zero `total_bytes`: unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Disk {
    /// Where it is mounted, or the data folder itself if that is unknown.
    pub path: PathBuf,
    /// What can be written.
    pub free_bytes: u64,
    /// Its size.
    pub total_bytes: u64,
}

/// What a graphics card is computed on through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// NVIDIA's.
    Cuda,
    /// Apple's.
    Metal,
}

/// A graphics card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Gpu {
    /// Its number among the cards of this machine, by which [`Overrides::gpus`] names it.
    #[serde(default)]
    pub index: u32,
    /// The maker: `NVIDIA`, `AMD`, `Intel`, `Apple`, or as the system calls it.
    pub vendor: String,
    /// The card.
    pub model: String,
    /// Its memory; `None` if unknown.
    pub total_bytes: Option<u64>,
    /// Free memory now; `None` if unknown.
    pub free_bytes: Option<u64>,
    /// Whether the engine can compute on it.
    pub usable: GpuUse,
    /// Whether it shares the machine's main memory; `None` if unknown.
    pub integrated: Option<bool>,
    /// Version of its driver, where that is known.
    pub driver: Option<String>,
    /// Through what an engine computes on it; `None`: through nothing that is known here, or its driver does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub backend: Option<Backend>,
    /// Bytes a second that it reads from its own memory, as its driver tells; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub memory_bandwidth: Option<u64>,
}

/// Whether the engine of this build can compute on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "use", rename_all = "snake_case")]
pub enum GpuUse {
    /// Yes.
    Usable,
    /// No.
    NotYet {
        /// Why, and what would change it.
        reason: String,
    },
}

/// What the settings say against what was found: limits and corrections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Use no more main memory than this.
    pub memory_bytes: Option<u64>,
    /// Use no more cores than this. The engine computes with no more threads, from the program's next start on.
    pub cpu_cores: Option<u32>,
    /// Look for no graphics cards.
    pub ignore_gpus: bool,
    /// Use only these graphics cards, by the numbers that `cortensor doctor` lists them with. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gpus: Option<Vec<u32>>,
}

impl Backend {
    /// The name of the build that computes through it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cuda => "CUDA",
            Self::Metal => "Metal",
        }
    }
}

impl Gpu {
    /// The card in plain words.
    pub fn summary_line(&self) -> String {
        words::gpu_line(self)
    }
}

impl Hardware {
    /// The machine in plain words, one fact a line.
    pub fn summary_lines(&self) -> Vec<String> {
        words::summary_lines(self)
    }

    /// What an x86-64 engine build (x86-64-v3) needs and this processor lacks. Empty on other architectures, and where
    /// the features are unknown.
    pub fn missing_features(&self) -> Vec<&'static str> {
        features::missing(&self.cpu)
    }

    /// The same machine with less: what `overrides` allow of it.
    #[must_use]
    pub fn limited_by(mut self, overrides: &Overrides) -> Self {
        if let Some(cap) = overrides.memory_bytes {
            self.memory.total_bytes = self.memory.total_bytes.min(cap);
            self.memory.free_bytes = self.memory.free_bytes.min(cap);
        }
        if let Some(cap) = overrides.cpu_cores {
            self.cpu.physical_cores = self.cpu.physical_cores.min(cap.max(1));
            self.cpu.logical_cores = self.cpu.logical_cores.min(cap.max(1));
        }
        if overrides.ignore_gpus {
            self.gpus.clear();
        }
        if let Some(pinned) = &overrides.gpus {
            self.gpus.retain(|gpu| pinned.contains(&gpu.index));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_limit_what_was_found_and_never_add_to_it() {
        let found = Hardware {
            cpu: Cpu { physical_cores: 8, logical_cores: 16, ..Cpu::default() },
            memory: Memory { total_bytes: 1000, free_bytes: 800 },
            disk: Disk::default(),
            gpus: Vec::new(),
            os: String::new(),
        };
        for (memory_bytes, cpu_cores, expected) in [
            (None, None, (1000, 800, 8, 16)),
            (Some(900), Some(12), (900, 800, 8, 12)),
            (Some(500), Some(4), (500, 500, 4, 4)),
            (Some(5000), Some(64), (1000, 800, 8, 16)),
            (None, Some(0), (1000, 800, 1, 1)),
        ] {
            let overrides = Overrides { memory_bytes, cpu_cores, ..Overrides::default() };
            let Hardware { cpu, memory, .. } = found.clone().limited_by(&overrides);
            let got = (memory.total_bytes, memory.free_bytes, cpu.physical_cores, cpu.logical_cores);
            assert_eq!(got, expected, "{overrides:?}");
        }
    }

    #[test]
    fn cards_that_are_not_pinned_are_left_alone_and_the_others_keep_their_numbers() {
        let found = || Hardware { gpus: gpu::listed(3), ..Hardware::default() };
        for (gpus, ignore_gpus, expected) in [
            (None, false, vec![0, 1, 2]),
            (Some(vec![2]), false, vec![2]),
            (Some(vec![0, 7]), false, vec![0]),
            (Some(vec![]), false, vec![]),
            (Some(vec![1]), true, vec![]),
        ] {
            let limited = found().limited_by(&Overrides { ignore_gpus, gpus, ..Overrides::default() });
            assert_eq!(limited.gpus.iter().map(|gpu| gpu.index).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_misspelt_override_is_refused_and_an_empty_one_changes_nothing() {
        assert!(serde_json::from_str::<Overrides>(r#"{"memory": 1}"#).is_err());
        assert_eq!(serde_json::from_str::<Overrides>("{}").unwrap(), Overrides::default());
    }
}
