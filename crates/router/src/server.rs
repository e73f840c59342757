//! The router's connections: how many there may be, how long a request's head may take, and their end.
//!
//! axum's own server knows neither limit, so that a client that sends a byte a minute could hold a connection for ever.

use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
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
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::task::TaskTracker;

use crate::{
    context::Context,
    rules::limit::{Place, Source},
};

/// How long to wait when the system gives no more connections: it does not say when it will again.
const OUT_OF_CONNECTIONS: Duration = Duration::from_secs(1);

/// Who is at the other end of a connection. Whoever keeps it keeps the connection's place taken.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) address: IpAddr,
    _place: Arc<(Place, OwnedSemaphorePermit)>,
}

/// Serves until the router closes; then lets open connections finish what they do.
pub(crate) async fn serve(context: Arc<Context>, listener: TcpListener, app: Router) {
    let app = TowerToHyperService::new(app);
    let connections = TaskTracker::new();
    loop {
        let (stream, guest) = tokio::select! {
            biased;
            () = context.stopping.closing.cancelled() => break,
            accepted = accept(&context, &listener) => accepted,
        };
        connections.spawn(attend(Arc::clone(&context), stream, guest, app.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Serves one connection; once the router closes, what it is at and no more.
async fn attend(context: Arc<Context>, stream: TcpStream, guest: Guest, app: TowerToHyperService<Router>) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(guest.clone());
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(context.policy.limits.head())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = context.stopping.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// The next connection that there is a place for. While there is none, new ones wait where the system keeps them.
async fn accept(context: &Context, listener: &TcpListener) -> (TcpStream, Guest) {
    loop {
        let permit = permit(&context.connections).await;
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::error!(%error, "no connection could be taken; is the limit of open files too low?");
                sleep(OUT_OF_CONNECTIONS).await;
                continue;
            }
        };
        let Some(place) = context.limits.connection(Source::from(peer.ip())) else {
            tracing::debug!(address = %peer.ip(), "too many connections from one address");
            context.metrics.turned_away("connections");
            continue;
        };
        send_at_once(&stream);
        return (stream, Guest { address: peer.ip(), _place: Arc::new((place, permit)) });
    }
}

async fn permit(connections: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    if connections.available_permits() == 0 {
        tracing::warn!("every connection is taken; new ones wait (`connections` of the policy)");
    }
    match Arc::clone(connections).acquire_owned().await {
        Ok(permit) => permit,
        // Nobody closes it.
        Err(_) => std::future::pending().await,
    }
}

/// Tokens are small and must not wait for each other: without this each costs up to 40 ms.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection will be slower than it could be");
    }
}
