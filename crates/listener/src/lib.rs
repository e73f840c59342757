//! HTTP on one socket: how many connections there may be, how long a request's head may take, and an orderly end.
//!
//! axum's own server knows none of these limits, so that a client that sends a byte a minute could hold a connection for
//! ever. Nothing here fails: what goes wrong with one connection ends that connection and is logged, and while the system
//! gives no more connections they are asked for again every second.
//!
//! **Invariant:** never serves more connections than [`Limits::connections`] at a time; a connection has its place until it
//! has ended and its [`Guest`] is kept by nobody. Knows no route, no address and no reason to let somebody in: its host
//! says all of these.

#[cfg(test)]
mod tests;

use std::{any::Any, net::IpAddr, pin::pin, sync::Arc, time::Duration};

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
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long to wait when the system gives no more connections: it does not say when it will again.
const OUT_OF_CONNECTIONS: Duration = Duration::from_secs(1);

/// A socket whose connections are served.
#[derive(Debug)]
pub struct Listener<Admit> {
    socket: TcpListener,
    limits: Limits,
    admit: Admit,
    room: Arc<Semaphore>,
}

/// How much whoever connects may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most connections at a time.
    pub connections: usize,
    /// What becomes of one more.
    pub beyond: Beyond,
    /// How long a request's head may take to arrive, and a connection may wait for its next request.
    pub head: Duration,
    /// How long a connection may take, once the listener closes, to end what it is at. `None`: as long as that takes.
    pub farewell: Option<Duration>,
}

/// What becomes of a connection that is one too many.
#[derive(Clone, Copy, Debug)]
pub enum Beyond {
    /// It waits where the system keeps it until another one ends, which is logged.
    Waits {
        /// The name of the setting with which its operator allows more, for the log.
        setting: &'static str,
    },
    /// It is closed at once.
    IsClosed,
}

/// Who is at the other end of a connection: an extension of each of its requests. Whoever keeps it keeps the connection's
/// place taken.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its address.
    pub address: IpAddr,
    _place: Arc<dyn Any + Send + Sync>,
}

impl<Admit, Place> Listener<Admit>
where
    Admit: Fn(IpAddr) -> Option<Place>,
    Place: Send + Sync + 'static,
{
    /// On this socket. `admit` is asked for a place for each new connection from an address: without one it is closed; the
    /// place is dropped when the connection is over.
    pub fn new(socket: TcpListener, limits: Limits, admit: Admit) -> Self {
        Self { socket, limits, admit, room: Arc::new(Semaphore::new(limits.connections)) }
    }

    /// Serves until `closing` is cancelled; then takes no more and lets open connections finish what they do. Each request
    /// has its [`Guest`] among its extensions.
    pub async fn serve(self, app: Router, closing: CancellationToken) {
        let app = TowerToHyperService::new(app);
        let connections = TaskTracker::new();
        loop {
            let (stream, guest) = tokio::select! {
                biased;
                () = closing.cancelled() => break,
                next = self.next() => next,
            };
            connections.spawn(attend(stream, guest, app.clone(), self.limits, closing.clone()));
        }
        drop(self);
        connections.close();
        connections.wait().await;
    }

    /// The next connection that there is a place for.
    async fn next(&self) -> (TcpStream, Guest) {
        loop {
            let waited = self.wait_for_room().await;
            let Some((stream, address)) = self.accept().await else { continue };
            let room = waited.or_else(|| Arc::clone(&self.room).try_acquire_owned().ok());
            let Some(place) = room.zip((self.admit)(address)) else { continue };
            send_at_once(&stream);
            return (stream, Guest { address, _place: Arc::new(place) });
        }
    }

    /// Room for one more, where new ones are to wait for it.
    async fn wait_for_room(&self) -> Option<OwnedSemaphorePermit> {
        let Beyond::Waits { setting } = self.limits.beyond else { return None };
        if self.room.available_permits() == 0 {
            tracing::warn!("every connection is taken; new ones wait ({setting})");
        }
        match Arc::clone(&self.room).acquire_owned().await {
            Ok(permit) => Some(permit),
            // Nobody closes it.
            Err(_) => std::future::pending().await,
        }
    }

    async fn accept(&self) -> Option<(TcpStream, IpAddr)> {
        match self.socket.accept().await {
            Ok((stream, peer)) => Some((stream, peer.ip())),
            Err(error) => {
                tracing::error!(%error, "no connection could be taken; is the limit of open files too low?");
                sleep(OUT_OF_CONNECTIONS).await;
                None
            }
        }
    }
}

/// Serves one connection; once the listener closes, what it is at and no more.
async fn attend(
    stream: TcpStream,
    guest: Guest,
    app: TowerToHyperService<Router>,
    limits: Limits,
    closing: CancellationToken,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(guest.clone());
        app.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            at_most(limits.farewell, connection).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

/// Waits for the connection's end, and no longer than that.
async fn at_most(farewell: Option<Duration>, connection: impl Future<Output = hyper::Result<()>>) -> hyper::Result<()> {
    match farewell {
        Some(farewell) => timeout(farewell, connection).await.unwrap_or(Ok(())),
        None => connection.await,
    }
}

/// What is sent in small parts must not wait for each other: without this each costs up to 40 ms.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection will be slower than it could be");
    }
}
