//! What the processor takes, where it counts that itself (RAPL) and lets this user read it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where Linux shows the counters.
const POWERCAP: &str = "/sys/class/powercap";

/// A counter of the processor's energy, read from when it was made.
#[derive(Clone, Debug)]
pub struct EnergyMeter {
    packages: Vec<(PathBuf, Count)>,
}

/// Whether the processor's own counters can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ProcessorCounter {
    /// Yes.
    Readable,
    /// They are there, and only the administrator may read them.
    Refused,
    /// There are none.
    #[default]
    Missing,
}

/// What a counter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// Microjoules since some time.
    pub(crate) microjoules: u64,
    /// It begins anew there.
    pub(crate) most: u64,
}

/// Begins to measure; `None` where nothing counts, or only the administrator may read it.
pub fn energy_meter() -> Option<EnergyMeter> {
    meter_at(Path::new(POWERCAP))
}

/// Whether the processor's own counters can be read, now.
pub fn processor_counter() -> ProcessorCounter {
    counter_at(Path::new(POWERCAP))
}

/// What every processor counts, now.
pub(crate) fn counts() -> Option<Vec<Count>> {
    counts_at(Path::new(POWERCAP))
}

fn meter_at(root: &Path) -> Option<EnergyMeter> {
    let packages = packages(root).into_iter().map(|folder| Some((folder.clone(), Count::read(&folder)?)));
    let packages = packages.collect::<Option<Vec<_>>>()?;
    (!packages.is_empty()).then_some(EnergyMeter { packages })
}

fn counts_at(root: &Path) -> Option<Vec<Count>> {
    let counts = packages(root).iter().map(|folder| Count::read(folder)).collect::<Option<Vec<_>>>()?;
    (!counts.is_empty()).then_some(counts)
}

fn counter_at(root: &Path) -> ProcessorCounter {
    let read = packages(root).into_iter().map(|folder| fs::read(folder.join("energy_uj")));
    let read: Vec<io::Result<Vec<u8>>> = read.collect();
    match read.iter().find_map(|read| read.as_ref().err()) {
        _ if read.is_empty() => ProcessorCounter::Missing,
        None => ProcessorCounter::Readable,
        Some(error) if error.kind() == io::ErrorKind::PermissionDenied => ProcessorCounter::Refused,
        Some(_) => ProcessorCounter::Missing,
    }
}

/// Always in the same order.
fn packages(root: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(root).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut packages: Vec<PathBuf> = folders.filter(|folder| is_package(folder)).collect();
    packages.sort();
    packages
}

/// `intel-rapl:0`, and not what it counts once more of its parts, `intel-rapl:0:0`, nor what counts the whole machine
/// (`psys`) and so the processor again.
fn is_package(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let whole = name.strip_prefix("intel-rapl:").is_some_and(|number| number.parse::<u32>().is_ok());
    whole && !fs::read_to_string(folder.join("name")).is_ok_and(|name| name.trim() == "psys")
}

impl EnergyMeter {
    /// Joules since it began, of all processors together; `None` if a counter cannot be read any more.
    pub fn joules(&self) -> Option<f64> {
        let taken = self.packages.iter().map(|(folder, begun)| Some(Count::read(folder)?.since(*begun)));
        let microjoules: u64 = taken.sum::<Option<u64>>()?;
        #[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
        Some(microjoules as f64 / 1e6)
    }
}

impl Count {
    fn read(folder: &Path) -> Option<Self> {
        Some(Self { microjoules: number(folder, "energy_uj")?, most: number(folder, "max_energy_range_uj")? })
    }

    /// Microjoules since `earlier`, over its end once at most.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        match self.microjoules.checked_sub(earlier.microjoules) {
            Some(taken) => taken,
            None => self.microjoules.saturating_add(earlier.most.saturating_sub(earlier.microjoules)),
        }
    }
}

fn number(folder: &Path, name: &str) -> Option<u64> {
    fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(root: &Path, package: &str, microjoules: u64) {
        let folder = root.join(package);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("max_energy_range_uj"), "1000000\n").unwrap();
        fs::write(folder.join("energy_uj"), format!("{microjoules}\n")).unwrap();
    }

    #[test]
    fn processors_are_added_up_without_their_parts_and_over_the_counter_s_end() {
        let root = tempfile::tempdir().unwrap();
        for (package, at) in [("intel-rapl:0", 900_000), ("intel-rapl:0:0", 5), ("intel-rapl:1", 100_000)] {
            count(root.path(), package, at);
        }
        let meter = meter_at(root.path()).unwrap();
        assert_eq!(meter.joules(), Some(0.0));
        for (package, at) in [("intel-rapl:0", 400_000), ("intel-rapl:0:0", 900_000), ("intel-rapl:1", 350_000)] {
            count(root.path(), package, at);
        }
        assert_eq!(meter.joules(), Some(0.75));
        fs::remove_file(root.path().join("intel-rapl:1/energy_uj")).unwrap();
        assert_eq!(meter.joules(), None);
    }

    #[test]
    fn where_nothing_counts_nothing_is_measured() {
        let root = tempfile::tempdir().unwrap();
        assert!(meter_at(root.path()).is_none() && meter_at(&root.path().join("none")).is_none());
        assert_eq!((counts_at(root.path()), counter_at(root.path())), (None, ProcessorCounter::Missing));
    }

    #[test]
    fn what_counts_the_whole_machine_is_not_the_processor_once_more() {
        let root = tempfile::tempdir().unwrap();
        count(root.path(), "intel-rapl:0", 5);
        count(root.path(), "intel-rapl:1", 9);
        fs::write(root.path().join("intel-rapl:1/name"), "psys\n").unwrap();
        assert_eq!(counts_at(root.path()), Some(vec![Count { microjoules: 5, most: 1_000_000 }]));
        assert_eq!(counter_at(root.path()), ProcessorCounter::Readable);
    }
}
