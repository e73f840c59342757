//! The messages between node and router.

use std::fmt::Debug;

use cortensor_protocol::{NodeMessage, Prompt, RouterMessage};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Ended,
    handshake::parse_hello,
    session::{check_offers, parse},
};
use crate::{
    fuzz::{Almost, LONGEST_ERROR},
    rules::answer::{check_commit, check_precommit, check_tokens},
};

const TASK: &str = "01930000-0000-7000-8000-000000000001";

fn from_node() -> Vec<Value> {
    let digest = "07".repeat(32);
    let signature = format!("0x{}", "11".repeat(65));
    vec![
        json!({"type": "hello", "version": 2, "address": format!("0x{}", "ab".repeat(20)), "signature": signature,
            "software": "s 1", "hardware": {"cpu": "c", "cores": 4, "memory_bytes": 8_000_000_000_u64, "accelerator": null},
            "last_settlement": 3}),
        json!({"type": "offers", "offers": [{"model": "m", "precision": "Q8_0", "artifact": digest,
            "context_tokens": 2048, "parameters": 135_000_000, "slots": 2, "mode": "volume"}]}),
        json!({"type": "heartbeat", "running": 1, "cpu_load": 0.5, "free_memory_bytes": 4_000_000_000_u64}),
        json!({"type": "ack", "task": TASK, "attempt": 1}),
        json!({"type": "refuse", "task": TASK, "attempt": 1, "reason": "draining"}),
        json!({"type": "tokens", "task": TASK, "attempt": 1, "tokens": [{"id": 7, "text": " a",
            "logprob": {"logprob": -0.5, "top": [[7, " a", -0.5], [8, "b", -1.5]]}}]}),
        json!({"type": "precommit", "task": TASK, "attempt": 1, "hash": format!("0x{digest}"), "signature": signature}),
        json!({"type": "commit", "task": TASK, "attempt": 1, "tokens": [7, 8], "finish": "stop", "prompt_tokens": 3,
            "first_token_ms": 5, "total_ms": 9}),
        json!({"type": "failed", "task": TASK, "attempt": 1, "reason": {"code": "context_exceeded", "prompt_tokens": 9,
            "context_tokens": 8}}),
        json!({"type": "failed", "task": TASK, "attempt": 1, "reason": {"code": "engine", "message": "it broke"}}),
        json!({"type": "settled_up_to", "sequence": 12}),
        json!({"type": "goodbye"}),
    ]
}

fn from_router() -> Vec<Value> {
    let counter = json!({"points": 1, "counter": 2});
    let evidence = json!({"what": "prefill rate", "seen": "1", "asked": "2", "met": false, "found": {"code": "prefill_rate",
        "tokens_a_second": 1, "work_a_second": 2, "needed_a_second": 3}});
    let report = json!({"tier": {"capability": "high_end", "precision": "full"}, "evidence": [evidence], "tested_at": 5,
        "next_step": "more", "step": {"code": "read_faster", "times_tenths": 25}});
    let settlement = json!({"type": "settlement", "sequence": 1, "task": TASK, "kind": "user", "model": "m",
        "precision": "F16", "mode": "precision", "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        "first_token_ms": 3, "total_ms": 4, "settled_at": 5, "status": "reversed", "amount": "10", "reverses": 1,
        "reason": "a lie", "why": {"code": "audit_failed", "precision": "F16", "engine": "e"}});
    let sampling = json!({"max_tokens": 16, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "presence_penalty": 0.0,
        "frequency_penalty": 0.0, "stop": ["\n"], "top_logprobs": 2});
    vec![
        json!({"type": "challenge", "versions": [1, 2], "network": "practice", "ledger": TASK, "nonce": "00"}),
        json!({"type": "welcome", "router": "r", "heartbeat_ms": 10_000, "tier": report, "prices": null}),
        json!({"type": "rejected", "code": "silent", "message": "connect again"}),
        json!({"type": "testing", "done": 1, "total": 10}),
        json!({"type": "tier", "tier": null, "evidence": [], "tested_at": 1, "next_step": ""}),
        json!({"type": "standing", "level": 3, "progress": {"level": 4, "consecutive_needed": 5, "consecutive_had": 1,
            "percentage_needed": 90, "percentage_had": null}, "streak": 1, "best_streak": 2,
            "counters": {"prepare": counter, "commit": counter}, "last_tests": [{"kind": "correctness", "at": 1,
            "passed": true, "seen": "a", "sighting": {"code": "task_failed", "task": "user",
            "reason": {"code": "round_parted", "token": 3}}}], "cool_down_until": null, "next_step": "",
            "step": {"code": "pass", "tests": 2, "level": 4, "after_cool_down": true,
            "share": {"needed": 60, "had": 50}, "last_failure": "wrong_answer"}}),
        json!({"type": "assign", "task": TASK, "attempt": 1, "kind": "user", "artifact": "07".repeat(32),
            "prompt": {"form": "chat", "messages": [{"role": "user", "content": "hi"}]}, "sampling": sampling,
            "continue_after": [1, 2], "precommit_within_ms": 90_000}),
        json!({"type": "cancel", "task": TASK, "attempt": 1, "reason": "time_up"}),
        settlement,
    ]
}

#[test]
fn the_real_messages_are_real() {
    for message in from_node() {
        serde_json::from_value::<NodeMessage>(message.clone()).unwrap_or_else(|error| panic!("{error}: {message}"));
    }
    for message in from_router() {
        serde_json::from_value::<RouterMessage>(message.clone()).unwrap_or_else(|error| panic!("{error}: {message}"));
    }
}

/// What is read can be written, and reads back the same; it does not swell.
fn stays<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T, length: usize) {
    let written = serde_json::to_string(message).unwrap();
    assert!(written.len() <= 8 * length + 1024, "{length} bytes became {}", written.len());
    let read: T = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(&read, message);
}

#[test]
fn whatever_a_node_says_is_read_or_refused() {
    let real = from_node();
    bolero::check!().with_type::<Almost>().for_each(|almost| {
        let bytes = almost.of(&real);
        let text = String::from_utf8_lossy(&bytes);
        if let Err(ended) = parse_hello(&text) {
            refused(&ended);
        }
        match parse(&text) {
            Ok(message) => {
                stays(&message, text.len());
                checked(message);
            }
            Err(ended) => refused(&ended),
        }
    });
}

/// Is told so in few words.
fn refused(ended: &Ended) {
    let Ended::Rejected(rejection) = ended else { panic!("{ended:?}") };
    assert!(rejection.message.len() <= LONGEST_ERROR, "{} bytes: {:.200}", rejection.message.len(), rejection.message);
}

/// What the rules say of it, whatever that is.
fn checked(message: NodeMessage) {
    let prompt = Prompt::user("hi");
    let _ = match message {
        NodeMessage::Offers { offers } => check_offers(&offers).map_err(|_| String::new()),
        NodeMessage::Tokens { tokens, .. } => check_tokens(Some(2), &tokens),
        NodeMessage::Precommit(precommit) => check_precommit(cortensor_protocol::NodeAddress::ZERO, &precommit),
        NodeMessage::Commit(commit) => check_commit(&prompt, &commit.tokens, &commit),
        _ => Ok(()),
    };
}

#[test]
fn whatever_a_router_says_is_read_or_refused() {
    let real = from_router();
    bolero::check!().with_type::<Almost>().for_each(|almost| {
        let bytes = almost.of(&real);
        if let Ok(message) = serde_json::from_slice::<RouterMessage>(&bytes) {
            stays(&message, bytes.len());
        }
    });
}
