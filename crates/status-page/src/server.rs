//! The page's connections: how many there may be, how long a request's head may take, and their end.
//!
//! axum's own server knows neither limit.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use cortensor_app::Status;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Desk, Glance, addresses,
    places::{Places, Tries},
    routes::{Site, routes},
};

/// Most connections.
const CONNECTIONS: usize = 64;
/// How long a request's head may take, and how long a connection may say nothing.
const HEAD: Duration = Duration::from_secs(15);
/// How long a browser has to take the end of what it was told.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long to wait when the system gives no more connections: it does not say when it will again.
const OUT_OF_CONNECTIONS: Duration = Duration::from_secs(1);

/// Who is at the other end of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Guest(pub(crate) IpAddr);

/// A page that is served.
pub(crate) struct Served {
    /// Where it was told to listen.
    pub(crate) asked: SocketAddr,
    closing: CancellationToken,
    server: JoinHandle<()>,
    glances: JoinHandle<()>,
}

impl Served {
    pub(crate) fn start(
        asked: SocketAddr,
        listener: TcpListener,
        desk: Arc<Desk>,
        mut status: watch::Receiver<Status>,
    ) -> Self {
        let closing = CancellationToken::new();
        let first = Glance::of(&status.borrow_and_update(), None, desk.now());
        let (told, glance) = watch::channel(first);
        let glances = tokio::spawn(follow(Arc::clone(&desk), status, told, closing.clone()));
        let cookie = format!("cortensor_glance_{}", desk.listen().unwrap_or(asked).port());
        let (names, tries, stop) = (addresses::names(), Tries::default(), closing.clone());
        let site = Arc::new(Site { desk, glance, cookie, names, tries, closing: stop });
        let server = tokio::spawn(serve(listener, routes(site), closing.clone()));
        Self { asked, closing, server, glances }
    }

    pub(crate) async fn stop(self) {
        self.closing.cancel();
        for task in [self.server, self.glances] {
            if let Err(error) = task.await {
                tracing::error!(%error, "the status page ended badly");
            }
        }
    }
}

/// Makes glances of the status until the page closes. Of a status that has ended the last one stays.
async fn follow(
    desk: Arc<Desk>,
    mut status: watch::Receiver<Status>,
    told: watch::Sender<Glance>,
    closing: CancellationToken,
) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            Ok(()) = status.changed() => {}
        }
        let now = status.borrow_and_update().clone();
        told.send_if_modified(|before| {
            let glance = Glance::of(&now, Some(before), desk.now());
            let changed = glance != *before;
            *before = glance;
            changed
        });
    }
}

async fn serve(listener: TcpListener, app: Router, closing: CancellationToken) {
    let (places, room) = (Places::default(), Arc::new(Semaphore::new(CONNECTIONS)));
    let app = TowerToHyperService::new(app);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Some((stream, guest)) = known(accepted).await else { continue };
        // Who is one too many is not kept waiting.
        let (Some(place), Ok(room)) = (places.take(guest.0), Arc::clone(&room).try_acquire_owned()) else { continue };
        let attended = attend(stream, guest, app.clone(), closing.clone());
        connections.spawn(async move {
            attended.await;
            drop((place, room));
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn known(accepted: std::io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, Guest)> {
    match accepted {
        Ok((stream, peer)) => Some((stream, Guest(peer.ip()))),
        Err(error) => {
            tracing::warn!(%error, "the status page could not take a connection");
            sleep(OUT_OF_CONNECTIONS).await;
            None
        }
    }
}

/// Serves one connection; once the page closes, what it is at and no more.
async fn attend(stream: TcpStream, guest: Guest, app: TowerToHyperService<Router>, closing: CancellationToken) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(guest);
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(FAREWELL, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of the status page ended badly");
    }
}
