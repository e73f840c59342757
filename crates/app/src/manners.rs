//! Looks about once a second whether the miner should step aside.

use std::{sync::Arc, time::Duration};

use cortensor_manners::{Manners, Reason, Rules};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::Senses;

/// Two of them are the longest that a user waits until the miner steps aside.
const PERIOD: Duration = Duration::from_millis(900);

/// Looks until nobody listens any more.
pub(crate) fn watch(senses: Senses, rules: watch::Receiver<Rules>) -> watch::Receiver<Vec<Reason>> {
    let (told, heard) = watch::channel(Vec::new());
    tokio::spawn(look(senses, rules, told));
    heard
}

async fn look(senses: Senses, rules: watch::Receiver<Rules>, told: watch::Sender<Vec<Reason>>) {
    let (started, mut manners) = (Instant::now(), Manners::default());
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = period.tick() => {}
            () = told.closed() => return,
        }
        let (senses, asked) = (Arc::clone(&senses), rules.borrow().clone());
        let read = spawn_blocking(move || (senses(&asked), asked)).await;
        let Ok((readings, asked)) = read else {
            tracing::error!("reading the machine's use failed; rules for stepping aside hold nothing back any more");
            told.send_replace(Vec::new());
            return;
        };
        let reasons = manners.look(started.elapsed(), &asked, &readings);
        told.send_if_modified(|before| {
            let other = *before != reasons;
            *before = reasons;
            other
        });
    }
}
