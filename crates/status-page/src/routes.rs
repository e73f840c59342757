//! What the page can be asked.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{
        HeaderMap, StatusCode,
        header::{SET_COOKIE, USER_AGENT},
    },
    middleware::from_fn_with_state,
    response::{IntoResponse, Response, Sse, sse::Event},
    routing::{get, post},
};
use cortensor_app::{Failure, FailureCode};
use cortensor_listener::Guest;
use futures::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use ts_rs::TS;

use crate::{
    Desk, Glance, browser,
    codes::Typed,
    devices::{PairError, Pass},
    files, guard,
    places::Tries,
};

/// Most bytes of what is sent.
const MOST_BYTES: usize = 1024;
/// How close together two glances come.
const PERIOD: Duration = Duration::from_secs(1);
/// After so long the last one is told once more, so that the page notices a connection that went without a word.
const STILL_HERE: Duration = Duration::from_secs(10);
/// How long a browser stays paired unless it is forgotten.
const A_YEAR: u32 = 365 * 24 * 3600;

/// What all requests share.
pub(crate) struct Site {
    pub(crate) desk: Arc<Desk>,
    pub(crate) glance: watch::Receiver<Glance>,
    /// Named after the port: cookies do not tell one port of a machine from another.
    pub(crate) cookie: String,
    pub(crate) names: Vec<String>,
    pub(crate) tries: Tries,
    pub(crate) closing: CancellationToken,
}

impl Site {
    pub(crate) fn is_this_machine(&self, host: &str) -> bool {
        guard::is_own(host, &self.names)
    }
}

/// A code that was typed.
#[derive(Deserialize)]
struct PairRequest {
    code: String,
}

/// Why a browser was not paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum PairRefusal {
    /// The code is another one.
    Wrong {
        /// So many tries are left before it is void.
        left: u8,
    },
    /// The app shows no code, or its time is up.
    NoCode,
    /// Too many tries from this address: wait a minute.
    SlowDown,
    /// As many browsers are paired as there may be.
    Full,
    /// It could not be written down; the miner's log says why.
    NotKept,
}

pub(crate) fn routes(site: Arc<Site>) -> Router {
    let private = Router::new()
        .route("/api/glance", get(glance))
        .route("/api/events", get(events))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(from_fn_with_state(Arc::clone(&site), guard::if_paired));
    Router::new()
        .route("/", get(files::page))
        .route("/icon.svg", get(files::icon))
        .route("/assets/{name}", get(files::asset))
        .route("/api/pair", post(pair).layer(DefaultBodyLimit::max(MOST_BYTES)))
        .merge(private)
        .layer(from_fn_with_state(Arc::clone(&site), guard::at_the_door))
        .with_state(site)
}

async fn pair(
    State(site): State<Arc<Site>>,
    Extension(guest): Extension<Guest>,
    headers: HeaderMap,
    Json(request): Json<PairRequest>,
) -> Response {
    let (desk, now) = (&site.desk, site.desk.now());
    if !site.tries.once_more(guest.address, now) {
        return PairRefusal::SlowDown.into_response();
    }
    let typed = desk.codes.take(&request.code, now);
    let answer = match typed {
        Typed::Right => paired(&site, &headers),
        Typed::Wrong { left } => PairRefusal::Wrong { left }.into_response(),
        Typed::NoCode => PairRefusal::NoCode.into_response(),
    };
    desk.tell();
    answer
}

fn paired(site: &Site, headers: &HeaderMap) -> Response {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    match site.desk.devices.pair(browser::name(agent), site.desk.now()) {
        Ok(token) => {
            let name = &site.cookie;
            let cookie = format!("{name}={token}; Path=/; Max-Age={A_YEAR}; HttpOnly; SameSite=Strict");
            ([(SET_COOKIE, cookie)], Json(serde_json::json!({}))).into_response()
        }
        Err(PairError::Full) => PairRefusal::Full.into_response(),
        Err(error) => {
            tracing::error!("a browser was not paired: {}", Failure::of(FailureCode::File, &error).message);
            PairRefusal::NotKept.into_response()
        }
    }
}

impl IntoResponse for PairRefusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Wrong { .. } | Self::NoCode => StatusCode::FORBIDDEN,
            Self::SlowDown => StatusCode::TOO_MANY_REQUESTS,
            Self::Full => StatusCode::CONFLICT,
            Self::NotKept => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(self)).into_response()
    }
}

async fn glance(State(site): State<Arc<Site>>, Extension(pass): Extension<Pass>) -> Json<Glance> {
    site.looks(&pass);
    Json(site.glance.borrow().clone())
}

/// The glance of now and of every second in which it changes, until the browser is forgotten or the page closes.
async fn events(
    State(site): State<Arc<Site>>,
    Extension(pass): Extension<Pass>,
) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let mut beat = interval(PERIOD);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower =
        Follower { glance: site.glance.clone(), pass: pass.clone(), beat, told: false, site: Arc::clone(&site) };
    let over = async move {
        tokio::select! {
            () = pass.gone.cancelled() => {}
            () = site.closing.cancelled() => {}
        }
    };
    Sse::new(stream::unfold(follower, Follower::next).take_until(over))
}

/// A browser that follows.
struct Follower {
    site: Arc<Site>,
    pass: Pass,
    glance: watch::Receiver<Glance>,
    beat: Interval,
    told: bool,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, axum::Error>, Self)> {
        self.beat.tick().await;
        if self.told
            && let Ok(changed) = timeout(STILL_HERE, self.glance.changed()).await
        {
            changed.ok()?;
        }
        self.told = true;
        self.site.looks(&self.pass);
        let event = Event::default().json_data(&*self.glance.borrow_and_update());
        Some((event, self))
    }
}

impl Site {
    fn looks(&self, pass: &Pass) {
        if self.desk.devices.looks(pass.id, self.desk.now()) {
            self.desk.tell();
        }
    }
}
