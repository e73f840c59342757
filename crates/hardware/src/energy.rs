//! What the processor takes, where it counts that itself (RAPL) and lets this user read it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where Linux shows the counters.
const POWERCAP: &str = "/sys/class/powercap";

/// A counter of the processor's energy, read from when it was made.
#[derive(Clone, Debug)]
pub struct EnergyMeter {
    packages: Vec<Package>,
}

#[derive(Clone, Debug)]
struct Package {
    folder: PathBuf,
    /// The counter begins anew there.
    most_microjoules: u64,
    begun_at: u64,
}

/// Begins to measure; `None` where nothing counts, or only the administrator may read it.
pub fn energy_meter() -> Option<EnergyMeter> {
    meter_at(Path::new(POWERCAP))
}

fn meter_at(root: &Path) -> Option<EnergyMeter> {
    let folders = fs::read_dir(root).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let packages = folders.filter(|folder| is_package(folder)).map(Package::open).collect::<Option<Vec<_>>>()?;
    (!packages.is_empty()).then_some(EnergyMeter { packages })
}

/// `intel-rapl:0`, and not what it counts once more of its parts, `intel-rapl:0:0`.
fn is_package(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix("intel-rapl:").is_some_and(|number| number.parse::<u32>().is_ok())
}

impl EnergyMeter {
    /// Joules since it began, of all processors together; `None` if a counter cannot be read any more.
    pub fn joules(&self) -> Option<f64> {
        let microjoules: u64 = self.packages.iter().map(Package::taken).sum::<Option<u64>>()?;
        #[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
        Some(microjoules as f64 / 1e6)
    }
}

impl Package {
    fn open(folder: PathBuf) -> Option<Self> {
        let most_microjoules = number(&folder, "max_energy_range_uj")?;
        let begun_at = number(&folder, "energy_uj")?;
        Some(Self { folder, most_microjoules, begun_at })
    }

    fn taken(&self) -> Option<u64> {
        let now = number(&self.folder, "energy_uj")?;
        Some(now.checked_sub(self.begun_at).unwrap_or(now + self.most_microjoules.saturating_sub(self.begun_at)))
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
    }
}
