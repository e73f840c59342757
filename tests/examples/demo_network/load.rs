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
    act: watch::Sender<Act>,
    clients: JoinSet<(Kind, Vec<Asked>)>,
}

/// What goes on while clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Every node is there, or none that was meant to be is missing.
    AllThere,
    /// A node was killed and is not back.
    OneGone,
    /// Nobody asks any more.
    Over,
}

/// One request.
struct Asked {
    /// Every node was there from its beginning to its end.
    among_all: bool,
    /// The node that answered.
    answer: Result<String, String>,
}

/// What became of the requests.
#[derive(Default)]
pub(crate) struct Tally {
    served: BTreeMap<(Kind, String), u32>,
    served_among_all: BTreeMap<(Kind, String), u32>,
    pub(crate) failed: Vec<String>,
}

impl Load {
    /// One client for each kind, each with one request at a time: who is there and idle could have had it.
    pub(crate) fn start(router: &RouterAddress) -> Self {
        let (act, seen) = watch::channel(Act::AllThere);
        let (http, router) = (reqwest::Client::new(), Arc::new(router.clone()));
        let mut clients = JoinSet::new();
        for kind in Kind::ALL {
            clients.spawn(ask_on(kind, http.clone(), Arc::clone(&router), seen.clone()));
        }
        Self { act, clients }
    }

    /// A node is missing from here on.
    pub(crate) fn one_is_gone(&self) {
        self.act.send_replace(Act::OneGone);
    }

    /// Everybody is there from here on.
    pub(crate) fn all_are_there(&self) {
        self.act.send_replace(Act::AllThere);
    }

    /// Lets what runs finish.
    pub(crate) async fn end(self) -> Tally {
        self.act.send_replace(Act::Over);
        let mut tally = Tally::default();
        for (kind, asked) in self.clients.join_all().await {
            asked.into_iter().for_each(|asked| tally.add(kind, asked));
        }
        tally
    }
}

impl Tally {
    fn add(&mut self, kind: Kind, asked: Asked) {
        match asked.answer {
            Ok(node) => {
                let key = (kind, node.to_lowercase());
                *self.served_among_all.entry(key.clone()).or_default() += u32::from(asked.among_all);
                *self.served.entry(key).or_default() += 1;
            }
            Err(error) => self.failed.push(format!("{kind:?}: {error}")),
        }
    }

    /// How many requests of a kind a node served.
    pub(crate) fn served(&self, kind: Kind, node: &str) -> u32 {
        self.served.get(&(kind, node.to_lowercase())).copied().unwrap_or_default()
    }

    /// How many of them while every node was there to be chosen.
    pub(crate) fn served_among_all(&self, kind: Kind, node: &str) -> u32 {
        self.served_among_all.get(&(kind, node.to_lowercase())).copied().unwrap_or_default()
    }
}

async fn ask_on(
    kind: Kind,
    http: reqwest::Client,
    router: Arc<RouterAddress>,
    mut seen: watch::Receiver<Act>,
) -> (Kind, Vec<Asked>) {
    let mut all = Vec::new();
    loop {
        let act = *seen.borrow_and_update();
        if act == Act::Over {
            return (kind, all);
        }
        let answer = ask(&http, &router, &kind.request(all.len())).await;
        let among_all = act == Act::AllThere && matches!(seen.has_changed(), Ok(false));
        all.push(Asked { among_all, answer });
    }
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
