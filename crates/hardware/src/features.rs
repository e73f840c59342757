//! Instruction set extensions: one name for each, whatever the system calls it, and which of them an engine build needs.

use crate::Cpu;

/// What x86-64-v3 adds to the first x86-64, under our names.
const X86_64_V3: [&str; 14] = [
    "sse3", "ssse3", "sse4_1", "sse4_2", "popcnt", "cx16", "avx", "avx2", "fma", "f16c", "bmi1", "bmi2", "lzcnt",
    "movbe",
];

/// (what `/proc/cpuinfo` says, our name): what an engine build needs or profits from.
const NAMES: [(&str, &str); 30] = [
    ("pni", "sse3"),
    ("ssse3", "ssse3"),
    ("sse4_1", "sse4_1"),
    ("sse4_2", "sse4_2"),
    ("popcnt", "popcnt"),
    ("cx16", "cx16"),
    ("avx", "avx"),
    ("avx2", "avx2"),
    ("fma", "fma"),
    ("f16c", "f16c"),
    ("bmi1", "bmi1"),
    ("bmi2", "bmi2"),
    ("abm", "lzcnt"),
    ("movbe", "movbe"),
    ("avx512f", "avx512f"),
    ("avx512bw", "avx512bw"),
    ("avx512vl", "avx512vl"),
    ("avx512_vnni", "avx512vnni"),
    ("avx512_bf16", "avx512bf16"),
    ("avx512_fp16", "avx512fp16"),
    ("avx_vnni", "avxvnni"),
    ("amx_int8", "amx-int8"),
    ("amx_bf16", "amx-bf16"),
    ("asimd", "neon"),
    ("asimdhp", "fp16"),
    ("asimddp", "dotprod"),
    ("i8mm", "i8mm"),
    ("bf16", "bf16"),
    ("sve", "sve"),
    ("sve2", "sve2"),
];

/// What of x86-64-v3 the processor lacks.
pub(crate) fn missing(cpu: &Cpu) -> Vec<&'static str> {
    let has = |name: &str| cpu.features.iter().any(|feature| feature == name);
    if cpu.architecture != "x86_64" || cpu.features.is_empty() {
        return Vec::new();
    }
    X86_64_V3.into_iter().filter(|name| !has(name)).collect()
}

/// Our names for a line of flags, in our order.
pub(crate) fn from_flags(flags: &str) -> Vec<String> {
    let flags: Vec<&str> = flags.split_ascii_whitespace().collect();
    NAMES.iter().filter(|(flag, _)| flags.contains(flag)).map(|(_, name)| (*name).to_owned()).collect()
}

/// What the standard library finds, for systems without `/proc/cpuinfo`. It cannot miss what the build itself requires:
/// such a program does not get as far as this on an older processor (the command line checks before anything else).
pub(crate) fn from_standard_library() -> Vec<String> {
    let found: &[(&str, bool)] = &[
        #[cfg(target_arch = "x86_64")]
        ("sse3", std::is_x86_feature_detected!("sse3")),
        #[cfg(target_arch = "x86_64")]
        ("ssse3", std::is_x86_feature_detected!("ssse3")),
        #[cfg(target_arch = "x86_64")]
        ("sse4_1", std::is_x86_feature_detected!("sse4.1")),
        #[cfg(target_arch = "x86_64")]
        ("sse4_2", std::is_x86_feature_detected!("sse4.2")),
        #[cfg(target_arch = "x86_64")]
        ("popcnt", std::is_x86_feature_detected!("popcnt")),
        #[cfg(target_arch = "x86_64")]
        ("cx16", std::is_x86_feature_detected!("cmpxchg16b")),
        #[cfg(target_arch = "x86_64")]
        ("avx", std::is_x86_feature_detected!("avx")),
        #[cfg(target_arch = "x86_64")]
        ("avx2", std::is_x86_feature_detected!("avx2")),
        #[cfg(target_arch = "x86_64")]
        ("fma", std::is_x86_feature_detected!("fma")),
        #[cfg(target_arch = "x86_64")]
        ("f16c", std::is_x86_feature_detected!("f16c")),
        #[cfg(target_arch = "x86_64")]
        ("bmi1", std::is_x86_feature_detected!("bmi1")),
        #[cfg(target_arch = "x86_64")]
        ("bmi2", std::is_x86_feature_detected!("bmi2")),
        #[cfg(target_arch = "x86_64")]
        ("lzcnt", std::is_x86_feature_detected!("lzcnt")),
        #[cfg(target_arch = "x86_64")]
        ("movbe", std::is_x86_feature_detected!("movbe")),
        #[cfg(target_arch = "x86_64")]
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        #[cfg(target_arch = "aarch64")]
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        #[cfg(target_arch = "aarch64")]
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        #[cfg(target_arch = "aarch64")]
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
    ];
    found.iter().filter(|(_, present)| *present).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_x86_processor_can_lack_features() {
        let cpu = |architecture: &str, features: &[&str]| Cpu {
            architecture: architecture.to_owned(),
            features: features.iter().map(ToString::to_string).collect(),
            ..Cpu::default()
        };
        assert_eq!(missing(&cpu("x86_64", &X86_64_V3)), Vec::<&str>::new());
        assert_eq!(missing(&cpu("x86_64", &X86_64_V3[..12])), ["lzcnt", "movbe"]);
        assert_eq!(missing(&cpu("x86_64", &[])), Vec::<&str>::new());
        assert_eq!(missing(&cpu("aarch64", &["neon"])), Vec::<&str>::new());
    }

    #[test]
    fn both_sources_use_the_same_names() {
        for feature in from_standard_library() {
            assert!(NAMES.iter().any(|(_, name)| *name == feature), "{feature}");
        }
    }
}
