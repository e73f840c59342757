use super::*;
use proptest::prelude::*;

const GIB: u64 = 1 << 30;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/", $name))
    };
}

#[test]
fn processors_of_several_kinds_are_read() {
    for (text, architecture, model, vendor, cores, has, lacks) in [
        (
            fixture!("xeon_vm_cpuinfo"),
            "x86_64",
            "Intel(R) Xeon(R) Processor",
            "GenuineIntel",
            (2, 2),
            vec!["avx2", "fma", "f16c", "avx512f", "avx512vnni"],
            vec!["neon"],
        ),
        (
            fixture!("laptop_i7_cpuinfo"),
            "x86_64",
            "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz",
            "GenuineIntel",
            (4, 8),
            vec!["avx2", "fma", "f16c"],
            vec!["avx512f"],
        ),
        (
            fixture!("desktop_ryzen_cpuinfo"),
            "x86_64",
            "AMD Ryzen 9 7950X 16-Core Processor",
            "AuthenticAMD",
            (16, 32),
            vec!["avx2", "avx512bf16"],
            vec!["amx-int8"],
        ),
        (
            fixture!("server_arm_cpuinfo"),
            "aarch64",
            "ARM Neoverse N1",
            "ARM",
            (4, 4),
            vec!["neon", "fp16", "dotprod"],
            vec!["sve", "avx2"],
        ),
    ] {
        let cpu = cpu(text, architecture).unwrap();
        assert_eq!((cpu.model.as_str(), cpu.vendor.as_str()), (model, vendor));
        assert_eq!((cpu.physical_cores, cpu.logical_cores), cores, "{model}");
        for (names, expected) in [(has, true), (lacks, false)] {
            for name in names {
                assert_eq!(cpu.features.iter().any(|feature| feature == name), expected, "{model}: {name}");
            }
        }
        assert_eq!(features::missing(&cpu), Vec::<&str>::new(), "{model}");
    }
}

#[test]
fn a_processor_of_2011_is_told_what_it_lacks() {
    let cpu = cpu(fixture!("old_desktop_cpuinfo"), "x86_64").unwrap();
    assert_eq!(features::missing(&cpu), ["avx2", "fma", "f16c", "bmi1", "bmi2", "lzcnt", "movbe"]);
}

#[test]
fn what_a_text_does_not_tell_is_unknown() {
    assert_eq!(cpu("", "x86_64"), None);
    let strange = cpu("processor\t: 0\nhart\t: 0\nisa\t: rv64imafdc\n", "riscv64").unwrap();
    assert_eq!((strange.model.as_str(), strange.features.len()), ("processor of unknown model", 0));
    let arm = cpu("processor : 0\nCPU implementer : 0x99\nCPU part : 0x123\n", "aarch64").unwrap();
    assert_eq!(arm.model, "ARM maker 0x99 part 0x123");
}

#[test]
fn total_and_available_memory_are_read() {
    for (text, total, available) in [
        (fixture!("xeon_vm_meminfo"), 24_684_096, 23_610_956),
        (fixture!("laptop_i7_meminfo"), 16_268_764, 7_340_032),
        (fixture!("desktop_ryzen_meminfo"), 65_762_348, 57_671_680),
        (fixture!("server_arm_meminfo"), 16_084_132, 14_680_064),
    ] {
        assert_eq!(kibibytes(text, "MemTotal"), Some(total * 1024));
        assert_eq!(kibibytes(text, "MemAvailable"), Some(available * 1024));
        assert_eq!(kibibytes(text, "HugePages_Total"), None, "not in kibibytes");
    }
}

#[test]
fn the_group_that_accounts_memory_is_found() {
    for (text, expected) in [
        (fixture!("container_v2_cgroup"), Some(("/", false))),
        (fixture!("service_v2_cgroup"), Some(("/system.slice/miner.service", false))),
        (fixture!("xeon_vm_cgroup"), Some(("/jobs/a1", true))),
        (fixture!("container_v1_cgroup"), Some(("/docker/3f2a", true))),
        ("", None),
        ("nonsense", None),
    ] {
        assert_eq!(memory_group(text), expected.map(|(path, version1)| Group { path: path.to_owned(), version1 }));
    }
}

#[test]
fn a_limit_may_be_none() {
    for (text, limit) in [("max\n", None), ("2147483648\n", Some(2 * GIB)), ("9223372036854771712\n", None), ("", None)]
    {
        assert_eq!(group_limit(text), limit);
    }
}

#[test]
fn file_pages_that_can_be_dropped_count_as_free() {
    for (usage, stat, version1, used) in [
        ("1153433600\n", fixture!("container_v2_stat"), false, Some(838_860_800)),
        ("734003200\n", fixture!("container_v1_stat"), true, Some(629_145_600)),
        ("4096\n", "", false, Some(4096)),
        ("0\n", fixture!("container_v2_stat"), false, Some(0)),
        ("", "", false, None),
    ] {
        assert_eq!(group_used(usage, stat, version1), used);
    }
}

#[test]
fn memory_is_what_the_tightest_limit_leaves() {
    for (name, files, expected) in [
        ("no groups", vec![], (16_268_764 * 1024, 7 * GIB)),
        (
            "a container with its own view",
            vec![
                ("proc/self/cgroup", fixture!("container_v2_cgroup")),
                ("sys/fs/cgroup/memory.max", "4294967296\n"),
                ("sys/fs/cgroup/memory.current", "1153433600\n"),
                ("sys/fs/cgroup/memory.stat", fixture!("container_v2_stat")),
            ],
            (4 * GIB, 4 * GIB - 838_860_800),
        ),
        (
            "a container that sees the host's path, version 1",
            vec![
                ("proc/self/cgroup", fixture!("container_v1_cgroup")),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "734003200\n"),
                ("sys/fs/cgroup/memory/memory.stat", fixture!("container_v1_stat")),
            ],
            (2 * GIB, 2 * GIB - 629_145_600),
        ),
        (
            "a service without a limit in a slice with one",
            vec![
                ("proc/self/cgroup", fixture!("service_v2_cgroup")),
                ("sys/fs/cgroup/system.slice/miner.service/memory.max", "max\n"),
                ("sys/fs/cgroup/system.slice/memory.max", "1073741824\n"),
                ("sys/fs/cgroup/system.slice/memory.current", "1073741825\n"),
            ],
            (GIB, 0),
        ),
        (
            "no limit, version 1",
            vec![
                ("proc/self/cgroup", fixture!("xeon_vm_cgroup")),
                ("sys/fs/cgroup/memory/jobs/a1/memory.limit_in_bytes", "9223372036854771712\n"),
            ],
            (16_268_764 * 1024, 7 * GIB),
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files.into_iter().chain([("proc/meminfo", fixture!("laptop_i7_meminfo"))]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let memory = Files { root: root.path() }.memory().unwrap();
        assert_eq!((memory.total_bytes, memory.free_bytes), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_a_parser(text in "(?s).{0,200}", number in any::<u64>()) {
        let _ = cpu(&text, "x86_64");
        let _ = memory_group(&text);
        let _ = group_used(&number.to_string(), &text, true);
        let _ = kibibytes(&format!("MemTotal: {number} kB"), "MemTotal");
    }
}
