//! Answers in the forms that clients read, whole or in chunks.

use cortensor_protocol::{FinishReason, NodeAddress, Precision, StreamedToken, TaskId, TokenLogprob, Usage};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use crate::{
    clock::wall_time,
    rules::{
        drive::{Delivery, Finished},
        problem::Problem,
        request::{CompletionRequest, Form},
    },
};

/// An answer on its way to the client: one choice for each node that was asked.
#[derive(Debug)]
pub(super) struct Completion {
    form: Form,
    /// In a session, which of its requests this is.
    number: Option<u32>,
    model: String,
    created: i64,
    logprobs: bool,
    include_usage: bool,
    pub(super) choices: Vec<Choice>,
}

/// One node's answer.
#[derive(Debug)]
pub(super) struct Choice {
    task: TaskId,
    served_by: Option<ServedBy>,
    tokens: Vec<StreamedToken>,
    end: Option<Result<Finished, Problem>>,
}

#[derive(Debug)]
struct ServedBy {
    node: NodeAddress,
    precision: Precision,
    fallback: Option<&'static str>,
}

impl Choice {
    /// Notes what came; tokens are kept for a whole answer.
    pub(super) fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Started { node, precision, fallback, .. } => self.served(node, precision, fallback),
            Delivery::Tokens { tokens, .. } => self.tokens.extend(tokens),
            Delivery::Finished(finished) => self.ended(Ok(finished)),
            Delivery::Failed(problem) => self.ended(Err(problem)),
        }
    }

    pub(super) const fn served(&mut self, node: NodeAddress, precision: Precision, fallback: Option<&'static str>) {
        self.served_by = Some(ServedBy { node, precision, fallback });
    }

    /// Only the first end counts.
    pub(super) fn ended(&mut self, end: Result<Finished, Problem>) {
        self.end.get_or_insert(end);
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    const fn finished(&self) -> Option<Finished> {
        match self.end {
            Some(Ok(finished)) => Some(finished),
            _ => None,
        }
    }

    const fn problem(&self) -> Option<&Problem> {
        match &self.end {
            Some(Err(problem)) => Some(problem),
            _ => None,
        }
    }
}

impl Completion {
    pub(super) fn new(tasks: &[TaskId], number: Option<u32>, request: &Asked) -> Self {
        let choice = |task: &TaskId| Choice { task: *task, served_by: None, tokens: Vec::new(), end: None };
        Self {
            form: request.form,
            number,
            model: request.model.clone(),
            created: wall_time().0 / 1000,
            logprobs: request.logprobs,
            include_usage: request.include_usage,
            choices: tasks.iter().map(choice).collect(),
        }
    }

    /// Why there is no answer: nobody finished one, and everybody ended.
    pub(super) fn failure(&self) -> Option<Problem> {
        let all = self.choices.iter().all(|choice| choice.problem().is_some());
        self.choices.first().filter(|_| all).and_then(Choice::problem).cloned()
    }

    pub(super) fn is_over(&self) -> bool {
        self.choices.iter().all(Choice::has_ended)
    }

    /// The whole answer.
    pub(super) fn whole(&self) -> Value {
        let finished = self.choices.iter().enumerate().filter_map(|(index, choice)| {
            let reason = finish(choice.finished()?.finish);
            let logprobs = self.logprobs(&choice.tokens);
            Some(match self.form {
                Form::Chat => json!({
                    "index": index,
                    "message": {"role": "assistant", "content": text(&choice.tokens)},
                    "logprobs": logprobs,
                    "finish_reason": reason,
                }),
                Form::Text | Form::Network => {
                    json!({"index": index, "text": text(&choice.tokens), "logprobs": null, "finish_reason": reason})
                }
            })
        });
        let mut answer = self.envelope(finished.collect(), false);
        answer.insert("usage".to_owned(), usage(self.usage()));
        answer.into()
    }

    /// The chunk that begins a choice, if this form has one.
    pub(super) fn beginning(&self, index: usize) -> Option<Value> {
        let chat = self.form == Form::Chat;
        chat.then(|| self.chunk(index, json!({"role": "assistant", "content": ""}), Value::Null, None))
    }

    /// A chunk of a choice.
    pub(super) fn more(&self, index: usize, tokens: &[StreamedToken]) -> Value {
        self.chunk(index, json!({"content": text(tokens)}), self.logprobs(tokens), None)
    }

    /// The chunk that ends a choice.
    pub(super) fn ending(&self, index: usize, finished: Finished) -> Value {
        self.chunk(index, json!({}), Value::Null, Some(finish(finished.finish)))
    }

    /// The chunk with the usage of all choices, if it was asked for.
    pub(super) fn totals(&self) -> Option<Value> {
        self.include_usage.then(|| {
            let mut chunk = self.envelope(Vec::new(), true);
            chunk.insert("usage".to_owned(), usage(self.usage()));
            chunk.into()
        })
    }

    #[expect(clippy::needless_pass_by_value, reason = "`json!` values are made for the call")]
    fn chunk(&self, index: usize, delta: Value, logprobs: Value, finish: Option<&str>) -> Value {
        let choice = match self.form {
            Form::Chat => json!({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}),
            Form::Text | Form::Network => {
                let text = delta.get("content").cloned().unwrap_or_else(|| "".into());
                json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish})
            }
        };
        let mut chunk = self.envelope(vec![choice], true);
        if self.include_usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        chunk.into()
    }

    fn envelope(&self, choices: Vec<Value>, chunk: bool) -> Map<String, Value> {
        let (prefix, object) = match (self.form, chunk) {
            (Form::Chat, true) => ("chatcmpl", "chat.completion.chunk"),
            (Form::Chat, false) => ("chatcmpl", "chat.completion"),
            (Form::Text | Form::Network, _) => ("cmpl", "text_completion"),
        };
        let task = self.choices.first().map(|choice| choice.task.to_string()).unwrap_or_default();
        let mut answer = Map::from_iter([
            ("id".to_owned(), format!("{prefix}-{task}").into()),
            ("object".to_owned(), object.into()),
            ("created".to_owned(), self.created.into()),
            ("model".to_owned(), self.model.clone().into()),
            ("choices".to_owned(), choices.into()),
            ("cortensor".to_owned(), self.cortensor()),
        ]);
        if let Some(number) = self.number {
            answer.insert("task_id".to_owned(), number.into());
        }
        answer
    }

    /// What clients' forms have no place for. They ignore fields they do not know.
    fn cortensor(&self) -> Value {
        let mut choices: Vec<_> = self.choices.iter().map(served).collect();
        if choices.len() == 1 { choices.pop().unwrap_or_default() } else { json!({"choices": choices}) }
    }

    /// Of every choice: each was worked for and is paid.
    fn usage(&self) -> Usage {
        let usages = self.choices.iter().filter_map(Choice::finished).map(|finished| finished.usage);
        usages.fold(Usage::default(), |sum, usage| Usage {
            prompt_tokens: sum.prompt_tokens.saturating_add(usage.prompt_tokens),
            completion_tokens: sum.completion_tokens.saturating_add(usage.completion_tokens),
        })
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

/// What an answer's form depends on.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    form: Form,
    model: String,
    logprobs: bool,
    include_usage: bool,
}

impl From<&CompletionRequest> for Asked {
    fn from(request: &CompletionRequest) -> Self {
        Self {
            form: request.form,
            model: request.wanted.name.clone(),
            logprobs: request.sampling.top_logprobs.is_some(),
            include_usage: request.include_usage,
        }
    }
}

/// Who served a choice; if it is not as asked for, as which fallback; if it failed, why.
fn served(choice: &Choice) -> Value {
    let node = choice.served_by.as_ref().map(|served| served.node);
    let precision = choice.served_by.as_ref().map(|served| served.precision);
    let mut value = json!({"task_id": choice.task, "node": node, "precision": precision});
    if let Some(fallback) = choice.served_by.as_ref().and_then(|served| served.fallback) {
        value["fallback"] = fallback.into();
    }
    if let Some(problem) = choice.problem() {
        value["error"] = ApiError::Problem(problem.clone()).body()["error"].take();
    }
    value
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
