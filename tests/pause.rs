//! Pausing for a while: the miner goes on by itself when the time is over, and a restart changes nothing of that.

use std::sync::atomic::Ordering;

use cortensor_app::{PauseLength, Phase, Readings, Reason};

use crate::support::{Miner, Network, echo, soon};

#[tokio::test]
async fn a_pause_for_a_while_outlives_a_restart_and_is_over_by_itself() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    soon("the pause", miner.app.pause_for(PauseLength::Hour)).await.unwrap();
    let paused = miner.comes_to(Phase::Paused).await;
    assert!(paused.paused_until.is_some() && miner.engine.loaded() == 0);

    let (home, router, script) = miner.quit().await;
    let miner = Miner::launch(home, router, script);
    assert_eq!(miner.comes_to(Phase::Paused).await.paused_until, paused.paused_until);
    miner.ahead.store(61, Ordering::SeqCst);
    assert_eq!(miner.comes_to(Phase::Mining).await.paused_until, None);
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn the_last_word_on_a_pause_holds() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    soon("the short pause", miner.app.pause_for(PauseLength::QuarterHour)).await.unwrap();
    soon("the pause without an end", miner.app.pause()).await.unwrap();
    miner.ahead.store(16, Ordering::SeqCst);
    assert_eq!(miner.comes_to(Phase::Paused).await.paused_until, None);

    soon("the short pause", miner.app.pause_for(PauseLength::QuarterHour)).await.unwrap();
    soon("resuming", miner.app.resume()).await.unwrap();
    assert_eq!(miner.comes_to(Phase::Mining).await.paused_until, None);
    miner.quit().await;
}

#[tokio::test]
async fn the_end_of_a_pause_is_no_word_against_stepping_aside() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    soon("the pause", miner.app.pause_for(PauseLength::QuarterHour)).await.unwrap();
    let on_battery = |on| Readings { on_battery: Some(on), ..Readings::default() };
    miner.use_of_machine.send_replace(on_battery(true));
    miner.becomes("a reason", |status| status.aside == [Reason::Battery]).await;
    miner.ahead.store(16, Ordering::SeqCst);
    let status = miner.becomes("the end of the pause", |status| status.paused_until.is_none()).await;
    assert_eq!((status.phase, miner.engine.loaded()), (Phase::Paused, 0));
    miner.use_of_machine.send_replace(on_battery(false));
    miner.comes_to(Phase::Mining).await;
    miner.quit().await;
}
