//! Writes down how long what is served, and what it takes in electricity.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cortensor_hardware::{Energy, PowerMeter, PowerReading};
use cortensor_node::{Ledger, MinedTime, Served};
use cortensor_protocol::Millis;
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::Electricity;
use crate::{Status, wall_time};

/// Between two readings: often enough for counters that begin anew after minutes.
const PERIOD: Duration = Duration::from_secs(10);
/// Readings between two writings: what a kill may lose.
const READINGS: u32 = 6;
/// Parts of time are written by this.
const QUARTER_MS: i64 = 15 * 60 * 1000;
/// Most parts that wait for room on the disk: a week of them.
const MOST_WAITING: usize = 700;

/// A recorder at work.
pub(crate) struct Recorder {
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Recorder {
    /// Records from now on.
    pub(crate) fn start(
        status: watch::Receiver<Status>,
        settings: watch::Receiver<Electricity>,
        ledger: Ledger,
    ) -> Self {
        let stop = CancellationToken::new();
        Self { work: tokio::spawn(record(status, settings, ledger, stop.clone())), stop }
    }

    /// Writes down what there is, and ends.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.work.await {
            tracing::error!(%error, "recording electricity ended badly");
        }
    }
}

async fn record(
    status: watch::Receiver<Status>,
    settings: watch::Receiver<Electricity>,
    ledger: Ledger,
    stop: CancellationToken,
) {
    let Ok(meter) = spawn_blocking(PowerMeter::default).await.map(Arc::new) else { return };
    let (mut tally, mut readings) = (Tally::default(), 0);
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            _ = period.tick() => false,
            () = stop.cancelled() => true,
        };
        let now = served(&status.borrow());
        let (meter, card) = (Arc::clone(&meter), now.as_ref().and_then(|(_, card)| *card));
        let Ok(reading) = spawn_blocking(move || meter.read(card)).await else { return };
        let watts = settings.borrow().watts;
        tally.take(now.map(|(served, _)| served), reading, watts, wall_time());
        readings += 1;
        if last || readings % READINGS == 0 {
            tally.write(&ledger).await;
        }
        if last {
            return;
        }
    }
}

/// What is loaded, and the number of the card that it is on.
fn served(status: &Status) -> Option<(Served, Option<u32>)> {
    let loaded = status.loaded.as_ref()?;
    let served = Served { mode: loaded.mode, model: loaded.model.clone(), precision: loaded.precision };
    Some((served, loaded.card))
}

/// What was read last, and what is to be written.
#[derive(Default)]
struct Tally {
    before: Option<(Served, PowerReading)>,
    waiting: BTreeMap<(i64, Served), (Millis, MinedTime)>,
}

impl Tally {
    /// Counts the time since the last reading, if the same was loaded then and now.
    fn take(&mut self, now: Option<Served>, reading: PowerReading, watts: Option<u32>, at: Millis) {
        let before = self.before.take();
        let Some(served) = now else { return };
        let same = before.filter(|(known, _)| *known == served);
        if let Some(energy) = same.and_then(|(_, before)| reading.since(&before)) {
            let key = (at.0.div_euclid(QUARTER_MS), served.clone());
            let (last, time) = self.waiting.entry(key).or_insert((at, MinedTime::default()));
            (*last, *time) = (at, time.and(mined(energy, watts)));
        }
        self.before = Some((served, reading));
    }

    /// What is not written waits for the next time; the oldest of too much is given up.
    async fn write(&mut self, ledger: &Ledger) {
        while let Some(entry) = self.waiting.first_entry() {
            let ((_, served), (at, time)) = (entry.key(), *entry.get());
            if let Err(error) = ledger.add_mined(served, at, time).await {
                tracing::warn!(%error, "electricity was not written down");
                break;
            }
            entry.remove();
        }
        while self.waiting.len() > MOST_WAITING {
            self.waiting.pop_first();
        }
    }
}

/// By the user's figure where there is one, and else by what was read.
fn mined(energy: Energy, watts: Option<u32>) -> MinedTime {
    let lasted_ms = u64::try_from(energy.lasted.as_millis()).unwrap_or(u64::MAX);
    let time = MinedTime { lasted_ms, ..MinedTime::default() };
    match (watts, energy.processor_mj, energy.card_mj) {
        (Some(watts), ..) => MinedTime { figure_mj: lasted_ms.saturating_mul(watts.into()), ..time },
        (None, None, None) => MinedTime { unread_ms: lasted_ms, ..time },
        (None, processor, card) => {
            MinedTime { processor_mj: processor.unwrap_or_default(), cards_mj: card.unwrap_or_default(), ..time }
        }
    }
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{Mode, ModelId, Precision};

    use super::*;

    fn served(precision: Precision) -> Served {
        Served { mode: Mode::Volume, model: ModelId::new("model"), precision }
    }

    #[test]
    fn the_user_s_figure_goes_before_what_is_read_and_what_is_not_read_is_said_to_be() {
        let energy = |processor_mj, card_mj| Energy { lasted: Duration::from_secs(10), processor_mj, card_mj };
        let time = MinedTime { lasted_ms: 10_000, ..MinedTime::default() };
        for (watts, processor, card, expected) in [
            (Some(50), Some(7), Some(8), MinedTime { figure_mj: 500_000, ..time }),
            (Some(50), None, None, MinedTime { figure_mj: 500_000, ..time }),
            (None, Some(7), Some(8), MinedTime { processor_mj: 7, cards_mj: 8, ..time }),
            (None, None, Some(8), MinedTime { cards_mj: 8, ..time }),
            (None, None, None, MinedTime { unread_ms: 10_000, ..time }),
        ] {
            assert_eq!(mined(energy(processor, card), watts), expected);
        }
    }

    #[tokio::test]
    async fn only_time_with_the_same_model_at_both_ends_is_counted_and_it_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap();
        let (meter, mut tally) = (PowerMeter::default(), Tally::default());
        let exact = || Some(served(Precision::F16));
        let mut lasted = Vec::new();
        for now in [exact(), exact(), Some(served(Precision::Q8_0)), None, exact(), exact()] {
            tally.take(now, meter.read(None), Some(1), Millis(1_000));
            lasted.push(tally.waiting.len());
        }
        assert_eq!(lasted, [0, 1, 1, 1, 1, 1]);
        tally.write(&ledger).await;
        assert!(tally.waiting.is_empty());
        let written = ledger.mined_since(Millis(0)).await.unwrap();
        assert_eq!(written.figure_mj, written.lasted_ms);
        tally.write(&ledger).await;
        assert_eq!(ledger.mined_since(Millis(0)).await.unwrap(), written);
    }

    #[tokio::test]
    async fn what_could_not_be_written_waits_and_there_is_an_end_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap();
        ledger.close().await;
        let mut tally = Tally::default();
        for quarter in 0..800 {
            tally.waiting.insert((quarter, served(Precision::F16)), (Millis(0), MinedTime::default()));
        }
        tally.write(&ledger).await;
        assert_eq!((tally.waiting.len(), tally.waiting.keys().next().unwrap().0), (MOST_WAITING, 100));
    }
}
