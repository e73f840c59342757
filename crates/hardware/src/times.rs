//! How much of the processor other programs took over a stretch of time.

/// Processor time since the system started, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorTimes {
    /// On all cores, idle or not.
    pub(crate) total: u64,
    /// On all cores, at work.
    pub(crate) busy: u64,
    /// For this process.
    pub(crate) own: u64,
}

impl ProcessorTimes {
    /// The share of the processor (0 to 1) that others took since `earlier`; `None` if no tick has passed.
    pub fn taken_by_others_since(&self, earlier: &Self) -> Option<f32> {
        let passed = |of: fn(&Self) -> u64| of(self).saturating_sub(of(earlier));
        let total = passed(|times| times.total);
        let others = passed(|times| times.busy).saturating_sub(passed(|times| times.own));
        #[expect(clippy::cast_precision_loss, reason = "a share needs few digits")]
        let share = (others as f32 / total as f32).min(1.0);
        (total > 0).then_some(share)
    }
}

/// From the first line of `/proc/stat` and from `/proc/self/stat`, which count in the same ticks.
pub(crate) fn processor_times(system: &str, process: &str) -> Option<ProcessorTimes> {
    let all = system.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user, nice, system, idle, waiting for disks, interrupts (2), stolen by the host; guests are in user already.
    let ticks: Vec<u64> = all.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let idle = ticks.get(3)? + ticks.get(4)?;
    // The program's name is in parentheses and may have spaces; times in user and system mode are the 12th and 13th behind it.
    let behind: Vec<&str> = process.rsplit_once(')')?.1.split_whitespace().collect();
    let own = behind.get(11)?.parse::<u64>().ok()? + behind.get(12)?.parse::<u64>().ok()?;
    let total = ticks.iter().sum();
    Some(ProcessorTimes { total, busy: total - idle, own })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = "cpu  1000 20 300 5000 80 10 5 85 7 0\ncpu0 500 10 150 2500 40 5 3 40 3 0\n";
    const PROCESS: &str = "42 (a (strange) name) S 1 42 42 0 -1 4194560 100 0 0 0 600 150 0 0 20 0 8 0 99 1000000";

    #[test]
    fn the_times_of_linux_are_read_whatever_the_program_is_called() {
        let times = processor_times(SYSTEM, PROCESS).unwrap();
        assert_eq!(times, ProcessorTimes { total: 6500, busy: 1420, own: 750 });
        for (system, process) in [("", PROCESS), (SYSTEM, ""), ("cpu x", PROCESS), (SYSTEM, "42 (name) S 1")] {
            assert_eq!(processor_times(system, process), None);
        }
    }

    #[test]
    fn what_others_took_is_what_was_busy_without_our_own() {
        let before = ProcessorTimes { total: 1000, busy: 500, own: 100 };
        for (total, busy, own, share) in [
            (1200, 700, 300, Some(0.0)),
            (1200, 700, 200, Some(0.5)),
            (1200, 500, 150, Some(0.0)),
            (1000, 500, 100, None),
        ] {
            let after = ProcessorTimes { total, busy, own };
            assert_eq!(after.taken_by_others_since(&before), share, "{after:?}");
        }
    }
}
