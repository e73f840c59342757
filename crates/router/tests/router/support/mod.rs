//! A router on a free port with its own database, and what talks to it.

mod client;
mod node;

use std::{net::SocketAddr, time::Duration};

use cortensor_router::{Policy, Router, RouterConfig};
use tempfile::TempDir;

pub(crate) use self::{
    client::Client,
    node::{Behaviour, FakeNode, Fault, Socket, fake, hello, no_task, offer, on, open, read, say, sign, signer},
};

/// Far longer than anything here takes: a test that waits for this has failed.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// A router and a client with a key.
pub(crate) struct Practice {
    pub(crate) folder: TempDir,
    pub(crate) router: Router,
    pub(crate) client: Client,
    pub(crate) policy: Policy,
    key: String,
}

impl Practice {
    pub(crate) async fn start() -> Self {
        Self::with(Policy::default()).await
    }

    pub(crate) async fn with(policy: Policy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let router = Router::start(config(&folder, policy.clone())).await.unwrap();
        let key = router.create_practice_key("test").await.unwrap();
        let client = Client::new(router.address(), &key);
        Self { folder, router, client, policy, key }
    }

    /// Stops the router and starts it again on the same database.
    pub(crate) async fn restart(self) -> Self {
        let Self { folder, router, policy, key, .. } = self;
        soon("the router's stop", router.stop()).await;
        let router = Router::start(config(&folder, policy.clone())).await.unwrap();
        let client = Client::new(router.address(), &key);
        Self { folder, router, client, policy, key }
    }

    /// A client with the operator's key.
    pub(crate) async fn operator(&self) -> Client {
        let key = format!("op-{}", "0".repeat(48));
        self.router.set_operator_key(&key).await.unwrap();
        self.client.with_key(&key)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.router.address()
    }

    /// An honest node that passed its test.
    pub(crate) async fn node(&self, number: u8) -> FakeNode {
        self.node_that(number, Behaviour::default()).await
    }

    pub(crate) async fn node_that(&self, number: u8, behaviour: Behaviour) -> FakeNode {
        let mut node = fake(self.address(), number, behaviour).await;
        node.tier().await;
        node
    }

    /// Ends a test: whatever happened, the ledger adds up.
    pub(crate) async fn settle(self) {
        let summary = self.router.verify_ledger().await.unwrap();
        assert_eq!(summary.held.base_units(), 0, "{summary:?}");
        soon("the router's stop", self.router.stop()).await;
    }
}

pub(crate) fn config(folder: &TempDir, policy: Policy) -> RouterConfig {
    RouterConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        database: folder.path().join("router.sqlite"),
        name: "test router".to_owned(),
        network: "practice".to_owned(),
        policy,
    }
}
