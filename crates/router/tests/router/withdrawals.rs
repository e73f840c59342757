//! A node's pay leaves the ledger on the node's word, and the router gives its own for it.

use cortensor_protocol::{
    Amount, NodeAddress, SignedRequest, SignedStatement, StatementError, WithdrawalNonce, WithdrawalRequest,
    WithdrawalTerms,
};
use cortensor_router::{AuditPolicy, Policy};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Behaviour, Practice, fake, sign, signer};

const PATH: &str = "/api/v1/withdrawals";
const PAYOUT: NodeAddress = NodeAddress::repeat_byte(9);

/// Pay is final at once.
fn at_once() -> Policy {
    Policy { audit: AuditPolicy { final_after_seconds: 0, ..AuditPolicy::default() }, ..Policy::default() }
}

/// A router at which node 1 earned something by its test.
async fn earned(policy: Policy) -> Practice {
    let practice = Practice::with(policy).await;
    let mut node = fake(practice.address(), 1, Behaviour::default()).await;
    node.tier().await;
    node.kill().await;
    practice
}

async fn terms(practice: &Practice) -> WithdrawalTerms {
    let (status, terms) = practice.client.with_key("").get(PATH).await;
    assert_eq!(status, 200);
    serde_json::from_value(terms).unwrap()
}

fn request(terms: &WithdrawalTerms, amount: Option<Amount>) -> WithdrawalRequest {
    let (ledger, nonce) = (terms.ledger.clone(), WithdrawalNonce(uuid::Uuid::now_v7()));
    WithdrawalRequest { ledger, node: signer(1).address(), payout: PAYOUT, amount, nonce }
}

/// Signed by node `number`.
fn signed(request: &WithdrawalRequest, number: u8) -> Value {
    let signature = sign(&signer(number), &request.text("practice"));
    serde_json::to_value(SignedRequest { request: request.clone(), signature }).unwrap()
}

async fn post(practice: &Practice, body: Value) -> (StatusCode, Value) {
    practice.client.with_key("").call("POST", PATH, body).await
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn a_node_that_left_withdraws_all_it_earned_and_has_a_statement_that_anybody_can_check() {
    let practice = earned(at_once()).await;
    let pending = practice.router.verify_ledger().await.unwrap().pending;
    let terms = terms(&practice).await;
    assert_eq!(terms.signer, practice.router.statement_signer());
    let asked = request(&terms, None);
    let (status, answer) = post(&practice, signed(&asked, 1)).await;
    assert_eq!(status, 200, "{answer}");
    let statement: SignedStatement = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(statement.check(), Ok(terms.signer));
    let said = &statement.statement;
    assert!(said.answers(&asked) && said.what.contains("no value"), "{said:?}");
    assert_eq!((said.amount, said.total), (pending, pending));
    let mut forged = statement.clone();
    forged.statement.amount = Amount::from_credits(1_000);
    assert_eq!(forged.check(), Err(StatementError::Changed { claimed: terms.signer }));

    // The same again, also after a restart, is answered the same and moves nothing.
    let practice = practice.restart().await;
    assert_eq!(post(&practice, signed(&asked, 1)).await, (StatusCode::OK, answer));
    let summary = practice.router.verify_ledger().await.unwrap();
    assert_eq!((summary.pending, summary.withdrawn), (Amount::ZERO, pending));
    practice.settle().await;
}

#[tokio::test]
async fn what_is_not_asked_rightly_moves_nothing_and_says_why() {
    let practice = earned(at_once()).await;
    let before = practice.router.verify_ledger().await.unwrap();
    let terms = terms(&practice).await;
    let asked = request(&terms, None);
    let right = signed(&asked, 1);
    let changed = |field: &str, value: Value| {
        let mut body = right.clone();
        body["request"][field] = value;
        body
    };
    let too_much = request(&terms, Some(before.pending.checked_add(Amount::from_base_units(1)).unwrap()));
    let elsewhere = WithdrawalRequest { ledger: "another".to_owned(), ..asked.clone() };
    let stranger = WithdrawalRequest { node: signer(2).address(), ..asked.clone() };
    let largest = json!({"request": "x".repeat(5_000)});
    for (body, expected) in [
        (json!(null), (400, "invalid_body")),
        (json!({"request": {}}), (400, "invalid_body")),
        (largest, (413, "request_too_large")),
        (changed("amuont", json!("1")), (400, "invalid_body")),
        (changed("amount", json!("1")), (401, "wrong_signature")),
        (changed("payout", json!(signer(2).address().to_string())), (401, "wrong_signature")),
        (signed(&asked, 2), (401, "wrong_signature")),
        (json!({"request": asked, "signature": "0x12"}), (401, "wrong_signature")),
        (signed(&elsewhere, 1), (409, "other_withdrawal")),
        (signed(&too_much, 1), (409, "too_little_pending")),
        (signed(&stranger, 2), (409, "too_little_pending")),
    ] {
        let (status, answer) = post(&practice, body.clone()).await;
        assert_eq!((status.as_u16(), code(&answer)), expected, "{body}: {answer}");
    }
    assert_eq!(practice.router.verify_ledger().await.unwrap(), before);

    assert_eq!(post(&practice, right).await.0, 200);
    let otherwise = WithdrawalRequest { payout: signer(2).address(), ..asked };
    let (status, answer) = post(&practice, signed(&otherwise, 1)).await;
    assert_eq!((status.as_u16(), code(&answer)), (409, "other_withdrawal"), "{answer}");
    practice.settle().await;
}

#[tokio::test]
async fn what_an_audit_can_still_take_back_is_not_withdrawn_and_the_answer_says_when_it_is_final() {
    let practice = earned(Policy::default()).await;
    let terms = terms(&practice).await;
    let (status, answer) = post(&practice, signed(&request(&terms, None), 1)).await;
    assert_eq!((status.as_u16(), code(&answer)), (409, "too_little_pending"));
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("0.00 of 0.0") && message.contains("7 days after"), "{message}");
    practice.settle().await;
}
