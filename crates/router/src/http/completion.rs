//! Answers in `OpenAI`'s form, whole or in chunks.

use cortensor_protocol::{FinishReason, NodeAddress, Precision, StreamedToken, TaskId, TokenLogprob, Usage};
use serde_json::{Value, json};

use crate::{
    clock::wall_time,
    rules::{drive::Finished, request::ChatRequest},
};

/// One answer on its way to the client.
#[derive(Debug)]
pub(super) struct Completion {
    task: TaskId,
    model: String,
    created: i64,
    logprobs: bool,
    include_usage: bool,
    served_by: Option<(NodeAddress, Precision)>,
    tokens: Vec<StreamedToken>,
}

impl Completion {
    pub(super) fn new(task: TaskId, request: &ChatRequest) -> Self {
        Self {
            task,
            model: request.name.clone(),
            created: wall_time().0 / 1000,
            logprobs: request.sampling.top_logprobs.is_some(),
            include_usage: request.include_usage,
            served_by: None,
            tokens: Vec::new(),
        }
    }

    pub(super) fn served_by(&mut self, node: NodeAddress, precision: Precision) {
        self.served_by = Some((node, precision));
    }

    /// Keeps tokens for a whole answer.
    pub(super) fn add(&mut self, tokens: Vec<StreamedToken>) {
        self.tokens.extend(tokens);
    }

    /// The whole answer.
    pub(super) fn whole(&self, finished: Finished) -> Value {
        let choice = json!({
            "index": 0,
            "message": {"role": "assistant", "content": text(&self.tokens)},
            "logprobs": self.logprobs(&self.tokens),
            "finish_reason": finish(finished.finish),
        });
        json!({
            "id": self.id(),
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": usage(finished.usage),
            "cortensor": self.cortensor(),
        })
    }

    /// The chunk that begins an answer.
    pub(super) fn beginning(&self) -> Value {
        self.chunk(json!({"role": "assistant", "content": ""}), Value::Null, None)
    }

    /// A chunk of an answer.
    pub(super) fn more(&self, tokens: &[StreamedToken]) -> Value {
        self.chunk(json!({"content": text(tokens)}), self.logprobs(tokens), None)
    }

    /// The chunks that end an answer.
    pub(super) fn ending(&self, finished: Finished) -> Vec<Value> {
        let mut chunks = vec![self.chunk(json!({}), Value::Null, Some(finish(finished.finish)))];
        if self.include_usage {
            let mut chunk = self.envelope(json!([]));
            chunk["usage"] = usage(finished.usage);
            chunks.push(chunk);
        }
        chunks
    }

    #[expect(clippy::needless_pass_by_value, reason = "`json!` values are made for the call")]
    fn chunk(&self, delta: Value, logprobs: Value, finish: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish});
        self.envelope(json!([choice]))
    }

    #[expect(clippy::needless_pass_by_value, reason = "`json!` values are made for the call")]
    fn envelope(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id(),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            "cortensor": self.cortensor(),
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn id(&self) -> String {
        format!("chatcmpl-{}", self.task)
    }

    /// What `OpenAI`'s form has no place for. Clients ignore fields they do not know.
    fn cortensor(&self) -> Value {
        let (node, precision) = self.served_by.unzip();
        json!({"task_id": self.task, "node": node, "precision": precision})
    }

    fn logprobs(&self, tokens: &[StreamedToken]) -> Value {
        if !self.logprobs {
            return Value::Null;
        }
        let content: Vec<_> =
            tokens.iter().filter_map(|token| Some(token_logprob(&token.text, token.logprob.as_ref()?))).collect();
        json!({"content": content, "refusal": null})
    }
}

fn text(tokens: &[StreamedToken]) -> String {
    tokens.iter().map(|token| token.text.as_str()).collect()
}

fn token_logprob(text: &str, logprob: &TokenLogprob) -> Value {
    let entry = |text: &str, logprob: f32| json!({"token": text, "logprob": logprob, "bytes": text.as_bytes()});
    let top: Vec<_> = logprob.top.iter().map(|(_, text, logprob)| entry(text, *logprob)).collect();
    let mut token = entry(text, logprob.logprob);
    token["top_logprobs"] = Value::Array(top);
    token
}

const fn finish(reason: FinishReason) -> &'static str {
    match reason {
        // OpenAI has no word for an answer that its node was told to end; it is cut short all the same.
        FinishReason::Length | FinishReason::Cancelled => "length",
        FinishReason::Stop => "stop",
    }
}

fn usage(usage: Usage) -> Value {
    let Usage { prompt_tokens, completion_tokens } = usage;
    let total = u64::from(prompt_tokens) + u64::from(completion_tokens);
    json!({"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, "total_tokens": total})
}
