//! What this machine could do at most: open files, signatures, commits of the database, bare requests.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use alloy_signer_local::PrivateKeySigner;
use cortensor_protocol::recover;
use futures::future::try_join_all;
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::Command,
};

use super::{Outcome, node::sign};

const TIME: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 16;
const OPEN_FILES: u64 = 65_536;

/// Each node is a file here and another one in the router, which inherits the limit.
pub(crate) fn open_more_files() -> Outcome<()> {
    let (soft, hard) = rlimit::Resource::NOFILE.get()?;
    let now = rlimit::increase_nofile_limit(OPEN_FILES)?;
    println!("open files: limit {now} (was {soft}, at most {hard})");
    Ok(())
}

/// Prints them.
pub(crate) async fn limits(folder: &Path) -> Outcome<()> {
    println!("one thread: {:.0} times/s sign, hash, recover the signer", signatures()?);
    for (synchronous, what) in [("FULL", "waits for the disk"), ("NORMAL", "does not")] {
        let rate = commits(&folder.join("commits.sqlite"), synchronous).await?;
        println!("one connection: {rate:.0} commits/s of one row, synchronous = {synchronous} ({what})");
    }
    println!("bare HTTP server in its own process, {CONNECTIONS} connections: {:.0} requests/s", requests().await?);
    Ok(())
}

fn signatures() -> Outcome<f64> {
    let signer = PrivateKeySigner::random();
    let (started, mut times) = (Instant::now(), 0_u32);
    while started.elapsed() < TIME {
        recover(&times.to_string(), &sign(&signer, &times.to_string())?)?;
        times += 1;
    }
    Ok(f64::from(times) / started.elapsed().as_secs_f64())
}

/// With the router's own settings of the database.
async fn commits(database: &Path, synchronous: &'static str) -> Outcome<f64> {
    let options = SqliteConnectOptions::new().filename(database).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options.journal_mode(SqliteJournalMode::Wal)).await?;
    let pragma = if synchronous == "FULL" { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
    sqlx::query(pragma).execute(&mut connection).await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)").execute(&mut connection).await?;
    let (started, mut times) = (Instant::now(), 0_u32);
    while started.elapsed() < TIME {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO rows (text) VALUES (?)").bind("x".repeat(200)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        times += 1;
    }
    Ok(f64::from(times) / started.elapsed().as_secs_f64())
}

async fn requests() -> Outcome<f64> {
    let mut server =
        Command::new(std::env::current_exe()?).arg("echo").stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(server.stdout.take().ok_or("no output")?).lines();
    let url = lines.next_line().await?.ok_or("the server ended at once")?;
    let http = reqwest::Client::new();
    let started = Instant::now();
    let ask = async || -> Outcome<u32> {
        let mut times = 0;
        while started.elapsed() < TIME {
            http.post(&url).body("x".repeat(200)).send().await?.error_for_status()?.bytes().await?;
            times += 1;
        }
        Ok(times)
    };
    let times: u32 = try_join_all((0..CONNECTIONS).map(|_| ask())).await?.into_iter().sum();
    server.kill().await?;
    Ok(f64::from(times) / started.elapsed().as_secs_f64())
}

/// Serves what it is sent, until it is killed.
pub(crate) async fn echo() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    let app = axum::Router::new().route("/", axum::routing::post(async |body: axum::body::Bytes| body));
    Ok(axum::serve(listener, app).await?)
}
