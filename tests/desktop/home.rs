//! A user's home with the miner's folder in it.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    PATIENCE,
    process::{free_port, program},
};

const WITHOUT_SERVICES: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;

/// The starter model's name on the network.
pub const MODEL: &str = "smollm2-135m-instruct";

/// A user's home, which outlives the window.
pub struct Home {
    pub(crate) folder: TempDir,
    /// Where the embedded router listens.
    pub api: SocketAddr,
    /// Whether the program is told where the starter model is.
    told_model: bool,
}

impl Home {
    /// A home of somebody who has been through the first run, with nothing else of the miner in it but the precision ladder, which
    /// every test would make the same.
    ///
    /// # Panics
    /// If something is not installed that `./dev test` installs.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let home = Self::never_used();
        fs::write(home.data().join("first-run.json"), r#"{"screen": "over", "started": true, "told": true}"#).unwrap();
        home
    }

    /// The same before the first run.
    ///
    /// # Panics
    /// If something is not installed that `./dev test` installs.
    pub fn never_used() -> Self {
        let cache = starter_model();
        let folder = tempfile::Builder::new().prefix("home").tempdir_in(cache.parent().unwrap()).unwrap();
        let run = folder.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("bus.conf"), WITHOUT_SERVICES).unwrap();
        let home = Self { folder, api: free_port(), told_model: true };
        home.set(&json!({ "listen": home.api.to_string() }));
        share_ladder(&home.data().join("models").join(MODEL));
        home
    }

    /// The same, for an installed program that has the starter model beside it.
    ///
    /// # Panics
    /// As [`Home::new`].
    pub fn without_model() -> Self {
        Self { told_model: false, ..Self::new() }
    }

    /// Waits until the miner on this folder mines.
    ///
    /// # Panics
    /// If it does not.
    pub async fn mines(&self) {
        let mining = async {
            while self.status().is_none_or(|status| status["phase"] != "mining") {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, mining).await.expect("it does not mine");
    }

    /// The miner's folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes `settings.toml`.
    pub fn set(&self, settings: &Value) {
        let lines = settings.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}\n"));
        fs::write(self.data().join("settings.toml"), lines.collect::<String>()).unwrap();
    }

    /// The key that opens the practice network's API.
    pub fn api_key(&self) -> String {
        fs::read_to_string(self.data().join("practice-api-key")).unwrap().trim().to_owned()
    }

    /// The process of the miner on this folder.
    ///
    /// # Panics
    /// If none runs.
    pub fn process(&self) -> u32 {
        let door = fs::read(self.data().join("control.json")).unwrap();
        let door: Value = serde_json::from_slice(&door).unwrap();
        u32::try_from(door["process"].as_u64().unwrap()).unwrap()
    }

    /// How the miner on this folder is, if one runs.
    pub fn status(&self) -> Option<Value> {
        let output = self.command(program("cortensor")).args(["status", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    /// A command of this user's.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        self.env(&mut command);
        command
    }

    /// Sends a request as an `OpenAI` client does, and gives the answer.
    pub fn ask(&self, most_tokens: u32) -> impl Future<Output = Value> + use<> {
        let (url, key) = (format!("http://{}/v1/chat/completions", self.api), self.api_key());
        let body = json!({
            "model": MODEL,
            "max_tokens": most_tokens,
            "messages": [{ "role": "user", "content": "Write a long story about a ship at sea." }],
        });
        async move {
            let response = reqwest::Client::new().post(url).bearer_auth(key).json(&body).send().await.unwrap();
            let status = response.status();
            let answer: Value = response.json().await.unwrap();
            assert_eq!(status, 200, "{answer}");
            answer
        }
    }

    pub(crate) fn env(&self, command: &mut Command) {
        let home = self.folder.path();
        command
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("XDG_DATA_HOME", home.join("share"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("CORTENSOR_DATA", self.data())
            .env("NO_AT_BRIDGE", "1")
            .env_remove("CORTENSOR_PASSPHRASE")
            .env_remove("CORTENSOR_STARTER_MODEL");
        if self.told_model {
            command.env("CORTENSOR_STARTER_MODEL", starter_model());
        }
    }
}

fn starter_model() -> PathBuf {
    std::env::var_os("CORTENSOR_STARTER_MODEL").expect("run the tests with ./dev test, which gets the model").into()
}

/// Links the ladder that all tests share.
pub fn share_ladder(target: &Path) {
    let source = starter_model().with_file_name("ladder");
    cortensor_models::prepare_ladder(&starter_model(), &source, &cortensor_models::starter(), &mut |_| {}, &|| false)
        .unwrap();
    link_all(&source, target);
}

fn link_all(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let target = target.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            link_all(&entry.path(), &target);
        } else if !entry.file_name().to_string_lossy().ends_with(".lock") {
            fs::hard_link(entry.path(), target).unwrap();
        }
    }
}
