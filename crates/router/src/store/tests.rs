use std::time::Duration;

use cortensor_protocol::{
    Amount, ArtifactDigest, Millis, Mode, ModelId, NodeAddress, Outcome, Precision, TaskId, TaskKind, UnpaidReason,
    Usage,
};
use proptest::prelude::*;
use tempfile::TempDir;
use uuid::Uuid;

use self::sessions::terms;
use super::{ledger::Account, *};
use crate::{policy::AuditPolicy, rules::session::SessionId};

mod audits;
mod sessions;
mod withdrawals;

const NODE: NodeAddress = NodeAddress::repeat_byte(7);
const AT: Millis = Millis(1_000);

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("deeper/router.sqlite")).await.unwrap();
    (folder, store)
}

fn task(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

fn line(task: TaskId, attempt: u32) -> Line {
    Line {
        node: NODE,
        task,
        attempt,
        kind: TaskKind::User,
        model: ModelId::new("m"),
        precision: Precision::Q4K,
        artifact: ArtifactDigest::new([4; 32]),
        mode: Mode::Volume,
        usage: Usage { prompt_tokens: 3, completion_tokens: 4 },
        first_token_ms: 5,
        total_ms: 6,
        at: AT,
    }
}

fn credits(count: u64) -> Amount {
    Amount::from_credits(count)
}

async fn open_for(store: &Store, numbers: &[u128], payer: Payer, hold: u64) -> Opened {
    let tasks: Vec<_> = numbers.iter().map(|number| (task(*number), credits(hold))).collect();
    let opening = Opening { payer, model: &ModelId::new("m"), tasks: &tasks, reference: Some("mine"), at: AT };
    store.open_tasks(&opening).await.unwrap()
}

async fn open(store: &Store, number: u128, key: KeyId, hold: u64) -> Opened {
    open_for(store, &[number], Payer::Account(key), hold).await
}

#[tokio::test]
async fn a_settled_task_pays_the_node_and_gives_the_rest_back_once() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    assert_eq!(open(&store, 1, key, 30).await, Opened::Held(None));
    assert_eq!(store.balance(Account::Hold(task(1))).await.unwrap(), credits(30));
    for _ in 0..2 {
        store.settle(&line(task(1), 1), &Pay::User(credits(10))).await.unwrap();
        store.end_task(task(1), Ending::Interrupted, AT).await.unwrap();
    }
    for (account, expected) in [
        (Account::Deposit(key), 90),
        (Account::Hold(task(1)), 0),
        (Account::Network, 0),
        (Account::Pending(NODE), 10),
        (Account::Mint, 0),
    ] {
        assert_eq!(store.balance(account).await.unwrap(), credits(expected), "{account}");
    }
    let summary = store.verify_ledger().await.unwrap().unwrap();
    let (minted, deposits, pending) = (credits(100), credits(90), credits(10));
    assert_eq!(summary, LedgerSummary { transfers: 5, minted, deposits, pending, ..LedgerSummary::default() });
}

#[tokio::test]
async fn a_hold_beyond_the_deposit_is_refused_and_leaves_nothing_behind() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    assert_eq!(open(&store, 1, key, 60).await, Opened::Held(None));
    assert_eq!(open(&store, 2, key, 60).await, Opened::TooLittle { available: credits(40) });
    assert_eq!(open(&store, 2, key, 40).await, Opened::Held(None));
}

#[tokio::test]
async fn settlements_are_numbered_for_each_node_and_read_back_as_written() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    open(&store, 1, key, 10).await;
    store.settle(&line(task(1), 1), &Pay::Void(UnpaidReason::DeadlinePassed)).await.unwrap();
    let elsewhere = Line { node: NodeAddress::repeat_byte(8), ..line(task(1), 2) };
    store.settle(&elsewhere, &Pay::User(credits(2))).await.unwrap();
    open(&store, 2, key, 10).await;
    store.settle(&line(task(2), 1), &Pay::User(credits(3))).await.unwrap();
    let told = store.settlements_after(NODE, 0, 10).await.unwrap();
    assert_eq!(told.iter().map(|line| line.sequence).collect::<Vec<_>>(), [1, 2]);
    let (reason, why) = ("a deadline of the task passed".to_owned(), Some(UnpaidReason::DeadlinePassed));
    assert_eq!(told[0].status, cortensor_protocol::SettlementStatus::Void { reason, why });
    let amount = credits(3);
    let expected = cortensor_protocol::Settlement {
        sequence: 2,
        task: task(2),
        kind: TaskKind::User,
        model: ModelId::new("m"),
        precision: Precision::Q4K,
        mode: Mode::Volume,
        usage: Usage { prompt_tokens: 3, completion_tokens: 4 },
        first_token_ms: 5,
        total_ms: 6,
        status: cortensor_protocol::SettlementStatus::Paid { amount },
        settled_at: AT,
    };
    assert_eq!(store.settlements_after(NODE, 1, 10).await.unwrap(), [expected]);
    assert_eq!(store.settlements_after(NodeAddress::repeat_byte(8), 0, 10).await.unwrap()[0].sequence, 1);
}

#[tokio::test]
async fn the_ledger_cannot_be_rewritten_and_a_forged_line_is_found() {
    let (_folder, store) = store().await;
    store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    for rewriting in ["UPDATE transfers SET billions = 0", "DELETE FROM transfers"] {
        let refused = sqlx::query(rewriting).execute(&store.writer).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let forged = "INSERT INTO transfers (key, kind, debit, credit, billions, units, created_at)
                  VALUES ('x', 'x', 'deposit:1', 'pending:0x1', 1, 0, 0)";
    sqlx::query(forged).execute(&store.writer).await.unwrap();
    assert_eq!(store.verify_ledger().await.unwrap(), Err(LedgerFault::ToldOtherwise("pending:0x1".to_owned())));
}

#[tokio::test]
async fn keys_are_found_by_their_text_and_kept_only_as_digests() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-secret", "a", credits(1), AT).await.unwrap();
    assert_eq!(store.find_caller("sk-secret").await.unwrap().unwrap().account, key);
    assert_eq!(store.find_caller("sk-other").await.unwrap(), None);
    let kept: String = sqlx::query_scalar("SELECT hash FROM keys").fetch_one(&store.readers).await.unwrap();
    assert!(!kept.contains("secret") && kept.len() == 64);
}

#[tokio::test]
async fn a_database_keeps_its_ledger_s_name_and_another_one_has_another() {
    let (folder, first) = store().await;
    let name = first.ledger().to_owned();
    first.close().await;
    let again = Store::open(&folder.path().join("deeper/router.sqlite")).await.unwrap();
    assert_eq!(again.ledger(), name);
    assert_ne!(store().await.1.ledger(), name);
}

#[tokio::test]
async fn a_database_of_another_version_is_not_added_up_and_says_what_to_do() {
    let (folder, store) = store().await;
    let path = folder.path().join("deeper/router.sqlite");
    assert!(verify_ledger(&path).await.unwrap().is_ok());
    for (change, told) in [
        (
            "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success, checksum, execution_time
          FROM _sqlx_migrations WHERE version = 1",
            "a newer version",
        ),
        ("DELETE FROM _sqlx_migrations WHERE version IN (8, 9999)", "start `cortensor router` on it once"),
        ("DROP TABLE _sqlx_migrations", "holds no ledger"),
    ] {
        sqlx::query(change).execute(&store.writer).await.unwrap();
        let error = verify_ledger(&path).await.unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("free space"), "{error}");
    }
}

/// Makes the database say that its disk is full to whoever moves money (there is no number left for a transfer), or
/// gives it room again.
async fn full_disk(store: &Store, full: bool) {
    let numbers = if full { i64::MAX } else { 1_000 };
    let changed = sqlx::query("UPDATE sqlite_sequence SET seq = ? WHERE name = 'transfers'").bind(numbers);
    assert_eq!(changed.execute(&store.writer).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn what_a_full_disk_refused_is_written_once_there_is_room_again() {
    let (_folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    open(&store, 1, key, 10).await;
    full_disk(&store, true).await;
    for _ in 0..3 {
        let refused = store.settle(&line(task(1), 1), &Pay::User(credits(3))).await.unwrap_err();
        let source = std::error::Error::source(&refused).unwrap().to_string();
        assert!(source.contains("database or disk is full"), "{source}");
    }
    full_disk(&store, false).await;
    for _ in 0..2 {
        store.settle(&line(task(1), 1), &Pay::User(credits(3))).await.unwrap();
    }
    assert_eq!(store.settlements_after(NODE, 0, 10).await.unwrap().len(), 1);
    let summary = store.verify_ledger().await.unwrap().unwrap();
    assert_eq!((summary.pending, summary.deposits, summary.held), (credits(3), credits(97), Amount::ZERO));
}

/// What may happen to a task, in whatever order.
#[derive(Clone, Debug)]
enum Step {
    Open {
        number: u128,
        hold: u128,
    },
    Pay {
        number: u128,
        attempt: u32,
        share: u64,
    },
    Void {
        number: u128,
        attempt: u32,
    },
    End {
        number: u128,
    },
    Deposit {
        number: u128,
        amount: u128,
    },
    Deactivate,
    Recover,
    /// With the age in seconds at which pay is final: another policy each time.
    Withdraw {
        nonce: u128,
        amount: Option<u128>,
        final_after: u64,
    },
    /// An audit finds the claim false.
    Fall {
        audit: u128,
        final_after: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..4_u128;
    prop_oneof![
        (number.clone(), 0..10u128.pow(22)).prop_map(|(number, hold)| Step::Open { number, hold }),
        (number.clone(), 1..3_u32, 0..=100_u64).prop_map(|(number, attempt, share)| Step::Pay {
            number,
            attempt,
            share
        }),
        (number.clone(), 1..3_u32).prop_map(|(number, attempt)| Step::Void { number, attempt }),
        number.clone().prop_map(|number| Step::End { number }),
        (number, 0..10_u128.pow(21)).prop_map(|(number, amount)| Step::Deposit { number, amount }),
        Just(Step::Deactivate),
        Just(Step::Recover),
        (0..6_u128, prop::option::of(0..10_u128.pow(22)), 0..40_u64)
            .prop_map(|(nonce, amount, final_after)| Step::Withdraw { nonce, amount, final_after }),
        (0..100_u128, 0..40_u64).prop_map(|(audit, final_after)| Step::Fall { audit, final_after }),
    ]
}

async fn take(store: &Store, key: KeyId, step: Step, at: Millis) {
    let line = |task, attempt| Line { at, ..line(task, attempt) };
    match step {
        Step::Open { number, hold } => {
            let hold = Amount::from_base_units(hold);
            // A number that was used before is refused by the table itself.
            let payer = if number % 2 == 0 { Payer::Account(key) } else { Payer::Session(SessionId(1), 9) };
            let (model, tasks) = (ModelId::new("m"), [(task(number), hold)]);
            let opening = Opening { payer, model: &model, tasks: &tasks, reference: None, at: AT };
            let _ = store.open_tasks(&opening).await;
        }
        Step::Pay { number, attempt, share } => {
            let held = store.balance(Account::Hold(task(number))).await.unwrap();
            let _ = store.settle(&line(task(number), attempt), &Pay::User(held.scaled(share, 100))).await;
        }
        Step::Void { number, attempt } => {
            let _ = store.settle(&line(task(number), attempt), &Pay::Void(UnpaidReason::DeadlinePassed)).await;
        }
        Step::End { number } => {
            store.end_task(task(number), Ending::Task(Outcome::Failed), AT).await.unwrap();
        }
        Step::Deposit { number, amount } => {
            let amount = Amount::from_base_units(amount);
            store.deposit(key, SessionId(1), &number.to_string(), amount, AT).await.unwrap();
        }
        Step::Deactivate => {
            store.deactivate_session(SessionId(1), AT).await.unwrap();
        }
        Step::Recover => {
            store.recover(AT).await.unwrap();
        }
        Step::Withdraw { nonce, amount, final_after } => {
            let request = withdrawals::request(nonce, amount.map(Amount::from_base_units));
            store.withdraw(&request, Duration::from_secs(final_after), at).await.unwrap();
        }
        Step::Fall { audit, final_after } => {
            let policy = AuditPolicy { final_after_seconds: final_after, bar_seconds: 2, ..AuditPolicy::default() };
            audits::fall(store, &policy, audit, at).await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_ledger_adds_up(steps in prop::collection::vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = store().await;
            let key = store.add_key("sk-a", "a", credits(10_000), AT).await.unwrap();
            let opened = store.create_session(key, &terms(), ("sk-s", ""), credits(1_000), AT).await.unwrap();
            assert_eq!(opened, Ok(SessionId(1)));
            for (second, step) in (1..).zip(steps) {
                take(&store, key, step, Millis(1_000 * second)).await;
                store.verify_ledger().await.unwrap().unwrap();
            }
            store.recover(AT).await.unwrap();
            let summary = store.verify_ledger().await.unwrap().unwrap();
            let LedgerSummary { deposits, sessions, pending, withdrawn, .. } = summary;
            let all: Amount = [deposits, sessions, pending, withdrawn].into_iter().sum();
            assert_eq!((summary.held, all), (Amount::ZERO, credits(10_000)));
        });
    }
}
