//! Clients that ask when their time has come, whether earlier answers are there or not: a slow router does not get
//! fewer requests, and what waits is counted from when it was due.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    node::{Board, DUE, MODEL},
    process::RouterProcess,
};

/// How long answers that are late are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Those who ask.
pub(crate) struct Clients {
    http: reqwest::Client,
    url: String,
    key: String,
    board: Arc<Board>,
}

/// What became of the requests of one step.
pub(crate) struct Answered {
    pub(crate) asked: usize,
    pub(crate) served: usize,
    /// By status and code.
    pub(crate) errors: BTreeMap<String, usize>,
    /// From when a request was due until its node had the task, in microseconds.
    pub(crate) dispatch: Histogram<u64>,
}

impl Clients {
    pub(crate) fn new(router: &RouterProcess, board: Arc<Board>) -> Self {
        let url = format!("{}/chat/completions", router.api);
        Self { http: reqwest::Client::new(), url, key: router.key.clone(), board }
    }

    /// Asks `rate` times a second on average, at random times, for so long.
    pub(crate) async fn ask(&self, rate: f64, time: Duration) -> Answered {
        // What is left of earlier requests is not counted with these.
        drop(self.board.take());
        let started = Instant::now();
        let mut due = started;
        let mut requests = JoinSet::new();
        while due < started + time {
            sleep_until(due).await;
            requests.spawn(self.request(due));
            due += Duration::from_secs_f64(-(1.0 - rand::rng().random::<f64>()).ln() / rate);
        }
        let asked = requests.len();
        let (mut served, mut errors) = (0, BTreeMap::new());
        let _ = timeout(PATIENCE, collect(&mut requests, &mut served, &mut errors)).await;
        if !requests.is_empty() {
            errors.insert("no answer".to_owned(), requests.len());
        }
        Answered { asked, served, errors, dispatch: self.board.take() }
    }

    fn request(&self, due: Instant) -> impl Future<Output = Result<(), String>> + use<> {
        let due = due.duration_since(self.board.started).as_micros();
        let body = json!({
            "model": MODEL, "stream": true, "max_tokens": 16,
            "messages": [{"role": "user", "content": format!("{DUE}{due}")}],
        });
        let request = self.http.post(&self.url).bearer_auth(&self.key).json(&body);
        async move {
            let response = request.send().await.map_err(|_| "no connection".to_owned())?;
            let status = response.status();
            let text = response.text().await.map_err(|_| "broken off".to_owned())?;
            if status.is_success() { whole(&text) } else { Err(format!("{} {}", status.as_u16(), code(&text))) }
        }
    }
}

async fn collect(requests: &mut JoinSet<Result<(), String>>, served: &mut usize, errors: &mut BTreeMap<String, usize>) {
    while let Some(done) = requests.join_next().await {
        match done.unwrap_or_else(|_| Err("broken off".to_owned())) {
            Ok(()) => *served += 1,
            Err(code) => *errors.entry(code).or_default() += 1,
        }
    }
}

fn whole(events: &str) -> Result<(), String> {
    if events.contains("\"finish_reason\":\"stop\"") { Ok(()) } else { Err("not whole".to_owned()) }
}

fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body["error"]["code"].as_str().unwrap_or("without a code").to_owned()
}
