//! An API client.

use std::net::SocketAddr;

use futures::StreamExt as _;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    pub(crate) key: String,
}

/// A streamed answer, event by event.
pub(crate) struct Events {
    body: futures::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    buffer: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, key: &str) -> Self {
        Self { http: reqwest::Client::new(), base: format!("http://{address}"), key: key.to_owned() }
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), key: key.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.request(path).bearer_auth(&self.key).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub(crate) async fn get_text(&self, path: &str) -> String {
        let response = self.request(path).bearer_auth(&self.key).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// Without a key.
    pub(crate) fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }

    /// Any request; `null` is no body, and an answer without one.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.send(method, path, body).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Response {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request.bearer_auth(&self.key).body(body).send().await.unwrap()
    }

    /// A streamed answer to a request to `path`.
    pub(crate) async fn events(&self, path: &str, mut body: Value) -> Events {
        body["stream"] = json!(true);
        let response = self.send("POST", path, body).await;
        assert_eq!(response.status(), 200);
        Events::new(response)
    }

    /// Opens a session for model `m`; its number, and a client with its key.
    pub(crate) async fn session(&self, changes: Value) -> (i64, Self) {
        let mut body = json!({"model": "m", "deposit": "10"});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let (status, session) = self.call("POST", "/api/v1/create", body).await;
        assert_eq!(status, 201, "{session}");
        (session["id"].as_i64().unwrap(), self.with_key(session["key"].as_str().unwrap()))
    }

    pub(crate) async fn post(&self, body: Vec<u8>) -> Response {
        let url = format!("{}/v1/chat/completions", self.base);
        self.http.post(url).bearer_auth(&self.key).body(body).send().await.unwrap()
    }

    /// Posts JSON to a path; no body is `null`.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.base);
        let response = self.http.post(url).bearer_auth(&self.key).json(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap_or(Value::Null))
    }

    /// Asks model `m`, with these changes to the request.
    pub(crate) async fn ask(&self, changes: Value) -> Response {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.post(body.to_string().into_bytes()).await
    }

    pub(crate) async fn answer(&self, changes: Value) -> (StatusCode, Value) {
        let response = self.ask(changes).await;
        (response.status(), response.json().await.unwrap())
    }

    pub(crate) async fn stream(&self, mut changes: Value) -> Events {
        changes["stream"] = json!(true);
        let response = self.ask(changes).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events::new(response)
    }
}

impl Events {
    fn new(response: Response) -> Self {
        let body = response.bytes_stream().map(|bytes| bytes.map(|bytes| bytes.to_vec())).boxed();
        Self { body, buffer: String::new() }
    }

    /// The next event's data.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let event: String = self.buffer.drain(..end + 2).collect();
                if let Some(data) = event.trim_end().strip_prefix("data: ") {
                    return Some(data.to_owned());
                }
            } else {
                let bytes = self.body.next().await?.unwrap();
                self.buffer.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }

    /// The next chunk with text in it, as its text.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            let event: Value = serde_json::from_str(&self.next().await.unwrap()).unwrap();
            if let Some(text) = event["choices"][0]["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
                return text.to_owned();
            }
        }
    }

    /// Every event to the end; `[DONE]` as a JSON string.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(serde_json::from_str(&event).unwrap_or(Value::String(event)));
        }
        events
    }
}
