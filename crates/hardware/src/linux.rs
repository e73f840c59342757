//! What Linux tells in `/proc` and `/sys`: pure parsers first, then the one reader that feeds them.

use std::{
    collections::HashSet,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::{Cpu, Memory, features};

/// Version 1 control groups say "no limit" with a number near 2⁶³.
const NO_LIMIT: u64 = 1 << 60;

/// `/proc/cpuinfo`, of any architecture. `None` if it lists no processor.
pub(crate) fn cpu(text: &str, architecture: &str) -> Option<Cpu> {
    let field = |name: &str| fields(text).find(|(key, _)| *key == name).map(|(_, value)| value);
    let logical_cores = count(fields(text).filter(|(key, _)| *key == "processor").count());
    let vendor = field("vendor_id").map(str::to_owned).or_else(|| field("CPU implementer").map(arm_maker));
    let arm = || Some(arm_model(field("CPU implementer")?, field("CPU part")?));
    let model = field("model name").map(str::to_owned).or_else(arm);
    let flags = field("flags").or_else(|| field("Features")).unwrap_or_default();
    (logical_cores > 0).then(|| Cpu {
        model: model.unwrap_or_else(|| "processor of unknown model".to_owned()),
        vendor: vendor.unwrap_or_default(),
        architecture: architecture.to_owned(),
        features: features::from_flags(flags),
        physical_cores: physical_cores(text).unwrap_or(logical_cores),
        logical_cores,
        memory_bandwidth: None,
    })
}

/// A value of `/proc/meminfo` or `/proc/self/status`, which count in kibibytes.
pub(crate) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = fields(text).find(|(key, _)| *key == name)?.1;
    value.strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// Where the memory of a process is accounted, from `/proc/self/cgroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Path within the hierarchy.
    path: String,
    /// Whether the memory controller is a version 1 hierarchy of its own.
    version1: bool,
}

pub(crate) fn memory_group(text: &str) -> Option<Group> {
    let lines = || text.lines().filter_map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>().try_into().ok());
    let named = |version1: bool, wanted: &dyn Fn(&str) -> bool| {
        lines()
            .find(|[controllers, _]: &[&str; 2]| wanted(controllers))
            .map(|[_, path]| Group { path: path.to_owned(), version1 })
    };
    let version1 = named(true, &|controllers| controllers.split(',').any(|name| name == "memory"));
    version1.or_else(|| named(false, &str::is_empty))
}

/// `memory.max` or `memory.limit_in_bytes`; `None`: no limit.
pub(crate) fn group_limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|limit| *limit < NO_LIMIT)
}

/// What a group holds and cannot give back: its usage less the file pages the kernel drops first.
pub(crate) fn group_used(usage: &str, stat: &str, version1: bool) -> Option<u64> {
    let droppable = if version1 { "total_inactive_file" } else { "inactive_file" };
    let droppable = stat.lines().filter_map(|line| line.split_once(' ')).find(|(key, _)| *key == droppable);
    let droppable = droppable.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    Some(usage.trim().parse::<u64>().ok()?.saturating_sub(droppable))
}

/// Memory within the limits of a group and of all groups around it: (limit, used) each.
pub(crate) fn limited(host: Memory, groups: &[(u64, u64)]) -> Memory {
    groups.iter().fold(host, |memory, (limit, used)| Memory {
        total_bytes: memory.total_bytes.min(*limit),
        free_bytes: memory.free_bytes.min(limit.saturating_sub(*used)),
    })
}

fn fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()))
}

/// Distinct (socket, core) pairs; `None` where the text does not tell them, as on ARM.
fn physical_cores(text: &str) -> Option<u32> {
    let value =
        |block: &str, name: &str| fields(block).find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    let cores = text.split("\n\n").filter_map(|block| Some((value(block, "physical id")?, value(block, "core id")?)));
    Some(count(cores.collect::<HashSet<_>>().len())).filter(|cores| *cores > 0)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn arm_maker(implementer: &str) -> String {
    let maker = match implementer {
        "0x41" => "ARM",
        "0x4e" => "NVIDIA",
        "0x51" => "Qualcomm",
        "0x61" => "Apple",
        "0xc0" => "Ampere",
        other => return format!("ARM maker {other}"),
    };
    maker.to_owned()
}

/// ARM kernels give numbers; the usual ones have names, the others are shown as they are.
fn arm_model(implementer: &str, part: &str) -> String {
    let known = match (implementer, part) {
        ("0x41", "0xd08") => "Cortex-A72",
        ("0x41", "0xd0b") => "Cortex-A76",
        ("0x41", "0xd0c") => "Neoverse N1",
        ("0x41", "0xd40") => "Neoverse V1",
        ("0x41", "0xd49") => "Neoverse N2",
        ("0x41", "0xd4f") => "Neoverse V2",
        ("0xc0", "0xac3" | "0xac4") => "AmpereOne",
        _ => return format!("{} part {part}", arm_maker(implementer)),
    };
    format!("{} {known}", arm_maker(implementer))
}

/// Reads the files of a system whose root folder is given, so that tests can bring their own.
pub(crate) struct Files<'a> {
    pub(crate) root: &'a Path,
}

impl Files<'_> {
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let path = path.as_ref();
        fs::read_to_string(self.root.join(path.strip_prefix("/").unwrap_or(path))).ok()
    }

    pub(crate) fn cpu(&self, architecture: &str) -> Option<Cpu> {
        cpu(&self.read("/proc/cpuinfo")?, architecture)
    }

    pub(crate) fn memory(&self) -> Option<Memory> {
        let text = self.read("/proc/meminfo")?;
        let total_bytes = kibibytes(&text, "MemTotal")?;
        let free_bytes = kibibytes(&text, "MemAvailable").or_else(|| kibibytes(&text, "MemFree"))?;
        Some(limited(Memory { total_bytes, free_bytes }, &self.memory_groups()))
    }

    /// (limit, used) of the process's own group and of those around it. In a container the own path often names a
    /// folder of the host that is not there; the limit then stands at the root of what is mounted.
    fn memory_groups(&self) -> Vec<(u64, u64)> {
        let Some(group) = self.read("/proc/self/cgroup").as_deref().and_then(memory_group) else { return Vec::new() };
        let base = if group.version1 { "/sys/fs/cgroup/memory" } else { "/sys/fs/cgroup" };
        let own: PathBuf =
            Path::new(&group.path).components().filter(|part| matches!(part, Component::Normal(_))).collect();
        own.ancestors().filter_map(|path| self.memory_group(&Path::new(base).join(path), group.version1)).collect()
    }

    fn memory_group(&self, folder: &Path, version1: bool) -> Option<(u64, u64)> {
        let (limit, usage) = if version1 {
            ("memory.limit_in_bytes", "memory.usage_in_bytes")
        } else {
            ("memory.max", "memory.current")
        };
        let limit = group_limit(&self.read(folder.join(limit))?)?;
        let stat = self.read(folder.join("memory.stat")).unwrap_or_default();
        let used = self.read(folder.join(usage)).and_then(|usage| group_used(&usage, &stat, version1));
        Some((limit, used.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests;
