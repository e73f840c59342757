//! Starting and stopping.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use cortensor_protocol::NodeAddress;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::task::TaskTracker;

use crate::{
    clock::{now, wall_time},
    context::{Context, Stopping},
    http,
    metrics::Metrics,
    policy::Policy,
    rules::{
        audit::AuditDesk,
        backlog::{self, Backlog},
        books::Books,
        judgement::JudgementDesk,
        key,
        limit::Limits,
        pool::Pool,
        rounds,
    },
    server,
    statement_key::{StatementKey, StatementKeyError},
    store::{LedgerFault, LedgerSummary, Store, StoreError},
};

/// A key that is given must be at least this long: short ones can be guessed.
const SHORTEST_KEY: usize = 32;
/// How long connections may take to end once everything is said.
const PARTING: Duration = Duration::from_secs(3);

/// What a router needs to know to start.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The database file; made if it is not there.
    pub database: PathBuf,
    /// The router's name, for people.
    pub name: String,
    /// The network's name; `practice` pays practice credits.
    pub network: String,
    /// Prices, deadlines and cut-offs.
    pub policy: Policy,
}

/// Why a router did not start, or could not do what its host asked.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// Another program listens there.
    #[error(
        "port {port} of {ip} is taken by another program; stop that one, or choose another address with --listen",
        port = address.port(), ip = address.ip()
    )]
    PortTaken {
        /// Where this router was to listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on; choose an address of this machine with --listen")]
    Listen {
        /// Where this router was to listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A key of the wrong form.
    #[error("the key is `{prefix}` and at least {least} letters and digits; let the router make one", least = SHORTEST_KEY - 3)]
    BadKey {
        /// What such a key begins with.
        prefix: &'static str,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key for statements failed.
    #[error(transparent)]
    StatementKey(#[from] StatementKeyError),
    /// The ledger does not add up.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
}

/// A running router. Dropping it stops everything at once; [`Router::stop`] does so in good order.
pub struct Router {
    context: Arc<Context>,
    server: JoinHandle<()>,
}

impl Router {
    /// Listens, opens the database, ends what a crash left open, and serves in the background.
    pub async fn start(config: RouterConfig) -> Result<Self, RouterError> {
        // First of all, so that a second router with the same settings does not touch the first one's open tasks.
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|source| RouterError::Listen { address: config.listen, source })?;
        let store = Store::open(&config.database).await?;
        let interrupted = store.recover(wall_time()).await?;
        if interrupted > 0 {
            tracing::warn!(interrupted, "tasks were open when the router last ended; their holds are released");
        }
        let statement_key = StatementKey::open(&config.database)?;
        let context = Arc::new(context(config, address, store, statement_key));
        context.sessions.spawn(backlog::work_off(Arc::clone(&context)));
        let desk = Arc::clone(&context);
        context.sessions.spawn(async move { desk.audits.tidy(desk.stopping.closing.clone()).await });
        let desk = Arc::clone(&context);
        context.sessions.spawn(async move { desk.judgements.tidy(desk.stopping.closing.clone()).await });
        context.sessions.spawn(rounds::hold(Arc::clone(&context)));
        let app = http::routes(Arc::clone(&context));
        let server = tokio::spawn(server::serve(Arc::clone(&context), listener, app));
        tracing::info!(%address, name = context.name, network = context.network, "the router listens");
        Ok(Self { context, server })
    }

    /// Where it listens: the real port when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.context.address
    }

    /// Whose signature its statements of withdrawals carry.
    pub fn statement_signer(&self) -> NodeAddress {
        self.context.statement_key.address()
    }

    /// Makes a key with a deposit of practice credits. It is shown this once: the router keeps only its digest.
    pub async fn create_practice_key(&self, label: &str) -> Result<String, RouterError> {
        let key = key::random();
        self.add_key(&key, label).await?;
        Ok(key)
    }

    /// Registers a key that its owner kept, with a deposit of practice credits; a known one stays as it is.
    pub async fn ensure_practice_key(&self, key: &str) -> Result<(), RouterError> {
        check_key(key, "sk-")?;
        self.add_key(key, "kept by its owner").await
    }

    /// Registers a validator's key (`vk-` and letters and digits) that its owner kept; a known one stays as it is.
    pub async fn ensure_validator_key(&self, key: &str) -> Result<(), RouterError> {
        check_key(key, "vk-")?;
        Ok(self.context.store.add_validator(key, "kept by its owner", wall_time()).await?)
    }

    /// Makes a key that its owner kept the operator's: it opens what is read of the router, and no user's deposit. An
    /// earlier one opens nothing any more.
    pub async fn set_operator_key(&self, key: &str) -> Result<(), RouterError> {
        check_key(key, "op-")?;
        Ok(self.context.store.set_operator_key(key, wall_time()).await?)
    }

    async fn add_key(&self, key: &str, label: &str) -> Result<(), RouterError> {
        let deposit = self.context.policy.practice_deposit;
        self.context.store.add_key(key, label, deposit, wall_time()).await?;
        Ok(())
    }

    /// Adds the whole ledger up: no account overdrawn, nothing held for tasks that are over, every node's settlements
    /// without gaps and the same as what was booked for it.
    pub async fn verify_ledger(&self) -> Result<LedgerSummary, RouterError> {
        Ok(self.context.store.verify_ledger().await??)
    }

    /// Takes nothing new, gives running tasks a few seconds, tells the nodes, and ends everything.
    pub async fn stop(mut self) {
        let context = Arc::clone(&self.context);
        context.stopping.closing.cancel();
        context.tasks.close();
        let grace = Duration::from_millis(context.policy.stop_milliseconds);
        if timeout(grace, context.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = context.tasks.len(), "running tasks are given up");
        }
        context.stopping.giving_up.cancel();
        let _ = timeout(PARTING, context.tasks.wait()).await;
        if timeout(PARTING, context.backlog.emptied()).await.is_err() {
            tracing::error!("the database did not take everything; the next start releases what is held for it");
        }
        context.stopping.leaving.cancel();
        context.sessions.close();
        let _ = timeout(PARTING, context.sessions.wait()).await;
        if timeout(PARTING, &mut self.server).await.is_err() {
            self.server.abort();
        }
        context.store.close().await;
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.context.stopping.at_once();
    }
}

fn check_key(key: &str, prefix: &'static str) -> Result<(), RouterError> {
    let sound = |body: &str| key.len() >= SHORTEST_KEY && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if key.strip_prefix(prefix).is_some_and(sound) { Ok(()) } else { Err(RouterError::BadKey { prefix }) }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, RouterError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => RouterError::PortTaken { address, source },
        _ => RouterError::Listen { address, source },
    })
}

fn context(config: RouterConfig, address: SocketAddr, store: Store, statement_key: StatementKey) -> Context {
    let RouterConfig { name, network, policy, .. } = config;
    Context {
        name,
        network,
        address,
        pool: Pool::new(policy.queue_length, policy.absent_model(), policy.breaker),
        audits: AuditDesk::new(policy.audit.clone()),
        judgements: JudgementDesk::new(policy.judgement.clone(), policy.rubric),
        limits: Limits::new(&policy.limits),
        policy,
        store,
        statement_key,
        backlog: Backlog::default(),
        books: Books::default(),
        metrics: Metrics::default(),
        started: now(),
        tasks: TaskTracker::new(),
        sessions: TaskTracker::new(),
        stopping: Stopping::default(),
    }
}
