//! The program updates itself, from a server on this machine that has what `./dev release` makes, and is there again after an
//! update that does not work.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path as At, State},
    http::{StatusCode, header::CONTENT_LENGTH},
    response::{IntoResponse, Response},
    routing::get,
};
use cortensor_tests::{Desktop, Home, Keychain, Session, heading, program};
use futures::stream;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than an update takes on a busy machine: the new program loads its model and may be tested.
const PATIENCE: Duration = Duration::from_secs(240);

/// A folder of releases, and the server of it.
struct Server {
    folder: TempDir,
    address: SocketAddr,
    /// Connections break in the middle of what is asked for.
    breaks: Arc<AtomicBool>,
}

/// Who signs.
struct Key {
    file: PathBuf,
    public: String,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&done.stderr));
}

impl Key {
    fn new(folder: &Path, name: &str) -> Self {
        let file = folder.join(name);
        let mut signer = Command::new(repository().join("ui/node_modules/.bin/tauri"));
        run(signer.args(["signer", "generate", "--ci", "--password", "", "--write-keys"]).arg(&file));
        let public = fs::read_to_string(file.with_extension("pub")).unwrap();
        Self { file, public }
    }
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let breaks = Arc::new(AtomicBool::new(false));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = (folder.path().to_owned(), Arc::clone(&breaks));
        let app = Router::new().route("/{*path}", get(serve)).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { folder, address, breaks }
    }

    /// Puts this program into a channel, as the command for it does.
    fn release(&self, key: &Key, channel: &str, version: &str, programs: &Path) {
        let notes = self.folder.path().join("notes.md");
        fs::write(&notes, format!("What is new in {version}.")).unwrap();
        let mut command = Command::new(repository().join("scripts/release"));
        command.args(["--channel", channel, "--version", version, "--kinds", "program", "--notes"]).arg(&notes);
        command.arg(programs).arg(&notes).arg(self.folder.path());
        command.env("CORTENSOR_UPDATES", format!("http://{}", self.address));
        command.env("TAURI_SIGNING_PRIVATE_KEY_PATH", &key.file).env("TAURI_SIGNING_PRIVATE_KEY_PASSWORD", "");
        run(&mut command);
    }

    fn manifest(&self, channel: &str) -> PathBuf {
        self.folder.path().join(channel).join("latest.json")
    }

    /// The manifest of a channel.
    fn announced(&self, channel: &str) -> Value {
        serde_json::from_slice(&fs::read(self.manifest(channel)).unwrap()).unwrap()
    }

    fn announce(&self, channel: &str, manifest: &Value) {
        fs::create_dir_all(self.manifest(channel).parent().unwrap()).unwrap();
        fs::write(self.manifest(channel), manifest.to_string()).unwrap();
    }

    /// The file that a manifest offers.
    fn package(&self, manifest: &Value) -> PathBuf {
        let (_, entry) = manifest["platforms"].as_object().unwrap().iter().next().unwrap();
        let url = entry["url"].as_str().unwrap();
        self.folder.path().join(url.strip_prefix(&format!("http://{}/", self.address)).unwrap())
    }
}

async fn serve(State((folder, breaks)): State<(PathBuf, Arc<AtomicBool>)>, At(path): At<String>) -> Response {
    let Ok(file) = fs::read(folder.join(&path)) else { return StatusCode::NOT_FOUND.into_response() };
    if !breaks.load(Ordering::Relaxed) || Path::new(&path).extension().is_some_and(|kind| kind == "json") {
        return file.into_response();
    }
    let half = Bytes::copy_from_slice(&file[..file.len() / 2]);
    let broken = stream::iter([Ok(half), Err(std::io::Error::other("the line is cut"))]);
    ([(CONTENT_LENGTH, file.len())], Body::from_stream(broken)).into_response()
}

/// The version that a program was stamped as.
fn version_of(program: &Path) -> Option<String> {
    const MARK: &[u8] = b"CORTENSOR-RELEASE/1 {";
    let file = fs::read(program).ok()?;
    let at = file.windows(MARK.len()).position(|window| window == MARK)? + MARK.len() - 1;
    let stamp: Value = serde_json::Deserializer::from_slice(&file[at..]).into_iter().next()?.ok()?;
    stamp["version"].as_str().map(str::to_owned)
}

/// The version that runs on a home, once it mines.
fn mining_version(home: &Home) -> Option<String> {
    let status = home.status()?;
    let process = home.data().join("control.json").exists().then(|| home.process())?;
    (status["phase"] == "mining").then(|| version_of(Path::new(&format!("/proc/{process}/exe"))))?
}

async fn comes_to_run(home: &Home, version: &str) {
    let runs = async {
        while mining_version(home).as_deref() != Some(version) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, runs).await.is_ok(),
        "{version} does not run: {}\n{}",
        record(home),
        log(home)
    );
}

/// The end of what the program logged.
fn log(home: &Home) -> String {
    let mut files: Vec<_> = fs::read_dir(home.data().join("logs")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let text = fs::read_to_string(files.pop().unwrap()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

fn home_updates(desktop: &Desktop) -> PathBuf {
    desktop.home.data().join("updates")
}

fn record(home: &Home) -> Value {
    serde_json::from_slice(&fs::read(home.data().join("updates.json")).unwrap()).unwrap()
}

/// What is announced and is not to be installed, and what the window says of it.
async fn refusals(desktop: &Desktop, server: &Server, other: &Key) {
    let good = server.announced("stable");
    let package = server.package(&good);
    let whole = fs::read(&package).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed
    };
    let entry = |manifest: &mut Value, field: &str, value: Value| {
        manifest["platforms"].as_object_mut().unwrap().values_mut().for_each(|entry| entry[field] = value.clone());
    };

    // What is seen before anything is downloaded.
    for (manifest, said) in [
        (server.announced("beta"), "announces a release of beta"),
        (with(&|manifest| manifest["version"] = json!("0.0.9")), "older than 0.1.0"),
    ] {
        server.announce("stable", &manifest);
        desktop.click("Check now").await;
        desktop.says(said).await;
    }

    // What is seen of the download.
    let signature = {
        run(Command::new(repository().join("ui/node_modules/.bin/tauri"))
            .args(["signer", "sign", "--app-version", "0.1.1", "--password", "", "--private-key-path"])
            .args([&other.file, &package]));
        fs::read_to_string(format!("{}.sig", package.display())).unwrap()
    };
    let mut tampered = whole.clone();
    tampered[whole.len() / 2] ^= 1;
    for (what, manifest, file, breaks, said) in [
        ("tampered", good.clone(), &tampered, false, "not what its makers signed"),
        (
            "another key",
            with(&|manifest| entry(manifest, "signature", json!(signature.trim()))),
            &whole,
            false,
            "not what its makers signed",
        ),
        (
            "an old release as a new one",
            with(&|manifest| manifest["version"] = json!("0.1.2")),
            &whole,
            false,
            "not what its makers signed",
        ),
        ("cut", good.clone(), &whole, true, "did not come whole"),
    ] {
        server.announce("stable", &manifest);
        fs::write(&package, file).unwrap();
        server.breaks.store(breaks, Ordering::Relaxed);
        desktop.click("Check now").await;
        desktop.click("Download").await;
        desktop.until(&format!("document.body.innerText.includes({said:?}) || console.log({what:?})")).await;
        assert_eq!(desktop.status()["phase"], "mining", "{what}");
    }
    server.breaks.store(false, Ordering::Relaxed);
    fs::write(&package, whole).unwrap();
    server.announce("stable", &good);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_updates_itself_and_is_there_again_after_one_that_does_not_work() {
    let server = Server::start().await;
    let keys = tempfile::tempdir().unwrap();
    let (key, other) = (Key::new(keys.path(), "ours"), Key::new(keys.path(), "another"));
    let programs = program("cortensor-miner").parent().unwrap().to_owned();
    server.release(&key, "stable", "0.1.1", &programs);
    server.release(&key, "beta", "0.2.0-beta.1", &programs);

    let home = Home::new();
    let listen = home.api.to_string();
    home.set(&json!({ "listen": listen, "updates": "ask" }));
    let installed = home.data().with_file_name("cortensor-miner");
    fs::copy(program("cortensor-miner"), &installed).unwrap();
    let address = format!("http://{}", server.address);
    let stamp = repository().join("scripts/stamp");
    run(Command::new(stamp).arg(&installed).args(["--version", "0.1.0", "--updates", &address, "--key", &key.public]));
    let session = Session::start(&home, Keychain::Open);
    let desktop = Desktop::open_program(home, session, &installed).await;
    desktop.until(&heading("Mining")).await;

    desktop.go_to("about").await;
    refusals(&desktop, &server, &other).await;
    assert_eq!(version_of(&installed).as_deref(), Some("0.1.0"));

    // Stable, by hand.
    desktop.click("Check now").await;
    desktop.says("What is new in 0.1.1.").await;
    desktop.click("Download").await;
    desktop.until("[...document.querySelectorAll('button')].some((one) => one.innerText.startsWith('Install'))").await;
    desktop.picture("window-update").await;

    // What cannot be installed leaves the miner at work.
    let obstacle = home_updates(&desktop).join("0.1.0");
    fs::write(&obstacle, "").unwrap();
    desktop.click("Install").await;
    desktop.says("cannot be written").await;
    desktop.home.mines().await;
    fs::remove_file(obstacle).unwrap();
    desktop.click("Try again").await;
    desktop.click("Install").await;
    let (home, session, _driver) = desktop.let_go();
    comes_to_run(&home, "0.1.1").await;
    assert_eq!(version_of(&installed).as_deref(), Some("0.1.1"));
    assert_eq!((&record(&home)["trial"], &record(&home)["kept"]["version"]), (&Value::Null, &json!("0.1.0")));

    // Beta, by itself, when nothing is worked on and nobody looks.
    session.look_away();
    home.set(&json!({ "listen": listen, "update_channel": "beta" }));
    comes_to_run(&home, "0.2.0-beta.1").await;

    // One that does not work.
    let broken = tempfile::tempdir().unwrap();
    for name in ["cortensor-miner", "cortensor"] {
        broken_program(&broken.path().join(name));
    }
    server.release(&key, "beta", "0.3.0-beta.1", broken.path());
    run(Command::new("kill").args(["-TERM", &home.process().to_string()]));
    let gone = async {
        while home.data().join("control.json").exists() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("it did not end");
    let _again = session.start_alone(&home, &installed, &["--hidden"]);
    let undone = async {
        while record(&home)["rolled_back"].is_null() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, undone).await.is_ok(), "{}\n{}", record(&home), log(&home));
    comes_to_run(&home, "0.2.0-beta.1").await;
    let undone = record(&home)["rolled_back"].clone();
    assert_eq!((undone["version"].as_str(), undone["to"].as_str()), (Some("0.3.0-beta.1"), Some("0.2.0-beta.1")));
    assert!(undone["reason"].as_str().unwrap().contains("ended by itself"), "{undone}");
    assert_eq!(version_of(&installed).as_deref(), Some("0.2.0-beta.1"));
    run(Command::new("kill").args(["-TERM", &home.process().to_string()]));
}

/// A program that ends at once, with a slot for a stamp.
fn broken_program(path: &Path) {
    let source = path.with_extension("c");
    let slot = format!("{:1024}", "CORTENSOR-RELEASE/1 {}");
    let text = format!("__attribute__((used)) const char slot[1024] = {slot:?};\nint main(void) {{ return 3; }}\n");
    fs::write(&source, text).unwrap();
    run(Command::new("cc").arg("-o").arg(path).arg(source));
}
