//! What a client may ask for, in the `OpenAI` form.
//!
//! Fields that change nothing here (`user`, `store`, `metadata`, ...) and `seed`, which engines cannot honour yet, are
//! ignored. Fields that would change the answer and are not served (`tools`, `logit_bias`, ...) are refused.

mod fields;

use cortensor_protocol::{ChatMessage, ModelId, Precision, Prompt, Role, Sampling};
use serde_json::{Map, Value};

use self::fields::{Fields, refuse};
use super::problem::Problem;
use crate::policy::Policy;

const MOST_MESSAGES: usize = 1024;
const MOST_STOPS: usize = 4;
const LONGEST_STOP: usize = 256;

/// A request that may be served.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChatRequest {
    /// As the client wrote it.
    pub(crate) name: String,
    pub(crate) model: ModelId,
    pub(crate) precision: Option<Precision>,
    pub(crate) prompt: Prompt,
    pub(crate) sampling: Sampling,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
}

/// Reads a request.
pub(crate) fn parse(body: &[u8], policy: &Policy) -> Result<ChatRequest, Problem> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| refuse(None, "invalid_json", format!("the body is not valid JSON: {error}")))?;
    let Value::Object(object) = value else {
        return Err(refuse(None, "invalid_json", "the body must be a JSON object".to_owned()));
    };
    let fields = Fields(&object);
    refuse_unserved(fields)?;
    let name = fields.text("model")?;
    let (model, precision) = split_model(&name);
    Ok(ChatRequest {
        model,
        precision,
        prompt: Prompt::Chat { messages: messages(&object)? },
        sampling: sampling(fields, policy)?,
        stream: fields.flag("stream")?,
        include_usage: include_usage(&object)?,
        name,
    })
}

/// `model` or `model:precision`.
fn split_model(name: &str) -> (ModelId, Option<Precision>) {
    let precise = name.rsplit_once(':').and_then(|(model, precision)| Some((model, precision.parse().ok()?)));
    precise.map_or_else(|| (ModelId::new(name), None), |(model, precision)| (ModelId::new(model), Some(precision)))
}

fn refuse_unserved(fields: Fields<'_>) -> Result<(), Problem> {
    const UNSERVED: [&str; 5] = ["tools", "functions", "logit_bias", "modalities", "audio"];
    let text_only = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(|item| item == "text"));
    for field in UNSERVED {
        let harmless = |value: &Value| match value {
            Value::Array(list) => list.is_empty() || (field == "modalities" && text_only(value)),
            Value::Object(object) => object.is_empty(),
            _ => false,
        };
        if fields.get(field).is_some_and(|value| !harmless(value)) {
            let message = format!("`{field}` is not served by this network; leave it out");
            return Err(refuse(Some(field), "unsupported_parameter", message));
        }
    }
    let format = fields.get("response_format").and_then(|format| format.get("type"));
    if format.is_some_and(|format| format != "text") {
        let message = "`response_format` other than text is not served; leave it out".to_owned();
        return Err(refuse(Some("response_format"), "unsupported_parameter", message));
    }
    if fields.integer("n", 1..=128)?.is_some_and(|n| n != 1) {
        return Err(refuse(Some("n"), "unsupported_parameter", "`n` must be 1; send several requests".to_owned()));
    }
    Ok(())
}

fn include_usage(object: &Map<String, Value>) -> Result<bool, Problem> {
    match object.get("stream_options") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Object(options)) => Fields(options).flag("include_usage"),
        Some(_) => Err(refuse(Some("stream_options"), "invalid_type", "`stream_options` must be an object".to_owned())),
    }
}

fn sampling(fields: Fields<'_>, policy: &Policy) -> Result<Sampling, Problem> {
    let newer = fields.integer("max_completion_tokens", 1..=u32::MAX.into())?;
    let asked = newer.or(fields.integer("max_tokens", 1..=u32::MAX.into())?);
    let tokens = asked.map_or(policy.answer_tokens, |tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
    let top_p = fields.number("top_p", 0.0, 1.0)?;
    if top_p.is_some_and(|top_p| top_p <= 0.0) {
        return Err(refuse(Some("top_p"), "out_of_range", "`top_p` must be above 0 and at most 1".to_owned()));
    }
    // 0 and -1 are how some clients say "no limit".
    let top_k = fields.integer("top_k", -1..=u32::MAX.into())?.and_then(|top_k| u32::try_from(top_k).ok());
    Ok(Sampling {
        max_tokens: tokens.min(policy.most_answer_tokens),
        temperature: fields.number("temperature", 0.0, 2.0)?.unwrap_or(1.0),
        top_p,
        top_k: top_k.filter(|top_k| *top_k > 0),
        presence_penalty: fields.number("presence_penalty", -2.0, 2.0)?.unwrap_or(0.0),
        frequency_penalty: fields.number("frequency_penalty", -2.0, 2.0)?.unwrap_or(0.0),
        stop: stop(fields)?,
        top_logprobs: top_logprobs(fields)?,
    })
}

fn top_logprobs(fields: Fields<'_>) -> Result<Option<u8>, Problem> {
    let wanted = fields.flag("logprobs")?;
    let top = fields.integer("top_logprobs", 0..=20)?.and_then(|top| u8::try_from(top).ok());
    if top.is_some_and(|top| top > 0) && !wanted {
        let message = "`top_logprobs` needs `logprobs` to be true".to_owned();
        return Err(refuse(Some("top_logprobs"), "invalid_value", message));
    }
    Ok(wanted.then(|| top.unwrap_or(0)))
}

fn stop(fields: Fields<'_>) -> Result<Vec<String>, Problem> {
    let wrong = || {
        let message = format!("`stop` must be a text or up to {MOST_STOPS} texts of 1 to {LONGEST_STOP} bytes");
        refuse(Some("stop"), "invalid_value", message)
    };
    let texts = match fields.get("stop") {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<_>> = list.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    let fits = |text: &String| (1..=LONGEST_STOP).contains(&text.len());
    if texts.len() <= MOST_STOPS && texts.iter().all(fits) { Ok(texts) } else { Err(wrong()) }
}

fn messages(object: &Map<String, Value>) -> Result<Vec<ChatMessage>, Problem> {
    let wrong = |message: String| refuse(Some("messages"), "invalid_value", message);
    let list = object.get("messages").and_then(Value::as_array);
    let list = list.ok_or_else(|| wrong("`messages` must be an array of messages".to_owned()))?;
    if !(1..=MOST_MESSAGES).contains(&list.len()) {
        return Err(wrong(format!("`messages` must hold 1 to {MOST_MESSAGES} messages")));
    }
    let numbered = list.iter().enumerate();
    numbered.map(|(index, item)| message(item).map_err(|what| wrong(format!("messages[{index}]: {what}")))).collect()
}

fn message(item: &Value) -> Result<ChatMessage, String> {
    let role = match item.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some(other) => return Err(format!("the role {other:?} is not known; use system, user or assistant")),
        None => return Err("`role` is missing; use system, user or assistant".to_owned()),
    };
    let content = match item.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().map(part).collect::<Result<String, _>>()?,
        _ => return Err("`content` must be a text or an array of text parts".to_owned()),
    };
    Ok(ChatMessage { role, content })
}

fn part(part: &Value) -> Result<&str, String> {
    let text = part.get("text").and_then(Value::as_str);
    let text = text.filter(|_| part.get("type").is_some_and(|kind| kind == "text"));
    text.ok_or_else(|| "only parts of type `text` are served".to_owned())
}

#[cfg(test)]
mod tests;
