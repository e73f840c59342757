//! The machine in plain words.

use crate::{Cpu, Disk, Gpu, GpuUse, Hardware, Memory};

/// (feature, how it is shown): those that decide how fast an engine is.
const SHOWN: [(&str, &str); 10] = [
    ("avx2", "AVX2"),
    ("fma", "FMA"),
    ("f16c", "F16C"),
    ("avx512f", "AVX-512"),
    ("avx512vnni", "AVX-512 VNNI"),
    ("avxvnni", "AVX-VNNI"),
    ("amx-int8", "AMX"),
    ("neon", "NEON"),
    ("dotprod", "dot product"),
    ("sve", "SVE"),
];

/// A number of bytes as a person reads it: `512 MB`, `22.5 GB`; powers of ten, as on the box of the disk.
pub fn bytes_in_words(bytes: u64) -> String {
    const KILO: u64 = 1_000;
    const MEGA: u64 = 1_000_000;
    const GIGA: u64 = 1_000_000_000;
    if bytes >= GIGA {
        let tenths = (bytes / (GIGA / 10)).saturating_add(u64::from(bytes % (GIGA / 10) >= GIGA / 20));
        format!("{}.{} GB", tenths / 10, tenths % 10)
    } else if bytes >= MEGA {
        format!("{} MB", bytes / MEGA)
    } else {
        format!("{} kB", bytes.div_ceil(KILO))
    }
}

pub(crate) fn summary_lines(hardware: &Hardware) -> Vec<String> {
    let mut lines = vec![cpu_line(&hardware.cpu), memory_line(hardware.memory), disk_line(&hardware.disk)];
    if hardware.gpus.is_empty() {
        lines.push("Graphics: no card found; models run on the processor".to_owned());
    }
    lines.extend(hardware.gpus.iter().map(gpu_line));
    lines.push(format!("System: {}", hardware.os));
    lines
}

fn cpu_line(cpu: &Cpu) -> String {
    let has = |name: &str| cpu.features.iter().any(|feature| feature == name);
    let shown: Vec<&str> = SHOWN.iter().filter(|(name, _)| has(name)).map(|(_, shown)| *shown).collect();
    let features = match (shown.is_empty(), cpu.features.is_empty()) {
        (false, _) => shown.join(", "),
        (true, true) => "features unknown".to_owned(),
        (true, false) => "no fast vector instructions".to_owned(),
    };
    format!("Processor: {}: {}, {features}", cpu.model, cores_in_words(cpu))
}

fn cores_in_words(cpu: &Cpu) -> String {
    let plural = if cpu.physical_cores == 1 { "" } else { "s" };
    let cores = format!("{} core{plural}", cpu.physical_cores);
    if cpu.logical_cores > cpu.physical_cores { format!("{cores}, {} threads", cpu.logical_cores) } else { cores }
}

fn memory_line(memory: Memory) -> String {
    match memory.total_bytes {
        0 => "Memory: unknown".to_owned(),
        total => format!("Memory: {} free of {}", bytes_in_words(memory.free_bytes), bytes_in_words(total)),
    }
}

fn disk_line(disk: &Disk) -> String {
    let path = disk.path.display();
    match disk.total_bytes {
        0 => format!("Disk: free space at {path} unknown"),
        total => format!("Disk: {} free of {} at {path}", bytes_in_words(disk.free_bytes), bytes_in_words(total)),
    }
}

pub(crate) fn gpu_line(gpu: &Gpu) -> String {
    let memory = match (gpu.free_bytes, gpu.total_bytes) {
        (Some(free), Some(total)) => format!("{} free of {}", bytes_in_words(free), bytes_in_words(total)),
        (None, Some(total)) => format!("{}, free memory unknown", bytes_in_words(total)),
        (_, None) if gpu.integrated == Some(true) => "shares the main memory".to_owned(),
        (_, None) => "memory unknown".to_owned(),
    };
    let driver = gpu.driver.as_ref().map(|driver| format!(", driver {driver}")).unwrap_or_default();
    let usable = match &gpu.usable {
        GpuUse::Usable => "used for models",
        GpuUse::NotYet { reason } => reason,
    };
    let name =
        if gpu.model.starts_with(&gpu.vendor) { gpu.model.clone() } else { format!("{} {}", gpu.vendor, gpu.model) };
    format!("Graphics {}: {name}: {memory}{driver}; {usable}", gpu.index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn bytes_are_shown_with_a_unit_that_fits() {
        for (bytes, words) in [
            (0, "0 kB"),
            (1, "1 kB"),
            (98_362_432, "98 MB"),
            (999_999_999, "999 MB"),
            (1_000_000_000, "1.0 GB"),
            (25_276_514_304, "25.3 GB"),
            (u64::MAX, "18446744073.7 GB"),
        ] {
            assert_eq!(bytes_in_words(bytes), words);
        }
    }

    #[test]
    fn a_machine_is_told_in_plain_words_with_units() {
        let cpu = Cpu {
            model: "AMD EPYC 7B13".to_owned(),
            features: ["avx", "avx2", "fma", "f16c"].map(str::to_owned).to_vec(),
            physical_cores: 2,
            logical_cores: 4,
            ..Cpu::default()
        };
        let gpu = Gpu {
            index: 0,
            vendor: "Intel".to_owned(),
            model: "UHD Graphics 630".to_owned(),
            total_bytes: None,
            free_bytes: None,
            usable: GpuUse::NotYet { reason: "seen, not usable by this engine yet".to_owned() },
            integrated: Some(true),
            driver: None,
            backend: None,
            memory_bandwidth: None,
        };
        let hardware = Hardware {
            cpu,
            memory: Memory { total_bytes: 16 << 30, free_bytes: 9 << 30 },
            disk: Disk { path: PathBuf::from("/home"), free_bytes: 0, total_bytes: 0 },
            gpus: vec![gpu],
            os: "Debian GNU/Linux 13".to_owned(),
        };
        let expected = [
            "Processor: AMD EPYC 7B13: 2 cores, 4 threads, AVX2, FMA, F16C",
            "Memory: 9.7 GB free of 17.2 GB",
            "Disk: free space at /home unknown",
            "Graphics 0: Intel UHD Graphics 630: shares the main memory; seen, not usable by this engine yet",
            "System: Debian GNU/Linux 13",
        ];
        assert_eq!(hardware.summary_lines(), expected);
        let read: Hardware = serde_json::from_str(&serde_json::to_string(&hardware).unwrap()).unwrap();
        assert_eq!(read, hardware);
    }
}
