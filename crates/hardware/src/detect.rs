//! Asks the operating system, and says what it answered.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    thread::available_parallelism,
};

use sysinfo::{Disks, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::{
    Build, Cpu, Disk, Hardware, Memory, MemoryKills, Overrides, ProcessorTimes, features, gpu, kills, linux, times,
};

/// The operating system and its version, as it calls itself.
pub fn operating_system() -> String {
    System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned())
}

/// Looks at this machine. `data_folder` need not exist yet; `overrides` limit the result.
///
/// Takes some milliseconds, more with graphics cards; blocks.
pub fn detect(data_folder: &Path, overrides: &Overrides) -> Hardware {
    let files = linux::Files { root: Path::new("/") };
    let cpu = files.cpu(std::env::consts::ARCH).unwrap_or_else(portable_cpu);
    let found = Hardware {
        cpu: within_quota(cpu, available_parallelism().map_or(u32::MAX, cores)),
        memory: files.memory().unwrap_or_else(portable_memory),
        disk: disk(data_folder),
        gpus: if overrides.ignore_gpus { Vec::new() } else { gpu::detect(Build::THIS) },
        os: operating_system(),
    };
    found.limited_by(overrides)
}

/// Memory this process holds now (its resident set), to check an estimate with. `None` if the system does not tell.
pub fn process_memory_bytes() -> Option<u64> {
    let status = linux::Files { root: Path::new("/") }.read("/proc/self/status");
    status.and_then(|text| linux::kibibytes(&text, "VmRSS")).or_else(portable_process_memory)
}

/// Processor time until now. `None` where the system does not tell (only Linux does).
pub fn processor_times() -> Option<ProcessorTimes> {
    let files = linux::Files { root: Path::new("/") };
    times::processor_times(&files.read("/proc/stat")?, &files.read("/proc/self/stat")?)
}

/// How many programs the system ended for want of memory. `None` where it does not count (only Linux does).
pub fn memory_kills() -> Option<MemoryKills> {
    let files = linux::Files { root: Path::new("/") };
    kills::memory_kills(&files.read("/proc/vmstat")?, &files.read("/proc/sys/kernel/random/boot_id")?)
}

/// Share of the processor in use over the last minute (0 to 1; 0 where the system does not tell), and free memory in
/// bytes: what a heartbeat carries. Cheap.
pub fn current_load() -> (f32, u64) {
    let files = linux::Files { root: Path::new("/") };
    let free = files.memory().unwrap_or_else(portable_memory).free_bytes;
    let logical =
        available_parallelism().map_or(1.0, |count| f64::from(u32::try_from(count.get()).unwrap_or(u32::MAX)));
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
    let share = (load_of_a_minute() / logical).clamp(0.0, 1.0) as f32;
    (share, free)
}

fn load_of_a_minute() -> f64 {
    System::load_average().map_or(0.0, |load| load.one)
}

fn portable_process_memory() -> Option<u64> {
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = System::new().ok()?;
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), true, memory);
    system.process(own).map(sysinfo::Process::memory)
}

fn portable_cpu() -> Cpu {
    let cpus = System::new().map(|mut system| {
        system.refresh_cpu_all();
        system
    });
    let first = cpus.as_ref().ok().and_then(|system| system.cpus().first());
    let logical_cores = available_parallelism().map_or(1, cores);
    let physical = System::physical_core_count().ok().and_then(|count| u32::try_from(count).ok());
    Cpu {
        model: first.map_or_else(|| "processor of unknown model".to_owned(), |cpu| cpu.brand().trim().to_owned()),
        vendor: first.map(|cpu| cpu.vendor_id().to_owned()).unwrap_or_default(),
        architecture: std::env::consts::ARCH.to_owned(),
        features: features::from_standard_library(),
        physical_cores: physical.unwrap_or(logical_cores),
        logical_cores,
        memory_bandwidth: None,
    }
}

fn portable_memory() -> Memory {
    let Ok(mut system) = System::new() else { return Memory::default() };
    system.refresh_memory();
    Memory { total_bytes: system.total_memory(), free_bytes: system.available_memory() }
}

/// A container or `taskset` may allow fewer cores than there are.
fn within_quota(mut cpu: Cpu, allowed: u32) -> Cpu {
    cpu.logical_cores = cpu.logical_cores.min(allowed);
    cpu.physical_cores = cpu.physical_cores.min(allowed);
    cpu
}

fn cores(count: NonZero<usize>) -> u32 {
    u32::try_from(count.get()).unwrap_or(u32::MAX)
}

/// The folder's own file system is asked: where it is mounted is not always listed (in a container, say).
fn disk(data_folder: &Path) -> Disk {
    let unknown = || Disk { path: data_folder.to_path_buf(), ..Disk::default() };
    let Some(folder) = existing(data_folder) else { return unknown() };
    let (Ok(free_bytes), Ok(total_bytes)) = (fs4::available_space(&folder), fs4::total_space(&folder)) else {
        return unknown();
    };
    let path = mounted_at(&folder).unwrap_or_else(|| data_folder.to_path_buf());
    Disk { path, free_bytes, total_bytes }
}

fn mounted_at(folder: &Path) -> Option<PathBuf> {
    let disks = Disks::new_with_refreshed_list().ok()?;
    let mounts: Vec<&Path> = disks.iter().map(sysinfo::Disk::mount_point).collect();
    mount_of(folder, &mounts).map(Path::to_path_buf)
}

/// The nearest folder around `path` that exists, with links resolved: what is made below it comes to the same disk.
fn existing(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find_map(|ancestor| ancestor.canonicalize().ok())
}

fn mount_of<'a>(folder: &Path, mounts: &[&'a Path]) -> Option<&'a Path> {
    mounts.iter().copied().filter(|mount| folder.starts_with(mount)).max_by_key(|mount| mount.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_the_mount_nearest_to_it() {
        let mounts = ["/", "/home", "/home/ann/models", "/homestead"].map(Path::new);
        for (folder, mount) in [
            ("/home/ann", Some("/home")),
            ("/home/ann/models/x", Some("/home/ann/models")),
            ("/homes", Some("/")),
            ("/var", Some("/")),
        ] {
            assert_eq!(mount_of(Path::new(folder), &mounts), mount.map(Path::new));
        }
        assert_eq!(mount_of(Path::new("/var"), &[Path::new("/home")]), None);
    }

    #[test]
    fn a_quota_takes_cores_away() {
        let cpu = Cpu { physical_cores: 8, logical_cores: 16, ..Cpu::default() };
        for (allowed, expected) in [(32, (8, 16)), (12, (8, 12)), (2, (2, 2))] {
            let cpu = within_quota(cpu.clone(), allowed);
            assert_eq!((cpu.physical_cores, cpu.logical_cores), expected);
        }
    }

    #[test]
    fn this_machine_has_a_processor_memory_and_room_for_a_folder_that_does_not_exist_yet() {
        let folder = tempfile::tempdir().unwrap();
        let hardware = detect(&folder.path().join("not/yet"), &Overrides::default());
        assert!(hardware.cpu.logical_cores >= hardware.cpu.physical_cores && hardware.cpu.physical_cores > 0);
        assert!(hardware.memory.free_bytes > 0 && hardware.memory.free_bytes <= hardware.memory.total_bytes);
        assert!(hardware.disk.total_bytes > 0 && hardware.disk.free_bytes <= hardware.disk.total_bytes);
        assert!(hardware.summary_lines().len() >= 5, "{hardware:?}");
        assert_eq!(hardware.missing_features(), Vec::<&str>::new(), "this build itself requires them");
    }

    #[test]
    fn the_portable_way_agrees_with_the_linux_way_where_both_exist() {
        let (Some(cpu), Some(memory)) = (linux::Files { root: Path::new("/") }.cpu("x"), portable_process_memory())
        else {
            return;
        };
        assert_eq!(portable_cpu().model, cpu.model);
        assert!(portable_memory().total_bytes > memory && memory > 0);
    }

    #[test]
    fn memory_that_is_written_is_counted() {
        let before = process_memory_bytes().unwrap();
        let block = vec![1_u8; 64 << 20];
        let with_block = process_memory_bytes().unwrap();
        assert!(with_block >= before + (block.len() as u64) / 2, "{before} then {with_block}");
    }
}
