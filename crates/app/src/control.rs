//! Telling a running miner what to do from another process: HTTP on loopback, with a token only its owner can read.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{
    Json, Router,
    extract::{Query, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cortensor_protocol::Mode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    App, CommandError, Folders, PauseLength, Status, Withdrawal,
    files::{FileError, read_json, write_json},
};

/// How to reach a running miner; stands in `control.json` while it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Door {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it asks for, as a bearer token.
    pub token: String,
    /// Its process.
    pub process: u32,
}

/// A running control server.
pub struct Control {
    folders: Folders,
    stop: CancellationToken,
    server: JoinHandle<io::Result<()>>,
}

/// Why there is no control server.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No port.
    #[error("no local port for `cortensor status` and its like; check this machine's firewall")]
    Listen(#[source] io::Error),
    /// The door could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What a mode is asked for with.
#[derive(Debug, Serialize, Deserialize)]
pub struct ModeRequest {
    /// Which.
    pub mode: Mode,
}

/// What a pause is asked for with.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PauseRequest {
    /// For how long.
    #[serde(default)]
    pub length: PauseLength,
}

#[derive(Deserialize)]
struct EarningsQuery {
    #[serde(default)]
    limit: u32,
}

impl Door {
    /// The door of the miner that runs on these folders, or last ran.
    pub fn read(folders: &Folders) -> Result<Option<Self>, FileError> {
        read_json(&folders.control())
    }
}

impl Control {
    /// Listens for `app` and writes the door. `more` is what the host lets others ask beside that.
    pub async fn start(app: App, more: Router, folders: Folders) -> Result<Self, ControlError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ControlError::Listen)?;
        let address = listener.local_addr().map_err(ControlError::Listen)?;
        let door = Door { address, token: token(), process: std::process::id() };
        write_json(&folders.control(), &door)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serve = axum::serve(listener, routes(app, more, door.token)).with_graceful_shutdown(stopped);
        let server = tokio::spawn(serve.into_future());
        Ok(Self { folders, stop, server })
    }

    /// Answers what was asked and closes.
    pub async fn stop(self) {
        let _ = std::fs::remove_file(self.folders.control());
        self.stop.cancel();
        if let Ok(Err(error)) = self.server.await {
            tracing::error!(%error, "the control server ended badly");
        }
    }
}

fn token() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

fn routes(app: App, more: Router, token: String) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/earnings", get(earnings))
        .route("/why", get(why))
        .route("/mode", post(mode))
        .route("/pause", post(pause))
        .route("/resume", post(resume))
        .route("/retry", post(retry))
        .route("/withdraw", post(withdraw))
        .route("/quit", post(quit))
        .with_state(app)
        .merge(more)
        .layer(middleware::from_fn_with_state(token, check))
}

async fn check(State(token): State<String>, request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let right = given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes())));
    if right { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

async fn status(State(app): State<App>) -> Json<Status> {
    Json(app.status().borrow().clone())
}

async fn earnings(State(app): State<App>, Query(query): Query<EarningsQuery>) -> Response {
    match app.earnings(query.limit.min(10_000)).await {
        Ok(earnings) => Json(earnings).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn why(State(app): State<App>) -> Response {
    match app.why().await {
        Ok(why) => Json(why).into_response(),
        Err(failure) => (StatusCode::INTERNAL_SERVER_ERROR, failure.message).into_response(),
    }
}

async fn mode(State(app): State<App>, Json(request): Json<ModeRequest>) -> Response {
    answer(app.set_mode(request.mode).await)
}

async fn pause(State(app): State<App>, Json(request): Json<PauseRequest>) -> Response {
    answer(app.pause_for(request.length).await)
}

async fn resume(State(app): State<App>) -> Response {
    answer(app.resume().await)
}

async fn retry(State(app): State<App>) -> Response {
    answer(app.forget_memory_limits().await)
}

async fn withdraw(State(app): State<App>, Json(wanted): Json<Withdrawal>) -> Response {
    match app.withdraw(&wanted).await {
        Ok(receipt) => Json(receipt).into_response(),
        Err(failure) => (StatusCode::CONFLICT, failure.message).into_response(),
    }
}

async fn quit(State(app): State<App>) -> Response {
    answer(app.quit().await)
}

fn answer(done: Result<(), CommandError>) -> Response {
    match done {
        Ok(()) => Json(json!({})).into_response(),
        Err(error) => (StatusCode::CONFLICT, error.to_string()).into_response(),
    }
}
