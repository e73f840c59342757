//! How the answer is to be made.

use cortensor_protocol::Sampling;
use serde_json::Value;

use super::{Fields, Form, refuse};
use crate::{policy::Policy, rules::problem::Problem};

const MOST_STOPS: usize = 4;
const LONGEST_STOP: usize = 256;

pub(super) fn sampling(form: Form, fields: Fields<'_>, policy: &Policy) -> Result<Sampling, Problem> {
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
        top_logprobs: if form == Form::Chat { top_logprobs(fields)? } else { no_logprobs(fields)? },
    })
}

/// Their form in texts is another one, which no client here has asked for.
fn no_logprobs(fields: Fields<'_>) -> Result<Option<u8>, Problem> {
    let asked = fields.get("logprobs").is_some_and(|value| *value != false && *value != 0);
    let message = "`logprobs` are served by /v1/chat/completions only; leave it out".to_owned();
    if asked { Err(refuse(Some("logprobs"), "unsupported_parameter", message)) } else { Ok(None) }
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
