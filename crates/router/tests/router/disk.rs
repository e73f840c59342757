//! A disk that is full for a while: what was promised is kept as soon as there is room again.

use cortensor_protocol::{Precision, RouterMessage, SettlementStatus, TaskKind};
use cortensor_router::Policy;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{Behaviour, Fault, Practice, fake, offer, soon};

fn paused_after(pieces: usize) -> Behaviour {
    Behaviour { pause_after: Some(pieces), ..Behaviour::default() }
}

/// Makes the router's database say that its disk is full to whoever moves money (there is no number left for a
/// transfer), or gives it room again.
async fn full_disk(practice: &Practice, full: bool) {
    let file = practice.folder.path().join("router.sqlite");
    let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let numbers = if full { i64::MAX } else { 1_000_000 };
    let changed = sqlx::query("UPDATE sqlite_sequence SET seq = ? WHERE name = 'transfers'").bind(numbers);
    assert_eq!(changed.execute(&mut database).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();
}

async fn change(practice: &Practice, schema: &'static str) {
    let file = practice.folder.path().join("router.sqlite");
    let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    sqlx::raw_sql(schema).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

async fn is_refused(practice: &Practice) {
    let response = practice.client.ask(json!({})).await;
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"5".parse().unwrap()));
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "not_written");
    assert!(body["error"]["message"].as_str().unwrap().contains("make room"), "{body}");
}

#[tokio::test]
async fn an_answer_that_a_full_disk_cannot_settle_is_paid_once_when_there_is_room_again() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, paused_after(1)).await;
    let mut events = practice.client.stream(json!({})).await;
    events.text().await;
    full_disk(&practice, true).await;
    node.go_on.notify_one();
    let rest = soon("the answer", events.rest()).await;
    assert_eq!(rest.last().unwrap(), "[DONE]", "a client gets its answer");
    is_refused(&practice).await;
    assert!(practice.router.verify_ledger().await.unwrap().held.base_units() > 0);

    full_disk(&practice, false).await;
    let paid = node.settlement(TaskKind::User).await;
    assert!(matches!(paid.status, SettlementStatus::Paid { .. }), "{paid:?}");
    node.go_on.notify_one();
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    assert_eq!(node.settlement(TaskKind::User).await.sequence, paid.sequence + 1);
    practice.settle().await;
}

#[tokio::test]
async fn a_request_that_a_full_disk_cannot_open_is_refused_and_the_next_one_is_served() {
    let practice = Practice::start().await;
    let _node = practice.node(1).await;
    full_disk(&practice, true).await;
    for _ in 0..3 {
        is_refused(&practice).await;
    }
    full_disk(&practice, false).await;
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    practice.settle().await;
}

#[tokio::test]
async fn a_hold_that_a_full_disk_keeps_is_released_without_a_restart() {
    let practice = Practice::start().await;
    let offer = offer("n", Precision::F16, 1);
    let _other = practice.node_that(2, Behaviour { offer, ..Behaviour::default() }).await;
    let mut node = practice.node_that(1, Behaviour { fault: Fault::Silent, ..Behaviour::default() }).await;
    tokio::select! {
        _ = practice.client.answer(json!({})) => panic!("answered by nobody"),
        () = async {
            node.assignment().await;
            full_disk(&practice, true).await;
        } => {}
    }
    let cancelled = |message| matches!(message, RouterMessage::Cancel { .. }).then_some(());
    node.hear("a cancel", cancelled).await;
    node.kill().await;
    let held = async || practice.router.verify_ledger().await.unwrap().held.base_units() > 0;
    let refused = async {
        while practice.client.answer(json!({"model": "n"})).await.1["error"]["code"] != "not_written" {
            tokio::task::yield_now().await;
        }
    };
    soon("a refusal", refused).await;
    assert!(held().await);
    full_disk(&practice, false).await;
    let released = async {
        while held().await {
            tokio::task::yield_now().await;
        }
    };
    soon("the release of the hold", released).await;
    assert_eq!(practice.client.answer(json!({"model": "n"})).await.0, 200);
    practice.settle().await;
}

#[tokio::test]
async fn a_router_that_stops_writes_what_it_could_not_write_before() {
    let practice = Practice::start().await;
    let mut node = practice.node_that(1, paused_after(1)).await;
    let mut events = practice.client.stream(json!({})).await;
    events.text().await;
    full_disk(&practice, true).await;
    node.go_on.notify_one();
    soon("the answer", events.rest()).await;
    full_disk(&practice, false).await;
    let practice = practice.restart().await;
    assert!(practice.router.verify_ledger().await.unwrap().held.base_units() == 0);
    node = fake(practice.address(), 1, Behaviour::default()).await;
    let paid = node.settlement(TaskKind::User).await;
    assert!(matches!(paid.status, SettlementStatus::Paid { .. }), "{paid:?}");
    practice.settle().await;
}

#[tokio::test]
async fn a_test_that_the_database_broke_off_is_held_again() {
    let practice = Practice::with(Policy { retest_seconds: 1, ..Policy::default() }).await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON tasks BEGIN SELECT RAISE(ROLLBACK, 'broken'); END";
    change(&practice, broken).await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    let begun = |message| matches!(message, RouterMessage::Testing { done: 0, .. }).then_some(());
    node.hear("a test", begun).await;
    is_refused(&practice).await;
    change(&practice, "DROP TRIGGER broken").await;
    node.hear("another test", begun).await;
    node.tier().await;
    assert_eq!(practice.client.answer(json!({})).await.0, 200);
    practice.settle().await;
}
