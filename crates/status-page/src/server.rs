//! The page's connections, and what they follow.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use cortensor_app::Status;
use cortensor_listener::{Beyond, Limits, Listener};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    Desk, Glance, addresses,
    places::{Places, Tries},
    routes::{Site, routes},
};

/// Who is one too many is not kept waiting, and a browser has two seconds to take the end of what it was told.
const LIMITS: Limits = Limits {
    connections: 64,
    beyond: Beyond::IsClosed,
    head: Duration::from_secs(15),
    farewell: Some(Duration::from_secs(2)),
};

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

async fn serve(socket: TcpListener, app: Router, closing: CancellationToken) {
    let places = Places::default();
    let listener = Listener::new(socket, LIMITS, move |address| places.take(address));
    listener.serve(app, closing).await;
}
