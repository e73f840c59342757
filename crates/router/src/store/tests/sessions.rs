//! Sessions: their money, their numbers, their keys.

use super::*;
use crate::{
    policy::Policy,
    rules::session::{Caller, SessionKeyId, Terms, new_session},
};

pub(super) fn terms() -> Terms {
    let serde_json::Value::Object(body) = serde_json::json!({"model": "m"}) else { panic!("an object") };
    new_session(&body, &Policy::default()).unwrap().terms
}

const SESSION: SessionId = SessionId(1);
const BUSY_AT: u32 = 2;

/// An account of 100 credits with a session of 40.
async fn with_session() -> (TempDir, Store, KeyId) {
    let (folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    let opened = store.create_session(key, &terms(), ("sk-s", "first"), credits(40), AT).await.unwrap();
    assert_eq!(opened, Ok(SESSION));
    (folder, store, key)
}

async fn open_in(store: &Store, numbers: &[u128], hold: u64) -> Opened {
    open_for(store, numbers, Payer::Session(SESSION, BUSY_AT), hold).await
}

async fn is_in(store: &Store, key: KeyId, deposit: u64, session: u64) {
    let balances = [Account::Deposit(key), Account::Session(SESSION)].map(|account| store.balance(account));
    let balances = futures::future::join_all(balances).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(balances, [credits(deposit), credits(session)]);
    store.verify_ledger().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_session_pays_for_its_tasks_and_gets_the_rest_of_a_hold_back() {
    let (_folder, store, key) = with_session().await;
    is_in(&store, key, 60, 40).await;
    assert_eq!(open_in(&store, &[1, 2], 15).await, Opened::Held(Some(1)));
    is_in(&store, key, 60, 10).await;
    store.settle(&line(task(1), 1), &Pay::User(credits(4))).await.unwrap();
    store.end_task(task(2), Ending::Task(Outcome::Failed), AT).await.unwrap();
    is_in(&store, key, 60, 36).await;
    let session = store.session(key, SESSION).await.unwrap().unwrap();
    assert_eq!((session.tasks, session.balance, session.terms), (1, credits(36), terms()));
}

#[tokio::test]
async fn what_a_session_cannot_pay_or_has_no_room_for_leaves_no_number_behind() {
    let (_folder, store, key) = with_session().await;
    assert_eq!(open_in(&store, &[1, 2, 3], 14).await, Opened::TooLittle { available: credits(40) });
    assert_eq!(open_in(&store, &[1, 2], 1).await, Opened::Held(Some(1)));
    assert_eq!(open_in(&store, &[3], 1).await, Opened::Held(Some(2)));
    assert_eq!(open_in(&store, &[4], 1).await, Opened::SessionBusy);
    store.end_task(task(3), Ending::Task(Outcome::Failed), AT).await.unwrap();
    assert_eq!(open_in(&store, &[4], 1).await, Opened::Held(Some(3)));
    assert_eq!(store.session(key, SESSION).await.unwrap().unwrap().tasks, 3);
}

#[tokio::test]
async fn a_session_that_ends_gives_everything_back_then_and_as_its_tasks_end() {
    let (_folder, store, key) = with_session().await;
    open_in(&store, &[1], 15).await;
    for returned in [25, 0] {
        assert_eq!(store.deactivate_session(SESSION, AT).await.unwrap(), credits(returned));
    }
    is_in(&store, key, 85, 0).await;
    store.settle(&line(task(1), 1), &Pay::User(credits(4))).await.unwrap();
    is_in(&store, key, 96, 0).await;
    assert_eq!(open_in(&store, &[2], 0).await, Opened::SessionOver);
    assert_eq!(store.deposit(key, SESSION, "late", credits(1), AT).await.unwrap(), Deposited::Over);
    assert_eq!(store.count_sessions().await.unwrap(), (0, 1));
    let left = "INSERT INTO transfers (key, kind, debit, credit, billions, units, created_at)
                VALUES ('x', 'x', 'deposit:1', 'session:1', 1, 0, 0)";
    sqlx::query(left).execute(&store.writer).await.unwrap();
    assert_eq!(store.verify_ledger().await.unwrap(), Err(LedgerFault::SessionLeft("session:1".to_owned())));
}

#[tokio::test]
async fn a_deposit_is_made_once_for_each_key() {
    let (_folder, store, key) = with_session().await;
    for (name, amount, expected) in [
        ("a", 20, Deposited::Done),
        ("a", 20, Deposited::Before),
        ("a", 21, Deposited::Otherwise(credits(20))),
        ("b", 20, Deposited::Done),
        ("c", 21, Deposited::TooLittle { available: credits(20) }),
    ] {
        let deposited = store.deposit(key, SESSION, name, credits(amount), AT).await.unwrap();
        assert_eq!(deposited, expected, "{name} {amount}");
    }
    is_in(&store, key, 20, 80).await;
    let refused = store.create_session(key, &terms(), ("sk-t", ""), credits(21), AT).await.unwrap();
    assert_eq!(refused, Err(credits(20)));
}

#[tokio::test]
async fn a_session_s_key_opens_it_until_it_is_revoked_and_is_not_kept() {
    let (_folder, store, key) = with_session().await;
    let caller = |session| Some(Caller { account: key, session });
    assert_eq!(store.find_caller("sk-a").await.unwrap(), caller(None));
    assert_eq!(store.find_caller("sk-s").await.unwrap(), caller(Some(SESSION)));
    let second = store.add_session_key(SESSION, ("sk-t", "second"), 2, AT).await.unwrap().unwrap();
    assert_eq!(store.add_session_key(SESSION, ("sk-u", "third"), 2, AT).await.unwrap(), None);
    assert_eq!(store.session_keys(SESSION).await.unwrap().len(), 2);
    for (session, revoked) in [(SessionId(2), false), (SESSION, true), (SESSION, false)] {
        assert_eq!(store.revoke_session_key(session, second, AT).await.unwrap(), revoked);
    }
    assert!(!store.revoke_session_key(SESSION, SessionKeyId(99), AT).await.unwrap());
    assert_eq!(store.find_caller("sk-t").await.unwrap(), None);
    let kept: Vec<String> =
        sqlx::query_scalar("SELECT hash FROM session_keys").fetch_all(&store.readers).await.unwrap();
    assert!(kept.iter().all(|hash| hash.len() == 64 && !hash.contains("sk-")), "{kept:?}");
}

#[tokio::test]
async fn sessions_and_their_tasks_are_only_their_owner_s_and_come_newest_first() {
    let (_folder, store, key) = with_session().await;
    let other = store.add_key("sk-b", "b", credits(100), AT).await.unwrap();
    store.create_session(key, &terms(), ("sk-t", ""), credits(1), AT).await.unwrap().unwrap();
    assert_eq!(store.session(other, SESSION).await.unwrap(), None);
    assert_eq!(store.sessions(other, None, 9).await.unwrap(), (0, Vec::new()));
    for (before, most, ids) in [(None, 9, vec![2, 1]), (None, 1, vec![2]), (Some(2), 9, vec![1])] {
        let (count, sessions) = store.sessions(key, before, most).await.unwrap();
        assert_eq!((count, sessions.iter().map(|session| session.id.0).collect::<Vec<_>>()), (2, ids));
    }
    open_in(&store, &[1, 2], 1).await;
    store.settle(&line(task(1), 1), &Pay::Void(UnpaidReason::DeadlinePassed)).await.unwrap();
    store.settle(&line(task(1), 2), &Pay::User(credits(1))).await.unwrap();
    store.add_decision(task(1), 2, "{}").await.unwrap();
    open_in(&store, &[3], 1).await;
    let tasks = store.session_tasks(SESSION, i64::MAX, 9).await.unwrap();
    let shapes: Vec<_> = tasks.iter().map(|task| (task.number, task.tasks.len())).collect();
    assert_eq!((shapes, tasks[1].reference.as_deref()), (vec![(2, 1), (1, 2)], Some("mine")));
    let [first, second] = &tasks[1].tasks[..] else { panic!("{tasks:?}") };
    assert_eq!((first.ended.clone(), second.ended.clone()), (Some((AT, "served".to_owned())), None));
    let paid: Vec<_> = first.attempts.iter().map(|attempt| (attempt.paid, attempt.void_reason.is_some())).collect();
    assert_eq!(paid, [(Amount::ZERO, true), (credits(1), false)]);
    assert_eq!(store.session_task(SESSION, 1).await.unwrap().as_ref(), Some(&tasks[1]));
    assert_eq!(store.session_task(SESSION, 3).await.unwrap(), None);
    assert_eq!(store.decisions(task(1)).await.unwrap(), [(2, "{}".to_owned())]);
}
