//! `cortensor router verify-ledger` on a router's database, running or not.

use std::{net::SocketAddr, path::Path, process::Output};

use cortensor_router::{Policy, Router, RouterConfig};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

fn verify(database: &Path, arguments: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cortensor"));
    command.args(["router", "verify-ledger", "--database"]).arg(database).args(arguments);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn router(database: &Path) -> Router {
    let config = RouterConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        database: database.to_owned(),
        name: "test router".to_owned(),
        network: "practice".to_owned(),
        policy: Policy::default(),
    };
    let router = Router::start(config).await.unwrap();
    router.create_practice_key("test").await.unwrap();
    router
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_adds_up_is_shown_as_a_table_while_the_router_runs_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("router.sqlite");
    let router = router(&database).await;
    let running = verify(&database, &[]);
    assert!(running.status.success(), "{running:?}");
    let table = text(&running.stdout);
    assert!(table.contains("deposits    1000000.00  in users' accounts"), "{table}");
    assert!(table.contains("The ledger adds up: 1 transfer,"), "{table}");
    router.stop().await;
    assert_eq!(text(&verify(&database, &[]).stdout), table);
    let answer: Value = serde_json::from_str(&text(&verify(&database, &["--json"]).stdout)).unwrap();
    assert_eq!((&answer["adds_up"], &answer["credits"]["deposits"]), (&json!(true), &json!("1000000.00")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_named_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("router.sqlite");
    router(&database).await.stop().await;
    let mut forger = SqliteConnection::connect(database.to_str().unwrap()).await.unwrap();
    let false_line = "INSERT INTO transfers (key, kind, debit, credit, billions, units, created_at)
                  VALUES ('x', 'x', 'deposit:1', 'pending:0x1', 1, 0, 0)";
    sqlx::query(false_line).execute(&mut forger).await.unwrap();
    forger.close().await.unwrap();
    let found = verify(&database, &[]);
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found.stdout).contains("pending:0x1 differs from what the node was told"), "{found:?}");
    let answer: Value = serde_json::from_str(&text(&verify(&database, &["--json"]).stdout)).unwrap();
    assert_eq!(answer["adds_up"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_ledger_is_said_so_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, other) = (folder.path().join("missing.sqlite"), folder.path().join("notes.txt"));
    std::fs::write(&other, "not a database at all").unwrap();
    for database in [&missing, &other] {
        let found = verify(database, &[]);
        assert_eq!(found.status.code(), Some(1), "{found:?}");
        assert!(text(&found.stderr).contains("check that this is its file"), "{found:?}");
    }
    assert!(!missing.exists());
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "not a database at all");
}
