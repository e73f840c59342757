//! Clients that ask without a pause.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use crate::cast::RouterAddress;

const MODEL: &str = "smollm2-135m-instruct";
const QUESTIONS: [&str; 6] = [
    "Tell me about the sea.",
    "How is bread made?",
    "Write a short story about a fox.",
    "What is a volcano?",
    "Give me advice on learning to swim.",
    "Why do we sleep?",
];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    HighAccuracy,
    CostEffective,
    Basic,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::HighAccuracy, Self::CostEffective, Self::Basic];

    fn request(self, number: usize) -> Value {
        let message = QUESTIONS[number % QUESTIONS.len()];
        let (suffix, class, tokens) = match self {
            Self::HighAccuracy => (":high-accuracy", "general", 32),
            Self::CostEffective => (":cost-effective", "general", 32),
            Self::Basic => ("", "basic", 8),
        };
        json!({"model": format!("{MODEL}{suffix}"), "task_class": class, "max_tokens": tokens, "temperature": 0,
               "messages": [{"role": "user", "content": message}]})
    }
}

/// Clients at work.
pub(crate) struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<(Kind, Vec<Result<String, String>>)>,
}

/// What became of the requests.
#[derive(Default)]
pub(crate) struct Tally {
    served: BTreeMap<(Kind, String), u32>,
    pub(crate) failed: Vec<String>,
}

impl Load {
    /// One client for each kind, and one more for volume.
    pub(crate) fn start(router: &RouterAddress) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (http, router) = (reqwest::Client::new(), Arc::new(router.clone()));
        let mut clients = JoinSet::new();
        for kind in Kind::ALL.into_iter().chain([Kind::CostEffective]) {
            clients.spawn(ask_on(kind, http.clone(), Arc::clone(&router), stopped.clone()));
        }
        Self { stop, clients }
    }

    /// Lets what runs finish.
    pub(crate) async fn end(self) -> Tally {
        self.stop.send_replace(true);
        let mut tally = Tally::default();
        for (kind, answers) in self.clients.join_all().await {
            for answer in answers {
                match answer {
                    Ok(node) => *tally.served.entry((kind, node)).or_default() += 1,
                    Err(error) => tally.failed.push(format!("{kind:?}: {error}")),
                }
            }
        }
        tally
    }
}

impl Tally {
    /// How many requests of a kind a node served.
    pub(crate) fn served(&self, kind: Kind, node: &str) -> u32 {
        let of = |(served, by): &&(Kind, String)| *served == kind && by.eq_ignore_ascii_case(node);
        self.served.iter().filter(|(key, _)| of(key)).map(|(_, count)| count).sum()
    }
}

async fn ask_on(
    kind: Kind,
    http: reqwest::Client,
    router: Arc<RouterAddress>,
    stopped: watch::Receiver<bool>,
) -> (Kind, Vec<Result<String, String>>) {
    let mut answers = Vec::new();
    while !*stopped.borrow() {
        answers.push(ask(&http, &router, &kind.request(answers.len())).await);
    }
    (kind, answers)
}

/// The node that answered.
async fn ask(http: &reqwest::Client, router: &RouterAddress, request: &Value) -> Result<String, String> {
    let url = format!("{}/v1/chat/completions", router.url);
    let sent = http.post(url).bearer_auth(&router.key).json(request).send().await;
    let response = sent.map_err(|error| error.to_string())?;
    let status = response.status();
    let body: Value = response.json().await.map_err(|error| error.to_string())?;
    let node = body.pointer("/cortensor/node").and_then(Value::as_str).filter(|_| status.is_success());
    node.map(str::to_owned).ok_or_else(|| format!("{status}: {body}"))
}
