//! A miner in a host that outlives it, as the window has it: asked for a passphrase, refused a port, started again.

use std::{net::TcpListener, sync::Arc};

use cortensor_app::{FailureCode, Passphrases, Phase, ProblemCode, Settings, Status, StatusPageSettings};
use cortensor_engine::scripted::ScriptedEngine;
use cortensor_host::{Miner, Options};
use cortensor_models::inventory::{HeldFile, HeldModel, Inventory, Origin};
use cortensor_protocol::{ModelId, Precision};

use crate::support::{Home, PASSPHRASE, echo, soon, starter};

fn resident(home: &Home, listen: &str) -> Miner {
    let passphrases = Passphrases::Given;
    let engine = Arc::new(ScriptedEngine::new(echo()));
    let settings = Settings { listen: listen.parse().unwrap(), ..Settings::default() };
    settings.write(&home.folders()).unwrap();
    Miner::new(Options { engine, ..Options::new(home.folders(), starter(), passphrases) })
}

async fn becomes(miner: &Miner, what: &str, is: impl Fn(&Status) -> bool) -> Status {
    let mut status = miner.status();
    soon(what, status.wait_for(is)).await.unwrap().clone()
}

async fn mines(miner: &Miner) -> Status {
    becomes(miner, "the question for a passphrase", |status| status.passphrase.is_some()).await;
    miner.app().unwrap().give_passphrase(PASSPHRASE.to_owned()).unwrap();
    becomes(miner, "mining", |status| status.phase == Phase::Mining).await
}

#[tokio::test]
async fn a_passphrase_is_asked_for_until_it_is_right_and_not_taken_when_it_was_not_asked_for() {
    let home = Home::new();
    let miner = resident(&home, "127.0.0.1:0");
    assert_eq!(miner.app().err().unwrap().code, FailureCode::Stopped);
    miner.start().await;
    let asked = becomes(&miner, "the question", |status| status.passphrase.is_some()).await.passphrase.unwrap();
    assert!(!asked.new && asked.refused.is_none());
    let app = miner.app().unwrap();
    app.give_passphrase("battery staple".to_owned()).unwrap();
    let refused = |status: &Status| status.passphrase.as_ref().is_some_and(|asked| asked.refused.is_some());
    becomes(&miner, "the refusal", refused).await;
    let status = mines(&miner).await;
    assert!(status.passphrase.is_none() && status.key_place.is_some());
    assert_eq!(app.give_passphrase(PASSPHRASE.to_owned()).unwrap_err().code, FailureCode::Passphrase);
    soon("the stop", miner.stop()).await;
    assert_eq!(miner.status().borrow().phase, Phase::Stopped);
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_problem_that_another_start_gets_over() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let miner = resident(&home, &taken.local_addr().unwrap().to_string());
    miner.start().await;
    let status = miner.status().borrow().clone();
    assert_eq!((status.phase, status.problem.unwrap().code), (Phase::Failed, ProblemCode::Network));
    assert!(miner.practice().is_none());
    // The setting that is wrong can be put right without a miner.
    let settings = miner.settings();
    assert!(settings.restart_needed && settings.problem.is_none());
    miner.save_settings(&settings.settings).await.unwrap();
    drop(taken);
    miner.start().await;
    mines(&miner).await;
    assert!(miner.practice().is_some());
    soon("the stop", miner.stop()).await;
}

#[tokio::test]
async fn settings_that_need_a_restart_hold_from_it_on_and_earnings_stay() {
    let home = Home::new();
    let miner = resident(&home, "127.0.0.1:0");
    miner.start().await;
    let before = mines(&miner).await;
    let app = miner.app().unwrap();
    let changed = Settings { context_tokens: Some(512), ..app.settings().settings };
    assert!(app.save_settings(&changed).await.unwrap().restart_needed);
    let refused = app.save_settings(&Settings { slots: Some(0), ..changed.clone() }).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::Settings);
    assert_eq!(app.settings().settings, changed, "and nothing was written");

    soon("the restart", miner.start()).await;
    let after = mines(&miner).await;
    assert_eq!(after.plan.unwrap().volume.load.context_tokens, 512);
    // The last test may be settled behind the word that it was passed.
    assert!(after.earnings.total >= before.earnings.total && after.address == before.address);
    assert!(!miner.app().unwrap().settings().restart_needed);
    soon("the stop", miner.stop()).await;
}

#[tokio::test]
async fn a_key_is_exported_and_imported_and_holds_from_the_next_start_on() {
    let (home, other) = (Home::new(), Home::new());
    let miner = resident(&home, "127.0.0.1:0");
    miner.start().await;
    let address = mines(&miner).await.address.unwrap();
    let backup = home.folders().data().join("backup.json");
    let app = miner.app().unwrap();
    let export = |passphrase: &str| app.export_key(backup.clone(), passphrase.to_owned());
    assert_eq!(soon("the refusal", export("short")).await.unwrap_err().code, FailureCode::Passphrase);
    soon("the export", export(PASSPHRASE)).await.unwrap();
    soon("the stop", miner.stop()).await;

    let taker = resident(&other, "127.0.0.1:0");
    taker.start().await;
    let before = mines(&taker).await.address.unwrap();
    let app = taker.app().unwrap();
    let import = |passphrase: &str| app.import_key(backup.clone(), passphrase.to_owned());
    assert_eq!(soon("the refusal", import("battery staple")).await.unwrap_err().code, FailureCode::Passphrase);
    assert_eq!(soon("the import", import(PASSPHRASE)).await.unwrap(), address);
    assert_eq!(taker.status().borrow().address, Some(before), "until it starts again");
    taker.start().await;
    assert_eq!(mines(&taker).await.address, Some(address));
    soon("the stop", taker.stop()).await;
}

#[tokio::test]
async fn a_listed_model_that_came_is_planned_with_once_it_is_measured() {
    let home = Home::new();
    let miner = resident(&home, "127.0.0.1:0");
    miner.start().await;
    let (listed, local) = (ModelId::new("smollm2-360m-instruct"), ModelId::new("local-something"));
    let has = |status: &Status, model: &ModelId| {
        let alternatives = &status.plan.as_ref().unwrap().alternatives;
        alternatives.iter().any(|one| one.variant.model == *model)
    };
    assert!(!has(&mines(&miner).await, &listed));
    // What the file is matters to the real engine only.
    for id in [&listed, &local] {
        let file = HeldFile::of(&starter(), cortensor_models::starter().digest).unwrap();
        let (id, format, origin) = (id.clone(), Precision::Q8_0, Origin::Imported);
        let held = HeldModel { id, format, files: vec![file], origin, keep: false };
        Inventory::at(home.folders().models()).add(held).unwrap();
    }
    soon("the measuring", miner.app().unwrap().measure()).await.unwrap();
    let status = miner.status().borrow().clone();
    assert!(has(&status, &listed) && status.measurements.iter().any(|one| one.model == listed));
    assert!(!has(&status, &local), "the network has no name for it");
    soon("the stop", miner.stop()).await;
}

#[tokio::test]
async fn the_status_page_is_there_when_no_miner_is_and_goes_when_that_is_saved() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let miner = resident(&home, &taken.local_addr().unwrap().to_string());
    let on = seen_at("127.0.0.1:0");
    let settings = Settings { status_page: on, ..miner.settings().settings };
    settings.write(&home.folders()).unwrap();
    miner.start().await;
    assert_eq!(miner.status().borrow().phase, Phase::Failed);
    let url = miner.page().view().borrow().addresses[0].clone();
    assert!(reqwest::get(&url).await.unwrap().status().is_success());
    let off = Settings { status_page: StatusPageSettings::default(), ..settings };
    miner.save_settings(&off).await.unwrap();
    assert!(!miner.page().view().borrow().open && reqwest::get(&url).await.is_err());
    soon("the stop", miner.stop()).await;
}

#[tokio::test]
async fn a_port_that_the_status_page_cannot_have_stops_no_miner() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let miner = resident(&home, "127.0.0.1:0");
    let status_page = seen_at(&taken.local_addr().unwrap().to_string());
    Settings { status_page, ..miner.settings().settings }.write(&home.folders()).unwrap();
    miner.start().await;
    mines(&miner).await;
    let problem = miner.page().view().borrow().problem.clone().unwrap();
    assert!(problem.contains("choose another address"), "{problem}");
    soon("the stop", miner.stop()).await;
}

fn seen_at(listen: &str) -> StatusPageSettings {
    StatusPageSettings { on: true, listen: listen.parse().unwrap() }
}
