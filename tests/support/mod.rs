//! A practice network and a miner in one process, and what one asks of them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cortensor_app::{App, AppConfig, Clock, Folders, Machine, Passphrases, Phase, Readings, Senses, Settings, Status};
use cortensor_engine::scripted::{Script, ScriptedEngine};
use cortensor_node::Identity;
use cortensor_router::{Policy, Router, RouterConfig};
use jiff::{ToSpan, Zoned};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};

pub(crate) const MODEL: &str = "smollm2-135m-instruct";
pub(crate) const PASSPHRASE: &str = "correct horse";

/// Far longer than anything here takes: a test that waits for this has failed.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// A router whose database outlives it.
pub(crate) struct Network {
    folder: TempDir,
    pub(crate) router: Router,
    pub(crate) key: String,
}

impl Network {
    pub(crate) async fn start() -> Self {
        Self::with(Policy::default()).await
    }

    pub(crate) async fn with(policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let router = router(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)), policy).await;
        let key = router.create_practice_key("test").await.unwrap();
        Self { folder, router, key }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.router.address()
    }

    /// Ends the router; what comes back starts another on the same port and database.
    pub(crate) async fn stop(self) -> Gone {
        let address = self.router.address();
        soon("the router's stop", self.router.stop()).await;
        Gone { folder: self.folder, address, key: self.key }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.address())).bearer_auth(&self.key);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Asks the model, with these changes to the request.
    pub(crate) fn ask(&self, changes: &Value) -> impl Future<Output = (u16, Value)> + use<> {
        let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "say these four words"}]});
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let url = format!("http://{}/v1/chat/completions", self.address());
        let request = reqwest::Client::new().post(url).bearer_auth(&self.key).json(&body);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json().await.unwrap())
        }
    }

    /// Asks and expects an answer.
    pub(crate) async fn answer(&self) -> Value {
        let (status, body) = self.ask(&json!({})).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

/// A network without its router.
pub(crate) struct Gone {
    folder: TempDir,
    address: SocketAddr,
    key: String,
}

impl Gone {
    pub(crate) async fn start(self) -> Network {
        let router = router(self.folder.path(), self.address, Policy::default()).await;
        Network { folder: self.folder, router, key: self.key }
    }
}

async fn router(folder: &Path, listen: SocketAddr, policy: Policy) -> Router {
    let config = RouterConfig {
        listen,
        database: folder.join("router.sqlite"),
        name: "test router".to_owned(),
        network: "practice".to_owned(),
        policy,
    };
    Router::start(config).await.unwrap()
}

/// A miner on a folder of its own.
pub(crate) struct Miner {
    pub(crate) app: App,
    pub(crate) engine: Arc<ScriptedEngine>,
    /// What the miner is told of the machine's use.
    pub(crate) use_of_machine: watch::Sender<Readings>,
    /// How many minutes its clock is ahead.
    pub(crate) ahead: Arc<AtomicI64>,
    life: JoinHandle<()>,
    home: Home,
    router: String,
    script: Script,
}

/// A miner's folder, with the ladder and a key in it.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("miner").tempdir_in(starter().parent().unwrap()).unwrap();
        let home = Self { folder };
        cortensor_tests::share_ladder(&home.folders().ladder(MODEL));
        // Whether a keychain runs where the tests do must not matter.
        Identity::create_keystore(home.folder.path(), &|_| Some(PASSPHRASE.to_owned())).unwrap();
        home
    }

    pub(crate) fn folders(&self) -> Folders {
        Folders::at(self.folder.path())
    }
}

impl Miner {
    /// Starts a miner and waits until it mines.
    pub(crate) async fn start(network: &Network, script: Script) -> Self {
        let miner = Self::launch(Home::new(), format!("ws://{}/node/v1", network.address()), script);
        miner.comes_to(Phase::Mining).await;
        miner
    }

    /// Starts a miner and waits for nothing.
    pub(crate) fn launch(home: Home, router: String, script: Script) -> Self {
        let engine = Arc::new(ScriptedEngine::new(script.clone()));
        let machine = Machine {
            folders: home.folders(),
            starter_model: starter(),
            settings: Settings::default(),
            engine: engine.clone(),
            threads: None,
        };
        let passphrases = Passphrases::Ask(Arc::new(|_| Some(PASSPHRASE.to_owned())));
        let use_of_machine = watch::Sender::new(Readings::default());
        let told = use_of_machine.clone();
        let senses: Senses = Arc::new(move |_| told.borrow().clone());
        let ahead = Arc::new(AtomicI64::new(0));
        let (minutes, router_of_app) = (Arc::clone(&ahead), router.clone());
        let clock: Clock =
            Arc::new(move || Zoned::now().checked_add(minutes.load(Ordering::SeqCst).minutes()).unwrap());
        let (app, life) =
            App::start(AppConfig { machine, router: router_of_app, if_absent: None, passphrases, senses, clock });
        Self { app, engine, use_of_machine, ahead, life, home, router, script }
    }

    /// Makes the miner's ledger say that its disk is full (there is no number left for a row that every settlement
    /// needs now), or gives it room again.
    pub(crate) async fn full_disk(&self, full: bool) {
        let change = if full {
            "CREATE TABLE full (number INTEGER PRIMARY KEY AUTOINCREMENT);
             INSERT INTO full VALUES (9223372036854775807);
             CREATE TRIGGER full_disk BEFORE INSERT ON settlements BEGIN INSERT INTO full VALUES (NULL); END"
        } else {
            "DROP TRIGGER full_disk"
        };
        let file = self.home.folders().ledger();
        let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
        sqlx::raw_sql(change).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    }

    pub(crate) async fn comes_to(&self, phase: Phase) -> Status {
        self.becomes(&format!("{phase:?}"), |status| status.phase == phase).await
    }

    pub(crate) async fn becomes(&self, what: &str, is: impl Fn(&Status) -> bool) -> Status {
        let mut status = self.app.status();
        soon(what, status.wait_for(is)).await.expect("the app lives").clone()
    }

    /// Waits until this many user requests are paid, and says what for.
    pub(crate) async fn has_earned(&self, requests: u64) -> cortensor_app::Earnings {
        self.becomes("the payment", |status| status.earnings.requests >= requests).await;
        self.app.earnings(1000).await.unwrap()
    }

    /// Quits; what comes back can be started again.
    pub(crate) async fn quit(self) -> (Home, String, Script) {
        soon("quitting", self.app.quit()).await.unwrap();
        soon("the end", self.life).await.unwrap();
        assert_eq!(self.engine.loaded(), 0, "nothing stays loaded");
        (self.home, self.router, self.script)
    }
}

/// Says its prompt back word by word, but for the two questions that it knows, which is enough to pass the network's
/// first test.
pub(crate) fn echo() -> Script {
    let answer = |prompt: &str| known_answer(prompt).split_inclusive(' ').map(str::to_owned).collect();
    Script { answer: Arc::new(answer), ..Script::saying(&[]) }
}

fn known_answer(prompt: &str) -> &str {
    let after = |start: &str| prompt.split_once(start).map(|(_, rest)| rest);
    let mut words = prompt.split(' ');
    let age = words.find(|word| prompt.contains("How old is") && word.parse::<u32>().is_ok());
    after("Repeat this number: ").or(after("Repeat this sentence: ")).or(age).unwrap_or(prompt)
}

pub(crate) fn starter() -> PathBuf {
    let path = std::env::var_os("CORTENSOR_STARTER_MODEL");
    PathBuf::from(path.expect("set CORTENSOR_STARTER_MODEL to the starter model's GGUF file (`./dev test` does)"))
}
