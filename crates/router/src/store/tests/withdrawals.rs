//! What leaves the ledger, and what cannot come back.

use cortensor_fidelity::Verdict;
use cortensor_protocol::{WithdrawalNonce, WithdrawalRequest};

use super::*;

/// Pay is final after a hundred seconds.
const AGE: Duration = Duration::from_secs(100);

pub(super) fn request(nonce: u128, amount: Option<Amount>) -> WithdrawalRequest {
    WithdrawalRequest {
        ledger: String::new(),
        node: NODE,
        payout: NodeAddress::repeat_byte(9),
        amount,
        nonce: WithdrawalNonce(Uuid::from_u128(nonce)),
    }
}

fn policy() -> AuditPolicy {
    AuditPolicy { final_after_seconds: AGE.as_secs(), ..AuditPolicy::default() }
}

const fn second(count: i64) -> Millis {
    Millis(count * 1_000)
}

/// A node that earned 2 credits in second 10, and 3 in second 50.
async fn earner() -> (TempDir, Store) {
    let (folder, store) = store().await;
    let key = store.add_key("sk-a", "a", credits(100), AT).await.unwrap();
    for (number, amount, at) in [(1, 2, 10), (2, 3, 50)] {
        open(&store, number, key, 10).await;
        let line = Line { at: second(at), ..line(task(number), 1) };
        store.settle(&line, &Pay::User(credits(amount))).await.unwrap();
    }
    (folder, store)
}

async fn withdraw(store: &Store, nonce: u128, amount: Option<Amount>, at: Millis) -> Withdrawn {
    let withdrawn = store.withdraw(&request(nonce, amount), AGE, at).await.unwrap();
    store.verify_ledger().await.unwrap().unwrap();
    withdrawn
}

fn done(withdrawn: Withdrawn) -> Withdrawal {
    let Withdrawn::Done(withdrawal) = withdrawn else { panic!("{withdrawn:?}") };
    withdrawal
}

async fn left(store: &Store) -> (Amount, Amount) {
    let pending = store.balance(Account::Pending(NODE)).await.unwrap();
    (pending, store.balance(Account::Withdrawn(NODE)).await.unwrap())
}

#[tokio::test]
async fn what_is_old_enough_is_withdrawn_and_no_more() {
    let (_folder, store) = earner().await;
    let too_much = |available, pending| Withdrawn::TooMuch { available: credits(available), pending: credits(pending) };
    for (nonce, amount, at, refused) in
        [(1, None, 109, (0, 5)), (2, Some(credits(3)), 120, (2, 5)), (3, Some(Amount::ZERO), 120, (2, 5))]
    {
        assert_eq!(withdraw(&store, nonce, amount, second(at)).await, too_much(refused.0, refused.1), "{nonce}");
    }
    let first = done(withdraw(&store, 4, Some(credits(1)), second(120)).await);
    assert_eq!((first.amount, first.total, first.everything), (credits(1), credits(1), false));
    let second_one = done(withdraw(&store, 5, None, second(150)).await);
    assert_eq!((second_one.amount, second_one.total), (credits(4), credits(5)));
    assert_eq!(left(&store).await, (Amount::ZERO, credits(5)));
    assert_eq!(withdraw(&store, 6, None, second(900)).await, too_much(0, 0));
}

#[tokio::test]
async fn the_same_request_again_is_answered_the_same_and_another_under_its_name_is_refused() {
    let (_folder, store) = earner().await;
    let first = done(withdraw(&store, 1, None, second(120)).await);
    assert_eq!(done(withdraw(&store, 1, None, second(900)).await), first);
    assert_eq!(withdraw(&store, 1, Some(credits(2)), second(900)).await, Withdrawn::OtherContents);
    let elsewhere = WithdrawalRequest { payout: NODE, ..request(1, None) };
    assert_eq!(store.withdraw(&elsewhere, AGE, second(900)).await.unwrap(), Withdrawn::OtherContents);
    assert_eq!(left(&store).await, (credits(3), credits(2)));
}

#[tokio::test]
async fn an_answer_found_consistent_makes_final_what_was_earned_before_it() {
    let (_folder, store) = earner().await;
    assert_eq!(audits::look(&store, &policy(), (1, task(1)), 0.0, second(20)).await, Verdict::Consistent);
    assert_eq!(done(withdraw(&store, 1, None, second(60)).await).amount, credits(2));
}

#[tokio::test]
async fn an_audit_takes_back_what_is_pending_and_nothing_that_was_withdrawn_or_could_have_been() {
    let (_folder, store) = earner().await;
    done(withdraw(&store, 1, Some(credits(1)), second(120)).await);
    // Of the 2 that are old enough one is still there; the 3 are not old enough.
    audits::fall(&store, &policy(), 1, second(121)).await;
    store.verify_ledger().await.unwrap().unwrap();
    assert_eq!(left(&store).await, (credits(1), credits(1)));
    assert_eq!(done(withdraw(&store, 2, None, second(122)).await).amount, credits(1));
}

#[tokio::test]
async fn neither_a_longer_age_nor_a_clock_set_back_makes_uncertain_what_was_withdrawn() {
    for (age, at) in [(1_000_000, 121), (100, 60)] {
        let (_folder, store) = earner().await;
        done(withdraw(&store, 1, None, second(120)).await);
        let later = AuditPolicy { final_after_seconds: age, ..policy() };
        audits::fall(&store, &later, 1, second(at)).await;
        store.verify_ledger().await.unwrap().unwrap();
        assert_eq!(left(&store).await, (Amount::ZERO, credits(2)));
    }
}

#[tokio::test]
async fn a_statement_that_was_forged_is_found() {
    let (_folder, store) = earner().await;
    done(withdraw(&store, 1, None, second(120)).await);
    let refused = sqlx::query("DELETE FROM withdrawals").execute(&store.writer).await.unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
    let forged = "INSERT INTO withdrawals SELECT node, 'x', payout, everything, billions, units, total_billions,
                  total_units, final_until, withdrawn_at FROM withdrawals";
    sqlx::query(forged).execute(&store.writer).await.unwrap();
    let account = format!("withdrawn:{NODE}");
    assert_eq!(store.verify_ledger().await.unwrap(), Err(LedgerFault::StatedOtherwise(account)));
}
