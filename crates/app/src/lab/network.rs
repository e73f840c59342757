//! Asking the network for an answer, as any of its users does: over the router's `OpenAI` form.

use std::time::Duration;

use cortensor_protocol::{FinishReason, ModelId, NodeAddress, Precision, Usage};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Failure, FailureCode, NetworkAccess};

/// How long a router may take to be there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent: it says nothing before the first token, and a node may have to finish other work first.
const SILENCE: Duration = Duration::from_secs(300);
/// Longest line that is believed, in bytes.
const LONGEST_LINE: usize = 1 << 20;
/// Longest answer that is believed, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
/// Most tokens of an answer that is only to be seen coming.
const SHORT_ANSWER: u32 = 48;
/// Most characters of what a router says that are shown.
const LONGEST_MESSAGE: usize = 500;

/// Why the network gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NetworkError {
    /// Nobody answers.
    #[error("the router at {url} does not answer ({message}); check the connection, or compare without the network")]
    Unreachable { url: String, message: String },
    /// The router says why not.
    #[error("the network gave no answer: {message}")]
    Refused { message: String },
    /// The answer had no end.
    #[error("the network's answer broke off ({message}); compare again")]
    Broken { message: String },
    /// This is not what was expected.
    #[error("{url} does not speak as a router does ({message}); check the address")]
    Strange { url: String, message: String },
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        Self::of(FailureCode::Network, &error)
    }
}

/// What was heard of an answer so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) text: String,
    /// The network's own tokens, as far as it told them with what it expected.
    pub(super) pieces: Vec<Piece>,
    pub(super) node: Option<NodeAddress>,
    pub(super) precision: Option<Precision>,
    pub(super) finish: Option<FinishReason>,
    pub(super) usage: Option<Usage>,
    over: bool,
}

/// A token of the network's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// Where it begins in the text.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// The likeliest tokens here and their probabilities, the likeliest first.
    pub(super) top: Vec<(String, f64)>,
}

impl NetworkAccess {
    /// Whether a router is there and takes the key: said before anything is loaded for a comparison with it.
    pub(super) async fn check(&self) -> Result<(), NetworkError> {
        self.send(self.client()?.get(self.url("models"))).await.map(|_| ())
    }

    /// Asks, and calls `heard` whenever more of the answer is there. Dropping the future takes the request back.
    pub(super) async fn ask(&self, body: &Value, mut heard: impl FnMut(&Heard)) -> Result<Heard, NetworkError> {
        let mut response = self.send(self.client()?.post(self.url("chat/completions")).json(body)).await?;
        let (mut lines, mut answer) = (Lines::default(), Heard::default());
        let broken = |error: reqwest::Error| NetworkError::Broken { message: words(&error) };
        while let Some(bytes) = response.chunk().await.map_err(broken)? {
            let strange = |message| NetworkError::Strange { url: self.api_url.clone(), message };
            for line in lines.push(&bytes).map_err(strange)? {
                answer.take(&line).map_err(|event| self.of(event))?;
            }
            heard(&answer);
        }
        if answer.over {
            return Ok(answer);
        }
        Err(NetworkError::Broken { message: "the connection ended".to_owned() })
    }

    /// A short answer to one question, whole: how a user tries their own network out.
    pub async fn answer(&self, model: &ModelId, question: &str) -> Result<String, Failure> {
        let messages = json!([{"role": "user", "content": question}]);
        let body = json!({"model": model, "messages": messages, "stream": true, "max_tokens": SHORT_ANSWER});
        Ok(self.ask(&body, |_| {}).await?.text)
    }

    fn client(&self) -> Result<Client, NetworkError> {
        let client = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build();
        client.map_err(|error| self.unreachable(&error))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.api_url.trim_end_matches('/'))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, NetworkError> {
        let response = request.bearer_auth(&self.api_key).send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        Err(match said(&value) {
            Some(message) => NetworkError::Refused { message },
            None => NetworkError::Strange { url: self.api_url.clone(), message: format!("it says {status}") },
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> NetworkError {
        NetworkError::Unreachable { url: self.api_url.clone(), message: words(error) }
    }

    fn of(&self, event: EventError) -> NetworkError {
        match event {
            EventError::Refused(message) => NetworkError::Broken { message },
            EventError::Strange(message) => NetworkError::Strange { url: self.api_url.clone(), message },
        }
    }
}

/// What a router's error says.
fn said(value: &Value) -> Option<String> {
    let message = value.pointer("/error/message").and_then(Value::as_str)?;
    Some(message.chars().take(LONGEST_MESSAGE).collect())
}

/// An error and what it came of; the library's own text leaves that out.
fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string);
    [error.to_string()].into_iter().chain(causes).collect::<Vec<_>>().join(": ")
}

/// Bytes into lines.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that are whole with these bytes.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        self.rest.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        if self.rest.len() > LONGEST_LINE { Err("a line has no end".to_owned()) } else { Ok(lines) }
    }
}

/// Why an event is no part of an answer.
enum EventError {
    Refused(String),
    Strange(String),
}

/// What an event carries.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    cortensor: Option<Served>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Delta,
    logprobs: Option<LogProbabilities>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct LogProbabilities {
    content: Option<Vec<Told>>,
}

/// A token with the likeliest ones in its place.
#[derive(Deserialize)]
struct Told {
    token: String,
    #[serde(default)]
    top_logprobs: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    token: String,
    logprob: f64,
}

/// Who served it, which `OpenAI`'s form has no place for.
#[derive(Deserialize)]
struct Served {
    node: Option<NodeAddress>,
    precision: Option<Precision>,
}

impl Heard {
    /// Takes a line of the stream. Lines that carry nothing (comments, names of events, empty ones) are passed over.
    fn take(&mut self, line: &str) -> Result<(), EventError> {
        let Some(data) = line.strip_prefix("data:").map(str::trim) else { return Ok(()) };
        if data == "[DONE]" {
            self.over = true;
            return Ok(());
        }
        let strange = |error: serde_json::Error| EventError::Strange(error.to_string());
        let value: Value = serde_json::from_str(data).map_err(strange)?;
        if let Some(message) = said(&value) {
            return Err(EventError::Refused(message));
        }
        self.add(serde_json::from_value(value).map_err(strange)?)
    }

    fn add(&mut self, chunk: Chunk) -> Result<(), EventError> {
        if let Some(Served { node, precision }) = chunk.cortensor {
            (self.node, self.precision) = (node.or(self.node), precision.or(self.precision));
        }
        self.usage = chunk.usage.or(self.usage);
        // A session may have several nodes answer: the first one is shown.
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            let told = choice.logprobs.and_then(|told| told.content).unwrap_or_default();
            self.say(&choice.delta.content.unwrap_or_default(), told);
            let finish = choice.finish_reason.map(|reason| match reason.as_str() {
                "length" => FinishReason::Length,
                _ => FinishReason::Stop,
            });
            self.finish = finish.or(self.finish);
        }
        if self.text.len() > LONGEST_ANSWER {
            return Err(EventError::Strange("its answer has no end".to_owned()));
        }
        Ok(())
    }

    /// Adds text, and the tokens that it is of where they are told and put together the same text.
    fn say(&mut self, content: &str, told: Vec<Told>) {
        let same = told.iter().map(|one| one.token.as_str()).collect::<String>() == content;
        for one in told.into_iter().filter(|_| same) {
            let start = self.text.len();
            self.text.push_str(&one.token);
            let top = one.top_logprobs.into_iter().map(|top| (top.token, top.logprob.exp())).collect();
            self.pieces.push(Piece { start, end: self.text.len(), top });
        }
        if !same {
            self.text.push_str(content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Result<Heard, String> {
        let mut heard = Heard::default();
        for line in lines {
            heard.take(line).map_err(|error| match error {
                EventError::Refused(message) | EventError::Strange(message) => message,
            })?;
        }
        Ok(heard)
    }

    #[test]
    fn an_answer_is_put_together_from_its_events() {
        let node = "0x3f1b6ce0b4b1a0c5be6f5d6f0e4c2da9b7e81d42";
        let begin = format!(
            r#"data: {{"choices": [{{"delta": {{"role": "assistant", "content": ""}}, "logprobs": null}}], "usage": null,
            "cortensor": {{"task_id": "t", "node": "{node}", "precision": "F16"}}}}"#
        );
        let told = r#"data: {"choices": [{"delta": {"content": "It is"}, "logprobs": {"content": [
            {"token": "It", "logprob": 0, "top_logprobs": [{"token": "It", "logprob": 0}]},
            {"token": " is", "logprob": -0.7, "top_logprobs": []}]}}]}"#;
        let untold = r#"data: {"choices": [{"delta": {"content": "."}, "logprobs": {"content": []}}]}"#;
        let end = r#"data: {"choices": [{"delta": {}, "finish_reason": "length"}]}"#;
        let usage =
            r#"data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}}"#;
        let all =
            heard(&[&begin, ": keep-alive", "", "event: message", told, untold, end, usage, "data: [DONE]"]).unwrap();
        assert_eq!((all.text.as_str(), all.finish, all.over), ("It is.", Some(FinishReason::Length), true));
        assert_eq!((all.precision, all.node), (Some(Precision::F16), node.parse().ok()));
        assert_eq!(all.usage, Some(Usage { prompt_tokens: 5, completion_tokens: 3 }));
        let it = Piece { start: 0, end: 2, top: vec![("It".to_owned(), 1.0)] };
        assert_eq!(all.pieces, [it, Piece { start: 2, end: 5, top: vec![] }]);
    }

    #[test]
    fn an_error_in_the_middle_and_nonsense_are_told() {
        let error =
            r#"data: {"error": {"message": "the nodes were lost; send it again", "code": "nodes_lost"}, "index": 0}"#;
        assert_eq!(heard(&[error]).unwrap_err(), "the nodes were lost; send it again");
        assert!(heard(&["data: <html>"]).is_err());
        assert!(!heard(&["data: {}"]).unwrap().over);
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"data: a\r\nda").unwrap(), ["data: a"]);
        assert_eq!(lines.push(b"ta: \xC3").unwrap(), [] as [&str; 0]);
        assert_eq!(lines.push(b"\xA4\n\n").unwrap(), ["data: \u{e4}", ""]);
        assert!(lines.push(&vec![b'x'; LONGEST_LINE + 1]).is_err());
    }
}
