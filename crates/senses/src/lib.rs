//! How this machine is being used: the readings that the rules for stepping aside ask for.
//!
//! What an operating system or a desktop does not tell is `None`, never guessed, and reading never fails. What no rule
//! asks for is not read: nobody's programs are listed, and nobody's screen is looked at, without a reason.
//!
//! **Invariant:** decides nothing and changes nothing on the machine. Reading may block for some milliseconds.

mod clock;
mod gpu;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod screen;

use std::sync::{Mutex, PoisonError};

use cortensor_hardware::ProcessorTimes;
use cortensor_manners::{Readings, Rules};
use sysinfo::{Components, ProcessRefreshKind, ProcessesToUpdate, System};

/// Reads this machine's use. Keeps what makes the next reading cheap.
#[derive(Default)]
pub struct Senses {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    batteries: Option<starship_battery::Manager>,
    components: Option<Components>,
    system: Option<System>,
    times: Option<ProcessorTimes>,
    gpu: gpu::Others,
    #[cfg(target_os = "linux")]
    network: network::Network,
    #[cfg(target_os = "linux")]
    screen: screen::Screen,
}

impl Senses {
    /// What `rules` ask for, as it is now.
    pub fn read(&self, rules: &Rules) -> Readings {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readings = Readings {
            on_battery: rules.battery.then(|| kept.on_battery()).flatten(),
            program: kept.running(&rules.programs),
            celsius: (rules.celsius > 0).then(|| kept.celsius()).flatten(),
            others_cpu: (rules.others_cpu_percent > 0).then(|| kept.others_cpu()).flatten(),
            others_gpu: (rules.others_gpu_percent > 0).then(|| kept.gpu.share()).flatten(),
            local_time: (!rules.hours.is_empty()).then(clock::now),
            ..Readings::default()
        };
        kept.read_desktop(rules, &mut readings);
        readings
    }
}

impl Kept {
    /// Whether a battery of the machine itself is being emptied; nothing where it has none.
    fn on_battery(&mut self) -> Option<bool> {
        if self.batteries.is_none() {
            self.batteries = starship_battery::Manager::new().ok();
        }
        let batteries = self.batteries.as_ref()?.batteries().ok()?;
        let states: Vec<_> = batteries.flatten().map(|battery| battery.state()).collect();
        (!states.is_empty()).then(|| states.contains(&starship_battery::State::Discharging))
    }

    /// The hottest sensor that tells a temperature.
    fn celsius(&mut self) -> Option<f32> {
        if self.components.is_none() {
            self.components = Components::new_with_refreshed_list().ok();
        }
        let components = self.components.as_mut()?;
        components.refresh(false);
        components
            .iter()
            .filter_map(sysinfo::Component::temperature)
            .filter(|celsius| celsius.is_finite())
            .reduce(f32::max)
    }

    /// The first of `programs` that runs, by the name of its file, however it is written.
    fn running(&mut self, programs: &[String]) -> Option<String> {
        if programs.is_empty() {
            return None;
        }
        if self.system.is_none() {
            self.system = System::new().ok();
        }
        let system = self.system.as_mut()?;
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
        let names: Vec<String> =
            system.processes().values().map(|process| plain(&process.name().to_string_lossy())).collect();
        programs.iter().find(|program| names.contains(&system_name(program))).cloned()
    }

    /// Since the last reading; nothing at the first.
    fn others_cpu(&mut self) -> Option<f32> {
        let now = cortensor_hardware::processor_times()?;
        let before = self.times.replace(now)?;
        now.taken_by_others_since(&before)
    }

    #[cfg(target_os = "linux")]
    fn read_desktop(&mut self, rules: &Rules, readings: &mut Readings) {
        readings.untouched = (rules.in_use_seconds > 0).then(|| self.screen.untouched()).flatten();
        readings.full_screen = rules.full_screen.then(|| self.screen.is_filled()).flatten();
        readings.metered = rules.metered.then(|| self.network.is_metered()).flatten();
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "nothing of it is read here yet")]
    fn read_desktop(&mut self, _rules: &Rules, _readings: &mut Readings) {}
}

/// Without the ending that Windows gives programs, in small letters.
fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

/// The same as the system has it: Linux keeps the first 15 bytes of a name.
fn system_name(program: &str) -> String {
    let name = plain(program.trim());
    if cfg!(target_os = "linux") { name.chars().take(15).collect() } else { name }
}

#[cfg(test)]
mod tests;
