//! The whole path in one process: app, node, router, real sockets and databases; only the engine's answers are written
//! down. What the real engine is asked for is tested with the command line.

mod breakdown;
mod compare;
mod compare_sides;
mod earnings;
mod manners;
mod pause;
mod resident;
mod support;
mod withdrawal;

use std::time::Duration;

use cortensor_app::{App, CommandError, FailureCode, Phase, Settings, Span, Status, StepName, StepState};
use cortensor_engine::scripted::Script;
use cortensor_node::{ActivityFilter, ActivityQuery, Connection, LiveTaskState};
use cortensor_protocol::{Mode, SettlementStatus, TaskId, TaskKind};
use futures::future::join_all;
use serde_json::json;
use support::{Home, MODEL, Miner, Network, echo, soon};
use tokio::sync::watch;

#[tokio::test]
async fn a_new_miner_goes_step_by_step_to_its_first_earnings() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    let status = miner.app.status().borrow().clone();
    let names: Vec<StepName> = status.steps.iter().map(|step| step.name).collect();
    assert!(names.is_sorted() && names.len() == 9, "{names:?}");
    for step in &status.steps {
        assert_eq!(step.state, StepState::Done, "{step:?}");
        assert!(!step.detail.is_empty(), "{step:?}");
    }
    assert!(status.tier.unwrap().tier.is_some());
    assert_eq!(status.modes.len(), 2);
    assert!(status.modes.iter().all(|view| view.predicted_requests_per_hour.is_some()));

    let answer = network.answer().await;
    assert_eq!(answer["choices"][0]["message"]["content"], "say these four words");
    assert_eq!((&answer["model"], &answer["usage"]["completion_tokens"]), (&json!(MODEL), &json!(4)));
    let earnings = miner.has_earned(1).await;
    let user: Vec<_> = earnings.latest.iter().filter(|one| one.kind == TaskKind::User).collect();
    let [paid] = user.as_slice() else { panic!("{user:?}") };
    assert!(matches!(&paid.status, SettlementStatus::Paid { amount } if amount.base_units() > 0));
    assert_eq!((paid.model.as_str(), paid.usage.completion_tokens), (MODEL, 4));
    assert!(earnings.summary.total >= earnings.summary.today && earnings.summary.today.base_units() > 0);

    miner.quit().await;
    network.router.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn a_switch_fails_no_request_and_what_runs_ends_on_the_old_model() {
    let network = Network::start().await;
    let script = echo().paced(Duration::from_millis(5)).with_slower_full_precision(Duration::from_millis(5));
    let miner = Miner::start(&network, script).await;
    let (stop, stopped) = watch::channel(false);
    let clients = join_all((0..4).map(|_| async {
        let mut precisions = Vec::new();
        while !*stopped.borrow() {
            precisions.push(network.answer().await["cortensor"]["precision"].as_str().unwrap().to_owned());
        }
        precisions
    }));
    let switching = async {
        for mode in [Mode::Precision, Mode::Volume, Mode::Precision] {
            soon("the switch", miner.app.set_mode(mode)).await.unwrap();
            let status = miner.app.status().borrow().clone();
            assert_eq!((status.mode, status.loaded.unwrap().mode), (Some(mode), mode));
            let plan = status.steps.iter().find(|step| step.name == StepName::Plan).unwrap();
            assert!(plan.detail.contains(&format!(" for {mode}: ")), "{}", plan.detail);
            miner
                .becomes("a request in this mode", |status| {
                    status.modes.iter().any(|view| view.mode == mode && view.measured_requests_per_hour.is_some())
                })
                .await;
        }
        stop.send_replace(true);
    };
    let (answers, ()) = tokio::join!(clients, switching);
    let steps = miner.comes_to(Phase::Mining).await.steps;
    assert!(steps.iter().all(|step| step.state == StepState::Done), "{steps:?}");
    let precisions = answers.concat();
    assert!(precisions.iter().any(|one| one == "F16"), "{precisions:?}");
    assert_eq!(miner.engine.loaded(), 1);
    let served = u64::try_from(precisions.len()).unwrap();
    assert_eq!(miner.has_earned(served).await.summary.requests, served);
    miner.quit().await;
}

#[tokio::test]
async fn pausing_finishes_what_runs_and_gives_the_model_back() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo().paced(Duration::from_millis(100))).await;
    let long = json!({"messages": [{"role": "user", "content": "word ".repeat(20)}]});
    let running = tokio::spawn(network.ask(&long));
    miner.becomes("the request", |status| status.running == 1).await;
    soon("the pause", miner.app.pause()).await.unwrap();
    assert_eq!(soon("the answer", running).await.unwrap().0, 200, "a pause fails no running request");
    let status = miner.comes_to(Phase::Paused).await;
    assert!(status.loaded.is_none() && miner.engine.loaded() == 0);

    // The choice outlives the miner.
    let (home, router, script) = miner.quit().await;
    let miner = Miner::launch(home, router, script);
    miner.comes_to(Phase::Paused).await;
    assert_eq!(miner.engine.loaded(), 0);
    soon("resuming", miner.app.resume()).await.unwrap();
    miner.comes_to(Phase::Mining).await;
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn a_router_that_is_gone_is_waited_for_and_nothing_earned_is_lost() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    network.answer().await;
    let before = miner.has_earned(1).await.summary;

    let gone = network.stop().await;
    let status = miner.comes_to(Phase::Offline).await;
    assert!(status.loaded.is_some(), "the model stays loaded");
    assert_eq!(miner.app.earnings(0).await.unwrap().summary.total, before.total);

    let network = gone.start().await;
    miner.comes_to(Phase::Mining).await;
    network.answer().await;
    let after = miner.has_earned(2).await.summary;
    assert!(after.total > before.total && after.requests == 2);
    let app = miner.app.clone();
    let _its_folder = miner.quit().await;
    assert_eq!(app.earnings(1).await.unwrap().summary, after, "earnings can be asked for when the miner has stopped");
    network.router.verify_ledger().await.unwrap();
}

#[tokio::test]
async fn a_miner_whose_disk_is_full_takes_no_tasks_says_so_and_goes_on_when_there_is_room() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    network.answer().await;
    miner.has_earned(1).await;
    miner.full_disk(true).await;
    network.answer().await;
    let status = miner.comes_to(Phase::Hindered).await;
    let problem = status.problem.unwrap().message;
    assert!(problem.contains("disk is full") && problem.contains("make room"), "{problem}");
    let withdrawn = async {
        while network.get("/v1/models").await["data"] != json!([]) {
            tokio::task::yield_now().await;
        }
    };
    soon("the withdrawal", withdrawn).await;
    assert!(matches!(miner.app.status().borrow().connection, Connection::Connected { .. }), "it stays connected");

    let waiting = tokio::spawn(network.ask(&json!({})));
    miner.full_disk(false).await;
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!(status.problem, None);
    assert_eq!(soon("the answer", waiting).await.unwrap().0, 200, "a request waits for the miner meanwhile");
    assert_eq!(miner.has_earned(3).await.summary.requests, 3);
    miner.quit().await;
    let summary = network.router.verify_ledger().await.unwrap();
    assert_eq!(summary.held.base_units(), 0);
}

#[tokio::test]
async fn a_model_that_does_not_load_leaves_the_one_before_in_service() {
    let network = Network::start().await;
    let script = echo().paced(Duration::from_millis(2)).with_slower_full_precision(Duration::from_millis(2));
    let miner = Miner::start(&network, script).await;
    let served = miner.app.status().borrow().loaded.clone().unwrap();
    let other = if served.mode == Mode::Precision { Mode::Volume } else { Mode::Precision };
    miner.engine.fails_to_load("out of memory");
    let refused = soon("the refusal", miner.app.set_mode(other)).await;
    assert!(matches!(&refused, Err(CommandError::NotLoaded { message }) if message.contains("out of memory")));
    let status = miner.comes_to(Phase::Mining).await;
    assert_eq!((status.mode, status.loaded), (Some(served.mode), Some(served)));
    network.answer().await;
    miner.quit().await;
}

#[tokio::test]
async fn a_first_load_that_fails_says_what_to_do_and_registers_nothing() {
    let network = Network::start().await;
    let script = Script { load_failure: Some("no such kernel".to_owned()), ..echo() };
    let miner = Miner::launch(Home::new(), format!("ws://{}/node/v1", network.address()), script);
    let problem = miner.comes_to(Phase::Failed).await.problem.unwrap();
    assert!(problem.message.contains("no such kernel") && problem.message.contains("cortensor doctor"), "{problem:?}");
    assert_eq!(network.get("/api/v1/miners").await["stats"]["total_count"], 0);
    assert_eq!(App::pause(&miner.app).await, Err(CommandError::Stopped));
}

#[tokio::test]
async fn a_task_is_seen_while_it_runs_and_in_the_activity_afterwards() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo().paced(Duration::from_millis(150))).await;
    let asked = tokio::spawn(network.ask(&json!({})));
    let answering = |status: &Status| {
        status.tasks.iter().any(|task| task.state == LiveTaskState::Answering && task.answer_tokens > 0)
    };
    let live = miner.becomes("the answer's first token", answering).await.tasks.remove(0);
    assert_eq!((live.kind, live.model.as_str(), live.mode), (TaskKind::User, MODEL, Mode::Volume));
    assert!(live.prompt_tokens.is_some_and(|tokens| tokens > 0));
    assert_eq!(asked.await.unwrap().0, 200);
    miner.has_earned(1).await;
    miner.becomes("nothing that runs", |status| status.tasks.is_empty()).await;

    let query = |search: String| ActivityQuery {
        filter: ActivityFilter { search, kind: Some(TaskKind::User), ..ActivityFilter::default() },
        offset: 0,
        limit: 10,
    };
    let page = miner.app.activity(&query(live.task.to_string())).await.unwrap();
    assert_eq!((page.entries.len(), page.entries[0].task, page.total), (1, live.task, 1));
    assert!(page.known > 1, "the network's tests are there too");
    let chart = miner.app.chart(Span::Hour).await.unwrap();
    assert_eq!(chart.buckets.iter().map(|bucket| bucket.requests).sum::<u64>(), 1);
    assert_eq!(chart.total, miner.app.status().borrow().earnings.total);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("activity.csv");
    miner.app.export_activity(ActivityFilter::default(), &file).await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count() as u64, page.known + 1, "{text}");
    assert!(text.starts_with("time,kind,model") && text.contains(&live.task.to_string()), "{text}");
    let nowhere = folder.path().join("no/such/folder.csv");
    let refused = miner.app.export_activity(ActivityFilter::default(), &nowhere).await.unwrap_err();
    assert_eq!(refused.code, FailureCode::File);
    miner.quit().await;
}

#[tokio::test]
async fn prompts_are_kept_only_while_the_user_wants_that() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    let task = async || -> TaskId {
        let answer = network.answer().await;
        answer["cortensor"]["task_id"].as_str().unwrap().parse().unwrap()
    };
    let unwanted = task().await;
    let settings = miner.app.settings();
    assert!(!settings.settings.keep_prompts && !settings.restart_needed);
    let keep = Settings { keep_prompts: true, ..settings.settings.clone() };
    assert!(!miner.app.save_settings(&keep).await.unwrap().restart_needed, "it holds at once");
    let wanted = task().await;
    miner.has_earned(2).await;
    assert_eq!(miner.app.prompt(unwanted).await.unwrap(), None);
    let kept = miner.app.prompt(wanted).await.unwrap().expect("it is kept");
    assert_eq!((kept.prompt.as_str(), kept.answer.as_str()), ("user: say these four words", "say these four words"));
    miner.app.save_settings(&settings.settings).await.unwrap();
    assert_eq!(miner.app.prompt(wanted).await.unwrap(), None, "and nothing is left");
    miner.quit().await;
}

#[tokio::test]
async fn measuring_again_drains_measures_and_serves_again_and_can_be_quit() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo().paced(Duration::from_millis(4))).await;
    let before = miner.app.status().borrow().plan.clone();
    soon("the measuring", miner.app.measure()).await.unwrap();
    let status = miner.comes_to(Phase::Mining).await;
    assert!(!status.measuring && status.plan.is_some() && before.is_some());
    network.answer().await;
    miner.has_earned(1).await;

    let app = miner.app.clone();
    let measuring = tokio::spawn(async move { app.measure().await });
    miner.becomes("the measuring", |status| status.measuring).await;
    miner.quit().await;
    assert_eq!(measuring.await.unwrap(), Err(CommandError::Stopped));
}
