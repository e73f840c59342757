//! What the user may set, and when it is broken.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Hours, Readings, Reason, reason::Kind};

/// How far a temperature or a share must fall below its limit before it counts as kept again.
const BACK_CELSIUS: f32 = 5.0;
const BACK_PERCENT: f32 = 10.0;

/// When to step aside. A number of 0 turns its rule off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Pause while somebody uses this computer, and for so many seconds after the last key or movement of the mouse.
    pub in_use_seconds: u32,
    /// Pause on battery.
    pub battery: bool,
    /// Pause while a program fills the screen: games, films.
    pub full_screen: bool,
    /// Pause while one of these runs, by the name of its file.
    pub programs: Vec<String>,
    /// Pause above this, in degrees Celsius, by the hottest sensor.
    pub celsius: u32,
    /// Pause while other programs take more of all cores than this, in percent.
    pub others_cpu_percent: u32,
    /// Pause while other programs take more of the graphics card than this, in percent.
    pub others_gpu_percent: u32,
    /// Pause while the connection is paid for by volume.
    pub metered: bool,
    /// Mine only then, such as `mon-fri 18:00-08:00`. Empty: at any time.
    #[ts(type = "string[]")]
    pub hours: Vec<Hours>,
}

impl Default for Rules {
    /// Gives way to games and films, spares batteries, hot machines and paid connections. Whoever wants more says so: a
    /// miner that stops at every key would not be seen mining by the one who has just installed it.
    fn default() -> Self {
        Self {
            in_use_seconds: 0,
            battery: true,
            full_screen: true,
            programs: Vec::new(),
            celsius: 90,
            others_cpu_percent: 0,
            others_gpu_percent: 0,
            metered: true,
            hours: Vec::new(),
        }
    }
}

impl Rules {
    /// The rules that `readings` break. `held` says of which kinds one holds already: those have to fall below their
    /// limit by a distance.
    pub(crate) fn broken(&self, readings: &Readings, held: impl Fn(Kind) -> bool) -> Vec<Reason> {
        let limit = |kind, limit: u32, back: f32| {
            let limit_value = precise(limit);
            if held(kind) { limit_value - back } else { limit_value }
        };
        let is = |reading: Option<bool>| reading == Some(true);
        let untouched = readings.untouched.filter(|untouched| untouched.as_secs() < u64::from(self.in_use_seconds));
        let hot = readings.celsius.filter(|celsius| *celsius > limit(Kind::Hot, self.celsius, BACK_CELSIUS));
        let over = |kind, share: Option<f32>, percent: u32| {
            share.map(|share| share * 100.0).filter(|share| *share > limit(kind, percent, BACK_PERCENT)).map(rounded)
        };
        let until = readings.local_time.and_then(|now| Hours::next(&self.hours, now));
        let reasons = [
            until.map(|until| Reason::Hours { until }),
            is(readings.on_battery).then_some(Reason::Battery),
            readings.program.clone().map(|name| Reason::Program { name }),
            is(readings.full_screen).then_some(Reason::FullScreen),
            untouched.map(|_| Reason::InUse),
            hot.map(|celsius| Reason::Hot { celsius: rounded(celsius), limit: self.celsius }),
            over(Kind::Processor, readings.others_cpu, self.others_cpu_percent)
                .map(|percent| Reason::Processor { percent, limit: self.others_cpu_percent }),
            over(Kind::Graphics, readings.others_gpu, self.others_gpu_percent)
                .map(|percent| Reason::Graphics { percent, limit: self.others_gpu_percent }),
            is(readings.metered).then_some(Reason::Metered),
        ];
        reasons.into_iter().flatten().filter(|reason| self.asks_for(reason.kind())).collect()
    }

    /// Whether this rule is on.
    pub(crate) const fn asks_for(&self, kind: Kind) -> bool {
        match kind {
            Kind::Hours => !self.hours.is_empty(),
            Kind::Battery => self.battery,
            Kind::Program => !self.programs.is_empty(),
            Kind::FullScreen => self.full_screen,
            Kind::InUse => self.in_use_seconds > 0,
            Kind::Hot => self.celsius > 0,
            Kind::Processor => self.others_cpu_percent > 0,
            Kind::Graphics => self.others_gpu_percent > 0,
            Kind::Metered => self.metered,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "degrees and percents, a few hundred at most")]
const fn precise(number: u32) -> f32 {
    number as f32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "above a limit, which is not negative")]
fn rounded(number: f32) -> u32 {
    number.round() as u32
}
