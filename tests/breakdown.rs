//! An engine that breaks down: no request fails, the model is loaded again, and what happened is kept and told.

use cortensor_app::{Incident, Phase, Repair, Status, StepName, incidents};
use cortensor_engine::GenerateError;
use cortensor_node::BreakdownKind;
use cortensor_router::{BreakerPolicy, Policy};
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::{Miner, Network, echo, soon};

fn told(status: &Status) -> Option<(BreakdownKind, Repair)> {
    status.incident.as_ref().map(|incident| (incident.kind, incident.repair))
}

/// The context that is served, in tokens.
fn context(miner: &Miner) -> u32 {
    let status = miner.app.status().borrow().clone();
    let load = status.steps.iter().find(|step| step.name == StepName::Load).unwrap();
    let (_, behind) = load.detail.split_once("at full context (").unwrap();
    behind.split(' ').next().unwrap().parse().unwrap()
}

/// A request that is not waited for.
fn ask(network: &Network) -> oneshot::Receiver<(u16, serde_json::Value)> {
    let asking = network.ask(&json!({"messages": [{"role": "user", "content": "say these four words"}]}));
    let (answered, answer) = oneshot::channel();
    tokio::spawn(async move { answered.send(asking.await) });
    answer
}

#[tokio::test]
async fn a_model_that_fails_is_loaded_again_and_the_request_is_answered_all_the_same() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    miner.engine.fails_to_answer(GenerateError::Engine("a kernel failed".to_owned()));
    let (status, answer) = soon("the answer", ask(&network)).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["choices"][0]["message"]["content"], "say these four words");
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!(told(&status), Some((BreakdownKind::Failed, Repair::LoadedAgain)));
    assert_eq!(miner.engine.loaded(), 1);

    soon("being seen", miner.app.dismiss_incident()).await.unwrap();
    assert_eq!(miner.app.status().borrow().incident, None);
    let (home, ..) = miner.quit().await;
    let kept: Vec<Incident> = incidents(&home.folders()).unwrap();
    assert!(kept.len() == 1 && kept[0].words().contains("a kernel failed"), "{kept:?}");
    network.router.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn a_model_that_runs_out_of_memory_is_loaded_with_half_the_context() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    let before = context(&miner);
    miner.engine.fails_to_answer(GenerateError::OutOfMemory("CUDA_ERROR_OUT_OF_MEMORY".to_owned()));
    assert_eq!(soon("the answer", ask(&network)).await.unwrap().0, 200);
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!(told(&status), Some((BreakdownKind::OutOfMemory, Repair::LoadedSmaller)));
    assert_eq!(context(&miner), before / 2);
    miner.quit().await;
}

#[tokio::test]
async fn a_model_that_runs_out_of_memory_at_its_smallest_is_given_up_until_the_user_resumes() {
    let breaker = BreakerPolicy { park_seconds: 0, ..BreakerPolicy::default() };
    let network = Network::with(Policy { breaker, ..Policy::default() }).await;
    let miner = Miner::start(&network, echo()).await;
    // With 4096 tokens, 2048, 1024 and 512, and there is no less.
    assert_eq!(context(&miner), 4096);
    for _ in 0..4 {
        miner.engine.fails_to_answer(GenerateError::OutOfMemory("no memory".to_owned()));
    }
    let _answer = ask(&network);
    let given_up = |status: &Status| status.phase == Phase::Paused && status.problem.is_some();
    let status = miner.becomes("giving up", given_up).await;
    assert_eq!(told(&status), Some((BreakdownKind::OutOfMemory, Repair::GivenUp)));
    assert!(status.problem.unwrap().message.contains("choose Resume"));
    assert_eq!(miner.engine.loaded(), 0);

    soon("resuming", miner.app.resume()).await.unwrap();
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!(status.problem, None);
    network.answer().await;
    miner.quit().await;
}
