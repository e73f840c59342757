use serde_json::json;

use super::*;
use crate::{Amount, Millis, SettlementStatus, TaskId, Usage};

#[test]
fn messages_look_as_the_protocol_document_says() {
    let task = TaskId(uuid::Uuid::nil());
    let refused = NodeMessage::Refuse { attempt: AttemptId { task, number: 2 }, reason: RefusalReason::AtCapacity };
    let said = serde_json::to_value(&refused).unwrap();
    assert_eq!(said, json!({"type": "refuse", "task": task.to_string(), "attempt": 2, "reason": "at_capacity"}));
    assert_eq!(serde_json::from_value::<NodeMessage>(said).unwrap(), refused);
    let settlement = Settlement {
        sequence: 7,
        task,
        kind: TaskKind::User,
        model: ModelId::new("m"),
        precision: Precision::Q8_0,
        mode: Mode::Volume,
        usage: Usage { prompt_tokens: 1, completion_tokens: 2 },
        first_token_ms: 3,
        total_ms: 4,
        status: SettlementStatus::Paid { amount: Amount::from_credits(1) },
        settled_at: Millis(5),
    };
    let said = serde_json::to_value(RouterMessage::Settlement(settlement.clone())).unwrap();
    assert_eq!(said["status"], "paid");
    assert_eq!(said["amount"], "1000000000000000000");
    assert_eq!(serde_json::from_value::<RouterMessage>(said).unwrap(), RouterMessage::Settlement(settlement));
}

#[test]
fn an_unknown_message_is_an_error_and_not_a_guess() {
    assert!(serde_json::from_value::<NodeMessage>(json!({"type": "transfer_everything"})).is_err());
}
