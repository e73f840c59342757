//! Against a router that answers as it is told.

use std::collections::VecDeque;

use cortensor_protocol::{Millis, PRACTICE_CREDITS, Statement};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;

const ORDER: WithdrawalOrder = WithdrawalOrder { payout: NodeAddress::repeat_byte(9), amount: None };

/// How the router answers one request.
#[derive(Clone, Copy)]
enum Answer {
    Rightly,
    /// It does it, and the answer is lost.
    NotAtAll,
    /// For another node.
    Wrongly,
    SignedByAnother,
    With(u16),
}

fn terms(signer: &Identity) -> WithdrawalTerms {
    let (network, ledger) = ("practice".to_owned(), "l".to_owned());
    WithdrawalTerms { network, ledger, signer: signer.address(), final_after_seconds: 1 }
}

fn statement(request: &WithdrawalRequest, signer: &Identity) -> Statement {
    let amount = Amount::from_credits(2);
    Statement {
        what: PRACTICE_CREDITS.to_owned(),
        network: "practice".to_owned(),
        ledger: request.ledger.clone(),
        node: request.node,
        payout: request.payout,
        amount,
        total: amount,
        at: Millis(1),
        transfer: 1,
        nonce: request.nonce,
        signer: signer.address(),
    }
}

fn answer(request: &WithdrawalRequest, router: &Identity, answer: Answer) -> (u16, String) {
    let mut said = statement(request, router);
    if matches!(answer, Answer::Wrongly) {
        said.node = NodeAddress::repeat_byte(3);
    }
    let signer = if matches!(answer, Answer::SignedByAnother) { &Identity::ephemeral() } else { router };
    said.signer = signer.address();
    let signature = signer.sign(&said.text()).unwrap();
    let body = serde_json::to_string(&SignedStatement { statement: said, signature }).unwrap();
    match answer {
        Answer::With(status) => (status, r#"{"error": {"message": "no"}}"#.to_owned()),
        _ => (200, body),
    }
}

/// One request's body; none for GET.
async fn heard(stream: &mut TcpStream) -> Option<SignedRequest> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            match serde_json::from_str(body) {
                Ok(asked) => return Some(asked),
                Err(_) if head.starts_with("GET") => return None,
                Err(_) => {}
            }
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "{bytes:?}");
    }
}

async fn say(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

/// A router on a free port, and what it was asked.
async fn router(answers: &[Answer]) -> (String, JoinHandle<Vec<SignedRequest>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}/node/v1", listener.local_addr().unwrap());
    let mut answers: VecDeque<_> = answers.to_vec().into();
    let serving = tokio::spawn(async move {
        let (own, mut asked) = (Identity::ephemeral(), Vec::new());
        while !answers.is_empty() {
            let (mut stream, _) = listener.accept().await.unwrap();
            let Some(request) = heard(&mut stream).await else {
                say(&mut stream, 200, &serde_json::to_string(&terms(&own)).unwrap()).await;
                continue;
            };
            let next = answers.pop_front().unwrap();
            let (status, body) = answer(&request.request, &own, next);
            asked.push(request);
            if !matches!(next, Answer::NotAtAll) {
                say(&mut stream, status, &body).await;
            }
        }
        asked
    });
    (address, serving)
}

async fn ledger() -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&folder.path().join("ledger.sqlite")).await.unwrap();
    (folder, ledger)
}

#[tokio::test]
async fn a_statement_that_got_lost_is_had_by_the_same_request_again_and_counts_once() {
    let (_folder, ledger) = ledger().await;
    let (address, serving) = router(&[Answer::NotAtAll, Answer::With(503), Answer::Rightly, Answer::Rightly]).await;
    let node = Identity::ephemeral();
    for _ in 0..2 {
        let lost = withdraw(&address, &node, &ledger, ORDER).await.unwrap_err();
        assert!(matches!(lost, WithdrawalError::Unanswered { .. }), "{lost}");
        assert_eq!(ledger.withdrawn().await.unwrap(), Amount::ZERO);
    }
    let other = WithdrawalOrder { amount: Some(Amount::from_credits(7)), ..ORDER };
    let done = withdraw(&address, &node, &ledger, other).await.unwrap();
    assert!(done.resumed && done.signed.statement.payout == ORDER.payout);
    assert_eq!(ledger.withdrawn().await.unwrap(), Amount::from_credits(2));
    assert!(!withdraw(&address, &node, &ledger, ORDER).await.unwrap().resumed);
    assert_eq!(ledger.withdrawn().await.unwrap(), Amount::from_credits(4));
    let asked = serving.await.unwrap();
    assert_eq!((&asked[0], &asked[1]), (&asked[1], &asked[2]));
    assert_ne!(asked[2].request.nonce, asked[3].request.nonce);
    let signer = cortensor_protocol::recover(&asked[0].request.text("practice"), &asked[0].signature);
    assert_eq!(signer, Ok(node.address()));
}

#[tokio::test]
async fn a_refusal_is_told_and_the_next_request_is_a_new_one() {
    let (_folder, ledger) = ledger().await;
    let (address, serving) = router(&[Answer::With(409), Answer::Rightly]).await;
    let node = Identity::ephemeral();
    let refused = withdraw(&address, &node, &ledger, ORDER).await.unwrap_err();
    assert_eq!(refused.to_string(), "the router withdrew nothing: no");
    assert!(!withdraw(&address, &node, &ledger, ORDER).await.unwrap().resumed);
    let asked = serving.await.unwrap();
    assert_ne!(asked[0].request.nonce, asked[1].request.nonce);
}

#[tokio::test]
async fn a_statement_of_something_else_or_of_somebody_else_is_not_taken() {
    for wrong in [Answer::Wrongly, Answer::SignedByAnother] {
        let (_folder, ledger) = ledger().await;
        let (address, _serving) = router(&[wrong]).await;
        let error = withdraw(&address, &Identity::ephemeral(), &ledger, ORDER).await.unwrap_err();
        assert!(matches!(error, WithdrawalError::Unsound { .. }), "{error}");
        assert_eq!(ledger.withdrawn().await.unwrap(), Amount::ZERO);
    }
}

#[test]
fn the_desk_is_beside_the_nodes_endpoint() {
    for (router, expected) in [
        ("ws://127.0.0.1:5010/node/v1", Some("http://127.0.0.1:5010/api/v1/withdrawals")),
        ("wss://router.example/node/v1/", Some("https://router.example/api/v1/withdrawals")),
        ("wss://router.example/here/node/v1", Some("https://router.example/here/api/v1/withdrawals")),
        ("http://router.example/node/v1", None),
        ("ws://", None),
        ("router", None),
    ] {
        assert_eq!(address(router).as_ref().map(Url::as_str), expected, "{router}");
    }
}

#[test]
fn a_network_with_a_line_break_in_its_name_is_signed_nothing() {
    let own = Identity::ephemeral();
    assert!(check(&terms(&own)).is_ok());
    assert!(check(&WithdrawalTerms { ledger: "l\nnode: 0x".to_owned(), ..terms(&own) }).is_err());
}
