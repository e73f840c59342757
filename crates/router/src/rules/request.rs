//! What a client may ask for, in `OpenAI`'s two forms and in the network's own.
//!
//! Fields that change nothing here (`user`, `store`, `metadata`, ...) and `seed`, which engines cannot honour yet, are
//! ignored. Fields that would change the answer and are not served (`tools`, `logit_bias`, ...) are refused.

mod fields;
mod messages;
mod sampling;
mod wanted;

use std::time::Duration;

use cortensor_protocol::{Prompt, Sampling};
use serde_json::{Map, Value};

pub(crate) use self::{
    fields::{Fields, refuse},
    wanted::Wanted,
};
use super::{problem::Problem, session::Terms};
use crate::policy::Policy;

/// Longest `client_reference`, in bytes.
const LONGEST_REFERENCE: usize = 256;
/// Most seconds a client may give a request, or its precommit.
const LONGEST_TIMEOUT: i64 = 900;

/// How a request and its answer are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `OpenAI`'s: messages in, a message out.
    Chat,
    /// `OpenAI`'s older: a text in, a text out.
    Text,
    /// The network's own, in a session.
    Network,
}

/// A request that may be served.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompletionRequest {
    pub(crate) form: Form,
    pub(crate) wanted: Wanted,
    pub(crate) prompt: Prompt,
    pub(crate) sampling: Sampling,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// The client's own time limits, if it has some.
    pub(crate) timeout: Option<Duration>,
    pub(crate) precommit_timeout: Option<Duration>,
    /// The client's own name for the request.
    pub(crate) reference: Option<String>,
}

/// The object in a body.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| refuse(None, "invalid_json", format!("the body is not valid JSON: {error}")))?;
    let Value::Object(object) = value else {
        return Err(refuse(None, "invalid_json", "the body must be a JSON object".to_owned()));
    };
    Ok(object)
}

/// The session that a body names.
pub(crate) fn session_id(object: &Map<String, Value>) -> Result<Option<i64>, Problem> {
    Fields(object).integer("session_id", 1..=i64::MAX)
}

/// The network's own form is for sessions.
pub(crate) fn missing_session() -> Problem {
    let message = "`session_id` is missing; send it, use the session's own key, or POST to /api/v1/completions/{sid}";
    refuse(Some("session_id"), "missing_field", message.to_owned())
}

/// Reads a request, in a session or not.
pub(crate) fn parse(
    form: Form,
    object: &Map<String, Value>,
    terms: Option<&Terms>,
    policy: &Policy,
) -> Result<CompletionRequest, Problem> {
    let fields = Fields(object);
    refuse_unserved(fields)?;
    Ok(CompletionRequest {
        form,
        wanted: terms.map_or_else(|| Wanted::read(fields), |terms| Wanted::in_session(fields, terms))?,
        prompt: messages::prompt(form, object)?,
        sampling: sampling::sampling(form, fields, policy)?,
        stream: fields.flag("stream")?,
        include_usage: include_usage(object)?,
        timeout: seconds(fields, "timeout")?,
        precommit_timeout: seconds(fields, "precommit_timeout")?,
        reference: fields.short_text("client_reference", LONGEST_REFERENCE)?,
    })
}

fn seconds(fields: Fields<'_>, name: &'static str) -> Result<Option<Duration>, Problem> {
    let seconds = fields.integer(name, 1..=LONGEST_TIMEOUT)?.and_then(|seconds| u64::try_from(seconds).ok());
    Ok(seconds.map(Duration::from_secs))
}

fn refuse_unserved(fields: Fields<'_>) -> Result<(), Problem> {
    const UNSERVED: [&str; 6] = ["tools", "functions", "logit_bias", "modalities", "audio", "suffix"];
    let text_only = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(|item| item == "text"));
    for field in UNSERVED {
        let harmless = |value: &Value| match value {
            Value::Array(list) => list.is_empty() || (field == "modalities" && text_only(value)),
            Value::Object(object) => object.is_empty(),
            Value::String(text) => text.is_empty(),
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
    for field in ["n", "best_of"] {
        if fields.integer(field, 1..=128)?.is_some_and(|n| n != 1) {
            let message = format!("`{field}` must be 1; send several requests, or open a session with `redundant`");
            return Err(refuse(Some(field), "unsupported_parameter", message));
        }
    }
    if fields.flag("echo")? {
        return Err(refuse(Some("echo"), "unsupported_parameter", "`echo` is not served; leave it out".to_owned()));
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

#[cfg(test)]
mod tests;
