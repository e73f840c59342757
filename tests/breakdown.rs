//! An engine that breaks down: no request fails, the model is loaded again, and what happened is kept and told.

use cortensor_app::{Incident, Phase, Repair, Status, StepName, incidents};
use cortensor_engine::GenerateError;
use cortensor_node::BreakdownKind;
use cortensor_protocol::Mode;
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

fn out_of_memory() -> GenerateError {
    GenerateError::OutOfMemory("CUDA_ERROR_OUT_OF_MEMORY".to_owned())
}

/// The context that the router knows of, in tokens.
async fn offered(network: &Network) -> u64 {
    let nodes = network.get("/api/v1/miners").await["nodes"].clone();
    let node = nodes.as_object().unwrap().values().next().unwrap();
    node["offers"][0]["context_tokens"].as_u64().unwrap()
}

#[tokio::test]
async fn a_model_that_runs_out_of_memory_is_loaded_with_half_the_context_until_the_user_says_otherwise() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    assert_eq!(context(&miner), 4096);
    miner.engine.fails_to_answer(out_of_memory());
    assert_eq!(soon("the answer", ask(&network)).await.unwrap().0, 200);
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!(told(&status), Some((BreakdownKind::OutOfMemory, Repair::LoadedSmaller)));
    let incident = status.incident.unwrap();
    assert!(incident.words().contains("after 4096 tokens of context it goes on with 2048"), "{}", incident.words());
    assert_eq!((context(&miner), offered(&network).await), (2048, 2048));
    let (home, router, script) = miner.quit().await;

    let miner = Miner::launch(home, router, script);
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!((context(&miner), status.incident), (2048, None));
    let plan = status.plan.unwrap();
    assert!(plan.volume.reasons.iter().any(|reason| reason.contains("2048 tokens instead of 4096")), "{plan:?}");
    assert_eq!(plan.limits.len(), 1);

    soon("the full context", miner.app.forget_memory_limits()).await.unwrap();
    assert_eq!(context(&miner), 4096);
    assert_eq!(miner.comes_to(Phase::Mining).await.plan.unwrap().limits, []);
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn a_precision_that_runs_out_of_memory_at_its_smallest_makes_room_for_another() {
    let breaker = BreakerPolicy { park_seconds: 0, ..BreakerPolicy::default() };
    let network = Network::with(Policy { breaker, ..Policy::default() }).await;
    let miner = Miner::start(&network, echo()).await;
    let before = miner.app.status().borrow().loaded.clone().unwrap().precision;
    // With 4096 tokens, 2048, 1024 and 512, and there is no less.
    (0..4).for_each(|_| miner.engine.fails_to_answer(out_of_memory()));
    let _answer = ask(&network);
    let other = |status: &Status| status.loaded.as_ref().is_some_and(|loaded| loaded.precision != before);
    let status = miner.becomes("another precision", other).await;
    assert_eq!(told(&status), Some((BreakdownKind::OutOfMemory, Repair::LoadedSmaller)));
    assert_eq!(status.incident.unwrap().goes_on.unwrap().precision, status.loaded.unwrap().precision);
    assert_eq!(context(&miner), 4096);
    miner.comes_to(Phase::Mining).await;
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn memory_that_runs_out_over_a_load_is_asked_for_less_of() {
    // A letter is a token to this engine: the network's long prompt is to fit all the same.
    let network = Network::with(Policy { long_prompt_words: 100, ..Policy::default() }).await;
    let miner = Miner::start(&network, echo()).await;
    miner.engine.has_memory_for(1024);
    soon("the switch", miner.app.set_mode(Mode::Precision)).await.unwrap();
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!((status.mode, context(&miner)), (Some(Mode::Precision), 1024));
    assert_eq!(told(&status), Some((BreakdownKind::OutOfMemory, Repair::LoadedSmaller)));
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn a_miner_that_runs_out_of_memory_with_everything_it_has_gives_up_until_the_user_resumes() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    miner.engine.fails_to_answer(out_of_memory());
    miner.engine.has_memory_for(0);
    let _answer = ask(&network);
    let given_up = |status: &Status| status.phase == Phase::Paused && status.problem.is_some();
    let status = miner.becomes("giving up", given_up).await;
    assert_eq!(told(&status), Some((BreakdownKind::OutOfMemory, Repair::GivenUp)));
    assert!(status.problem.unwrap().message.contains("choose Resume"));
    assert_eq!(miner.engine.loaded(), 0);

    miner.engine.has_memory_for(u64::MAX);
    soon("resuming", miner.app.resume()).await.unwrap();
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!((status.problem, context(&miner)), (None, 4096));
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn a_precision_that_runs_out_of_memory_when_it_is_measured_is_left_out_until_the_user_says_otherwise() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    let most_exact = |status: &Status| status.plan.as_ref().unwrap().precision.variant.precision;
    let before = most_exact(&miner.app.status().borrow());
    miner.engine.fails_to_answer(out_of_memory());
    soon("measuring", miner.app.measure()).await.unwrap();
    let status = miner.comes_to(Phase::Mining).await;
    assert_ne!(most_exact(&status), before);
    assert_eq!(status.plan.unwrap().limits.iter().map(|limit| limit.most).collect::<Vec<_>>(), [None]);

    soon("the full plan", miner.app.forget_memory_limits()).await.unwrap();
    assert_eq!(most_exact(&miner.app.status().borrow()), before);
    miner.quit().await;
}
