//! Stepping aside: the miner gives the memory back when the machine is needed, fails no request, and comes back.

use std::time::{Duration, Instant};

use cortensor_app::{Phase, Readings, Reason, Rules, Settings, Status};
use cortensor_protocol::Mode;
use serde_json::json;

use crate::support::{Miner, Network, echo, soon};

fn on_battery(on: bool) -> Readings {
    Readings { on_battery: Some(on), ..Readings::default() }
}

fn aside(status: &Status) -> bool {
    status.phase == Phase::Paused && status.aside == [Reason::Battery] && status.loaded.is_none()
}

#[tokio::test]
async fn a_miner_on_battery_gives_the_memory_back_says_why_and_comes_back_by_itself() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    let unplugged = Instant::now();
    miner.use_of_machine.send_replace(on_battery(true));
    miner.becomes("stepping aside", aside).await;
    println!("nothing is loaded {:?} behind the battery", unplugged.elapsed());
    assert_eq!(miner.engine.loaded(), 0);

    // What is chosen meanwhile holds afterwards, and loads nothing now.
    soon("the choice", miner.app.set_mode(Mode::Precision)).await.unwrap();
    assert_eq!(miner.engine.loaded(), 0);
    miner.use_of_machine.send_replace(on_battery(false));
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!((status.loaded.map(|loaded| loaded.mode), status.aside), (Some(Mode::Precision), Vec::new()));
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_handed_back_and_goes_on_at_another_node() {
    let network = Network::start().await;
    let leaves = Miner::start(&network, echo().paced(Duration::from_millis(200))).await;
    let stays = Miner::start(&network, echo()).await;
    // Whichever of two equally fast files volume takes, precision takes the most exact one: both have the same.
    for miner in [&leaves, &stays] {
        soon("the switch", miner.app.set_mode(Mode::Precision)).await.unwrap();
    }
    soon("the pause", stays.app.pause()).await.unwrap();
    let long = json!({"messages": [{"role": "user", "content": "word ".repeat(80).trim()}], "max_tokens": 128});
    let running = tokio::spawn(network.ask(&long));
    leaves.becomes("the request", |status| status.running == 1).await;
    soon("resuming", stays.app.resume()).await.unwrap();
    stays.comes_to(Phase::Mining).await;

    assert_eq!(leaves.app.status().borrow().running, 1, "the answer was over before it could be given back");
    leaves.use_of_machine.send_replace(on_battery(true));
    leaves.becomes("stepping aside", aside).await;
    let (status, answer) = soon("the answer", running).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    // A scripted engine takes what it is to go on behind for a part of the prompt: its text is not the same.
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().starts_with("word word word"), "{answer}");
    stays.has_earned(1).await;
    assert_eq!(leaves.app.earnings(0).await.unwrap().summary.requests, 0);
    leaves.quit().await;
    stays.quit().await;
    network.router.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn who_resumes_mines_all_the_same_until_the_reason_is_gone() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    miner.use_of_machine.send_replace(on_battery(true));
    miner.becomes("stepping aside", aside).await;
    soon("resuming", miner.app.resume()).await.unwrap();
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!(status.aside, [Reason::Battery]);
    network.answer().await;

    // The next time is another time.
    miner.use_of_machine.send_replace(on_battery(false));
    miner.becomes("no reason", |status| status.aside.is_empty()).await;
    miner.use_of_machine.send_replace(on_battery(true));
    miner.becomes("stepping aside", aside).await;
    miner.quit().await;
}

#[tokio::test]
async fn rules_hold_as_soon_as_they_are_saved() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    miner.use_of_machine.send_replace(on_battery(true));
    miner.becomes("stepping aside", aside).await;
    let settings = |battery| Settings { manners: Rules { battery, ..Rules::default() }, ..Settings::default() };
    assert!(!miner.app.save_settings(&settings(false)).await.unwrap().restart_needed);
    miner.comes_to(Phase::Mining).await;
    miner.app.save_settings(&settings(true)).await.unwrap();
    miner.becomes("stepping aside", aside).await;
    miner.quit().await;
}

#[tokio::test]
async fn who_paused_stays_paused_when_the_reason_is_gone() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    miner.use_of_machine.send_replace(on_battery(true));
    miner.becomes("stepping aside", aside).await;
    soon("the pause", miner.app.pause()).await.unwrap();
    miner.use_of_machine.send_replace(on_battery(false));
    miner.becomes("no reason", |status| status.aside.is_empty()).await;
    assert_eq!((miner.app.status().borrow().phase, miner.engine.loaded()), (Phase::Paused, 0));
    miner.quit().await;
}
