//! What is earned survives, and nothing is paid twice.

use cortensor_protocol::{RouterMessage, Settlement, SettlementStatus, TaskKind};
use cortensor_router::{Policy, Router};
use serde_json::json;

use crate::support::{Behaviour, FakeNode, Practice, config, fake, soon};

async fn settlements(node: &mut FakeNode, count: usize) -> Vec<Settlement> {
    let mut settlements = Vec::new();
    while settlements.len() < count {
        let settlement = |message| if let RouterMessage::Settlement(line) = message { Some(line) } else { None };
        settlements.push(node.hear("a settlement", settlement).await);
    }
    settlements
}

fn numbers(settlements: &[Settlement]) -> Vec<u64> {
    settlements.iter().map(|settlement| settlement.sequence).collect()
}

#[tokio::test]
async fn after_a_restart_balances_are_kept_and_settlements_told_again_from_where_the_node_says() {
    let practice = Practice::start().await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    // Ten test tasks and one request.
    let mut told = settlements(&mut node, 10).await;
    node.tier().await;
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    told.extend(settlements(&mut node, 1).await);
    assert_eq!(numbers(&told), (1..=11).collect::<Vec<_>>());
    let ledger = node.challenge.ledger.clone();
    let before = practice.router.verify_ledger().await.unwrap();

    let practice = practice.restart().await;
    assert_eq!(practice.router.verify_ledger().await.unwrap(), before);
    for (last_settlement, expected) in [(0, 1..=11), (9, 10..=11)] {
        let behaviour = Behaviour { last_settlement, ..Behaviour::default() };
        let mut node = fake(practice.address(), 1, behaviour).await;
        assert_eq!(node.challenge.ledger, ledger);
        let again = settlements(&mut node, expected.clone().count()).await;
        let first = usize::try_from(*expected.start()).unwrap() - 1;
        assert_eq!(again, told[first..]);
        node.kill().await;
    }
    let mut node = fake(practice.address(), 1, Behaviour { last_settlement: 11, ..Behaviour::default() }).await;
    node.tier().await;
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    assert_eq!(node.settlement(TaskKind::User).await.sequence, 12);
    practice.settle().await;
}

#[tokio::test]
async fn an_empty_answer_costs_nothing_and_pays_nothing() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, Behaviour { pieces: Vec::new(), ..Behaviour::default() }).await;
    let (status, answer) = practice.client.answer(json!({})).await;
    assert_eq!((status.as_u16(), &answer["choices"][0]["message"]["content"]), (200, &json!("")));
    let settlement = node.settlement(TaskKind::User).await;
    assert!(matches!(settlement.status, SettlementStatus::Void { .. }), "{settlement:?}");
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!(summary.deposits, practice.policy.practice_deposit);
    practice.settle().await;
}

#[tokio::test]
async fn what_a_crash_left_open_is_given_back_to_the_user() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, Behaviour { pause_after: Some(1), ..Behaviour::default() }).await;
    let asked = practice.client.answer(json!({}));
    tokio::select! {
        _ = asked => panic!("answered too early"),
        // A copy of the files as a crash would leave them: taken while the task runs.
        copy = async {
            node.assignment().await;
            let copy = tempfile::tempdir().unwrap();
            for name in ["router.sqlite", "router.sqlite-wal"] {
                std::fs::copy(practice.folder.path().join(name), copy.path().join(name)).unwrap();
            }
            copy
        } => {
            let router = Router::start(config(&copy, Policy::default())).await.unwrap();
            let summary = router.verify_ledger().await.unwrap();
            assert_eq!((summary.held.base_units(), summary.deposits), (0, practice.policy.practice_deposit));
            soon("the stop", router.stop()).await;
        }
    }
    practice.router.stop().await;
}
