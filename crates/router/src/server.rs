//! The router's connections: what its policy allows, and who has too many.

use std::{net::IpAddr, sync::Arc};

use axum::Router;
use cortensor_listener::{Beyond, Limits, Listener};
use tokio::net::TcpListener;

use crate::{
    context::Context,
    policy::LimitPolicy,
    rules::limit::{Place, Source},
};

/// Serves until the router closes; then lets open connections finish what they do.
pub(crate) async fn serve(context: Arc<Context>, socket: TcpListener, app: Router) {
    let (limits, closing) = (limits(&context.policy.limits), context.stopping.closing.clone());
    let listener = Listener::new(socket, limits, move |address| place(&context, address));
    listener.serve(app, closing).await;
}

/// How long everything may take to end is the router's own to say: it gives up what takes longer.
fn limits(policy: &LimitPolicy) -> Limits {
    Limits {
        connections: policy.connections.get() as usize,
        beyond: Beyond::Waits { setting: "`connections` of the policy" },
        head: policy.head(),
        farewell: None,
    }
}

fn place(context: &Context, address: IpAddr) -> Option<Place> {
    let place = context.limits.connection(Source::from(address));
    if place.is_none() {
        tracing::debug!(%address, "too many connections from one address");
        context.metrics.turned_away("connections");
    }
    place
}
