//! What is to be continued: conversations and texts.

use cortensor_protocol::{ChatMessage, Prompt, Role};
use serde_json::{Map, Value};

use super::{Fields, Form, refuse};
use crate::rules::problem::Problem;

const MOST_MESSAGES: usize = 1024;
/// Most characters of an unknown role that are said back.
const LONGEST_ROLE: usize = 64;

/// The prompt, wherever this form has it.
pub(super) fn prompt(form: Form, object: &Map<String, Value>) -> Result<Prompt, Problem> {
    match form {
        Form::Chat => Ok(Prompt::Chat { messages: messages(object)? }),
        Form::Text => Ok(Prompt::Text { text: text(object)? }),
        Form::Network => network(Fields(object), text(object)?),
    }
}

/// `prompt_type`: 0 the model's own chat form, 1 as it is, 2 with instructions before it.
fn network(fields: Fields<'_>, text: String) -> Result<Prompt, Problem> {
    let system = fields.optional_text("prompt_template")?.filter(|template| !template.is_empty());
    match fields.integer("prompt_type", 0..=2)?.unwrap_or(0) {
        0 => Ok(Prompt::user(text)),
        1 => Ok(Prompt::Text { text }),
        _ => {
            let message = "`prompt_type` 2 needs the instructions in `prompt_template`".to_owned();
            let content = system.ok_or_else(|| refuse(Some("prompt_template"), "missing_field", message))?;
            let messages = [(Role::System, content), (Role::User, text)];
            let messages = messages.map(|(role, content)| ChatMessage { role, content }).into();
            Ok(Prompt::Chat { messages })
        }
    }
}

/// A text, or a list of just one.
fn text(object: &Map<String, Value>) -> Result<String, Problem> {
    let text = match object.get("prompt") {
        Some(Value::Array(list)) if list.len() == 1 => list.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    let wrong = || refuse(Some("prompt"), "invalid_value", "`prompt` must be a text that is not empty".to_owned());
    text.filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(wrong)
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
        Some(other) => {
            let other: String = other.chars().take(LONGEST_ROLE).collect();
            return Err(format!("the role {other:?} is not known; use system, user or assistant"));
        }
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
