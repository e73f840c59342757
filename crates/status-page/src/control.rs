//! Pairing from another process of this machine: routes for the miner's control door, which checks who asks.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use cortensor_app::Failure;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, PairedDevice, PairingCode, StatusPage};

/// A code, and where to type it.
#[derive(Debug, Serialize, Deserialize)]
pub struct PairingOffer {
    /// The code.
    pub code: PairingCode,
    /// Where browsers of the network find the page.
    pub addresses: Vec<String>,
}

/// Whom to forget.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetRequest {
    /// Which; `None`: all.
    pub id: Option<DeviceId>,
}

impl StatusPage {
    /// What another process may ask of it.
    pub fn control(&self) -> Router {
        Router::new()
            .route("/pairing/code", post(code))
            .route("/pairing/devices", get(devices))
            .route("/pairing/forget", post(forget))
            .with_state(self.clone())
    }
}

async fn code(State(page): State<StatusPage>) -> Response {
    let offered = page.show_pairing_code();
    answer(offered.map(|code| PairingOffer { code, addresses: page.view().borrow().addresses.clone() }))
}

async fn devices(State(page): State<StatusPage>) -> Json<Vec<PairedDevice>> {
    Json(page.view().borrow().devices.clone())
}

async fn forget(State(page): State<StatusPage>, Json(request): Json<ForgetRequest>) -> Response {
    let forgotten = request.id.map_or_else(|| page.forget_all(), |id| page.forget(id));
    answer(forgotten.map(|()| serde_json::json!({})))
}

fn answer(done: Result<impl Serialize, Failure>) -> Response {
    match done {
        Ok(value) => Json(value).into_response(),
        Err(failure) => (StatusCode::CONFLICT, failure.message).into_response(),
    }
}
